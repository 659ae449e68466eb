"""Evidence of made-up queries, for the tests of the gate and of its fit."""

import numpy as np

from signtalk.recognition.evidence import FIGURES, Evidence
from signtalk.recognition.gate import GateConfig

TYPICAL = dict(zip(FIGURES, GateConfig().typical, strict=True))


def evidence_of(*queries, answered=None):
    """Evidence of queries given as changes to typical figures."""
    columns = {name: np.array([(TYPICAL | query)[name] for query in queries], dtype=np.float32) for name in FIGURES}
    return whole_evidence(columns, np.ones(len(queries), np.bool_) if answered is None else np.array(answered))


def whole_evidence(columns, answered, written=None):
    return Evidence(**columns, answered=answered, written=np.zeros(len(answered), bool) if written is None else written)


MOVING = np.array([1.0], dtype=np.float32)


NO_IDLE = np.zeros(0, dtype=np.float32)
