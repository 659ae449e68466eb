"""Evidence of made-up queries, for the tests of the gate and of its fit."""

import numpy as np

from signtalk.recognition.evidence import FIGURES, Evidence
from signtalk.recognition.gate import Figure, GateConfig

TYPICAL = {name: figure.typical for name, figure in GateConfig().figures.items()}


def evidence_of(*queries, answered=None):
    """Evidence of queries given as changes to typical figures."""
    columns = {name: np.array([(TYPICAL | query)[name] for query in queries], dtype=np.float32) for name in FIGURES}
    return whole_evidence(columns, np.ones(len(queries), np.bool_) if answered is None else np.array(answered))


def whole_evidence(columns, answered, written=None):
    return Evidence(**columns, answered=answered, written=np.zeros(len(answered), bool) if written is None else written)


MOVING = np.array([1.0], dtype=np.float32)


NO_IDLE = np.zeros(0, dtype=np.float32)


def figures(weights, typical=TYPICAL.values(), spread=None):
    """A gate's figures of three columns, in the order of FIGURES; the usual spread unless another is given."""
    spread = [figure.spread for figure in GateConfig().figures.values()] if spread is None else spread
    columns = zip(FIGURES, weights, typical, spread, strict=True)
    return {name: Figure(weight=w, typical=t, spread=s) for name, w, t, s in columns}


def weights_of(config):
    """What a gate's figures weigh, by name."""
    return {name: figure.weight for name, figure in config.figures.items()}
