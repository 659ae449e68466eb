"""The graphs of a bundle on ONNX Runtime: encoder, text encoder and decoder, without torch.

    features (B, T, F) --OnnxEncoder--> Encoded      token ids --OnnxTextEncoder--> (B, D)
    memory --OnnxStepDecoder--> log probabilities, token by token

A graph comes from outside: one that does not load, does not run or gives something else than was asked for is an
`ArtifactError` that names its file.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
from pydantic import BaseModel, Field

from signtalk.arrays import BoolArray, FloatArray, IntArray
from signtalk.errors import ArtifactError, one_line
from signtalk.index.encoded import Encoded
from signtalk.landmarks.features import FeatureConfig

_FATAL_ALONE = 4
"""What ONNX Runtime logs; errors are raised as well, and would stand on standard error twice."""


class DecoderShape(BaseModel, frozen=True):
    """What a decoder's graph does not tell of itself, from `model_config.json`, which tells more."""

    sos_id: int = Field(ge=0)
    eos_id: int = Field(ge=0)
    vocabulary_size: int = Field(ge=1)
    num_layers: int = Field(ge=1, le=1000)
    num_heads: int = Field(ge=1, le=1000)
    width: int = Field(ge=1, le=100_000)


class OnnxEncoder:
    """The exported encoder as an `encoding.ClipEncoder`.

    Attributes:
        feature_config: what its input must be made with.
    """

    def __init__(self, path: Path, features: FeatureConfig, spells: bool) -> None:
        self.feature_config, self._spells = features, spells
        self._graph = _Graph(path)

    def encode(self, features: FloatArray, valid: BoolArray) -> Encoded:
        """Encode (B, T, F) features under their (B, T) valid mask.

        Raises:
            ArtifactError: the graph is not of these features, or gives something else than an encoder does.
        """
        inputs = {"features": np.asarray(features, dtype=np.float32), "valid": np.asarray(valid, dtype=np.bool_)}
        outputs = self._graph.run(inputs)
        try:
            return Encoded.from_outputs(outputs, valid, self._spells)
        except (TypeError, ValueError, IndexError) as error:
            raise ArtifactError(
                f"{self._graph.path}: no sign encoder ({one_line(error)}); get the bundle again"
            ) from error


class OnnxTextEncoder:
    """The exported text encoder as a `text_search.TextEmbedder`."""

    def __init__(self, path: Path) -> None:
        self._graph = _Graph(path)

    def encode(self, tokens: IntArray) -> FloatArray:
        """Place (B, S) token ids among the signs: (B, D)."""
        (embeddings,) = self._graph.run({"tokens": np.asarray(tokens, dtype=np.int64)}, 1)
        return embeddings


@dataclass(frozen=True, eq=False)
class _OnnxState:
    memory_valid: BoolArray
    cross: FloatArray
    cache: FloatArray

    def select(self, rows: npt.NDArray[np.integer]) -> _OnnxState:
        """The state of `rows`, in their order, repeats allowed; axis 2 of keys and values is the row."""
        return _OnnxState(self.memory_valid[rows], self.cross[:, :, rows], self.cache[:, :, rows])


class OnnxStepDecoder:
    """The exported text decoder as a `decoding.StepDecoder`.

    Attributes:
        sos_id: id every text starts with.
        eos_id: id every text ends with.
        vocabulary_size: V.
    """

    def __init__(self, start: Path, step: Path, shape: DecoderShape) -> None:
        self.sos_id, self.eos_id, self.vocabulary_size = shape.sos_id, shape.eos_id, shape.vocabulary_size
        self._empty = (shape.num_layers, 2, shape.num_heads, shape.width // shape.num_heads)
        self._start, self._step = _Graph(start), _Graph(step)

    def start(self, memory: FloatArray, memory_valid: BoolArray) -> _OnnxState:
        """Read the memory of a batch of clips: the state before the first token."""
        (cross,) = self._start.run({"memory": memory, "memory_valid": memory_valid}, 1)
        layers, two, heads, size = self._empty
        return _OnnxState(memory_valid, cross, np.zeros((layers, two, len(memory), heads, 0, size), dtype=np.float32))

    def step(self, tokens: IntArray, state: _OnnxState) -> tuple[FloatArray, _OnnxState]:
        """Say one more token a row: (B, V) log probabilities of the next one, and the state after."""
        inputs = {"tokens": tokens, "memory_valid": state.memory_valid, "cross": state.cross, "cache": state.cache}
        log_probs, cache = self._step.run(inputs, 2)
        if log_probs.shape != (len(tokens), self.vocabulary_size):
            raise ArtifactError(
                f"{self._step.path}: gives {log_probs.shape}; expected {(len(tokens), self.vocabulary_size)} by "
                "model_config.json; get the bundle again"
            )
        return log_probs, _OnnxState(state.memory_valid, state.cross, cache)


class _Graph:
    """One `.onnx` file, ready to run."""

    def __init__(self, path: Path) -> None:
        self.path = path
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = _num_threads()
        options.log_severity_level = _FATAL_ALONE
        try:
            self._session = onnxruntime.InferenceSession(
                str(path), options, providers=["CPUExecutionProvider"], enable_fallback=0
            )
        except Exception as error:  # onnxruntime raises classes of its C extension without a common base
            raise ArtifactError(
                f"{path}: ONNX Runtime cannot load it ({one_line(error)}); get the bundle again"
            ) from error

    def run(self, inputs: dict[str, npt.NDArray[Any]], expected: int = 0) -> list[npt.NDArray[Any]]:
        """All outputs; `expected` of them, if it is given.

        Raises:
            ArtifactError: it does not run on these inputs.
        """
        try:
            outputs: list[Any] = list(self._session.run(None, inputs))
        except Exception as error:  # as above
            raise ArtifactError(
                f"{self.path}: does not run on {', '.join(inputs)} ({one_line(error)}); get the bundle again"
            ) from error
        if expected and len(outputs) != expected:
            raise ArtifactError(f"{self.path}: {len(outputs)} outputs; expected {expected}; get the bundle again")
        return outputs


def _num_threads() -> int:
    """OMP_NUM_THREADS, of whose levels ("4,2") the outer one counts; 1 where it is not set or no such number."""
    outer = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    return max(1, int(outer)) if outer.isascii() and outer.isdecimal() and len(outer) < 5 else 1
