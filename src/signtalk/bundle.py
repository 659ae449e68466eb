"""What is shipped: one zip with everything that inference needs, read without torch.

    sign_encoder_bundle.zip -> open_bundle (checked) -> Bundle -> Recognizer

The zip is not trusted: entry names, sizes and hashes are checked before anything is read
(docs/bundle-format.md). The graphs run on ONNX Runtime.
"""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
from pydantic import BaseModel, ValidationError

from signtalk.encoding import Encoded
from signtalk.errors import ArtifactError
from signtalk.features import FeatureConfig
from signtalk.files import DAMAGE, BoolArray, FloatArray, IntArray, load_arrays, read_json, sha256_file
from signtalk.index import SentenceIndex
from signtalk.recognizer import DecisionConfig, Recognizer
from signtalk.text_search import TextSpace
from signtalk.tokenizer import SentenceTokenizer

BUNDLE_FORMAT_VERSION = 4
_READABLE_VERSIONS = (2, 3, BUNDLE_FORMAT_VERSION)
"""Version 2 has no text encoder: clips cannot be searched by text. The gates of 2 and 3 weigh six figures."""
TEXT_ENCODER_NAME = "sign_text_encoder.onnx"
BUNDLE_NAME = "sign_encoder_bundle.zip"
MANIFEST_NAME = "export_manifest.json"
_MAX_ENTRIES = 64
_MAX_BYTES = 4 * 1024**3
GOLDEN_TOLERANCE = 1e-3
"""Largest difference to the golden answers; other processors round a little differently."""


class BundleManifest(BaseModel, frozen=True, extra="forbid"):
    """`export_manifest.json`.

    Attributes:
        format_version: of this layout.
        files: SHA-256 of every other file, by name.
        versions: of the libraries that wrote it.
        origin: recipe, split hash, epoch and measures of the model.
        parity: largest differences that were found between PyTorch, ONNX Runtime and TorchScript.
    """

    format_version: int
    files: dict[str, str]
    versions: dict[str, str]
    origin: dict[str, Any]
    parity: dict[str, float]


class OnnxEncoder:
    """The exported encoder as an `encoding.ClipEncoder`.

    Attributes:
        feature_config: what its input must be made with.
    """

    def __init__(self, path: Path, features: FeatureConfig, spells: bool) -> None:
        self.feature_config, self._spells = features, spells
        self._session = _session(path)

    def encode(self, features: FloatArray, valid: BoolArray) -> Encoded:
        """Encode (B, T, F) features under their (B, T) valid mask."""
        inputs = {"features": np.asarray(features, dtype=np.float32), "valid": np.asarray(valid, dtype=np.bool_)}
        return Encoded.from_outputs(_run(self._session, inputs), valid, self._spells)


class OnnxTextEncoder:
    """The exported text encoder as a `text_search.TextEmbedder`."""

    def __init__(self, path: Path) -> None:
        self._session = _session(path)

    def encode(self, tokens: IntArray) -> FloatArray:
        """Place (B, S) token ids among the signs: (B, D)."""
        (embeddings,) = _run(self._session, {"tokens": np.asarray(tokens, dtype=np.int64)})
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

    def __init__(self, start: Path, step: Path, shape: dict[str, int]) -> None:
        self.sos_id, self.eos_id, self.vocabulary_size = shape["sos_id"], shape["eos_id"], shape["vocabulary_size"]
        self._empty = (shape["num_layers"], 2, shape["num_heads"], shape["width"] // shape["num_heads"])
        self._start, self._step = _session(start), _session(step)

    def start(self, memory: FloatArray, memory_valid: BoolArray) -> _OnnxState:
        """Read the memory of a batch of clips: the state before the first token."""
        (cross,) = _run(self._start, {"memory": memory, "memory_valid": memory_valid})
        layers, two, heads, size = self._empty
        return _OnnxState(memory_valid, cross, np.zeros((layers, two, len(memory), heads, 0, size), dtype=np.float32))

    def step(self, tokens: IntArray, state: _OnnxState) -> tuple[FloatArray, _OnnxState]:
        """Say one more token a row: (B, V) log probabilities of the next one, and the state after."""
        inputs = {"tokens": tokens, "memory_valid": state.memory_valid, "cross": state.cross, "cache": state.cache}
        log_probs, cache = _run(self._step, inputs)
        return log_probs, _OnnxState(state.memory_valid, state.cross, cache)


@dataclass(frozen=True, eq=False)
class Bundle:
    """An opened bundle; close it, or use it in a `with` block.

    Attributes:
        folder: where its files lie.
        manifest: what it says about itself.
        recognizer: ready to answer.
        tokenizer: of its texts.
    """

    folder: Path
    manifest: BundleManifest
    recognizer: Recognizer
    tokenizer: SentenceTokenizer
    _temporary: bool

    def close(self) -> None:
        """Remove what was unpacked."""
        if self._temporary:
            shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Bundle:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_bundle(path: Path) -> Bundle:
    """Open a bundle zip, or a folder with its files.

    Raises:
        ArtifactError: missing, damaged, dangerous or of another version.
    """
    if path.is_dir():
        return _load(path, temporary=False)
    folder = Path(tempfile.mkdtemp(prefix="signtalk-bundle-"))
    try:
        _unpack(path, folder)
        return _load(folder, temporary=True)
    except ArtifactError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise ArtifactError(str(error).replace(str(folder), str(path))) from error  # the file that the user gave
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def verify_bundle(path: Path) -> dict[str, float]:
    """Open a bundle and replay its golden clips.

    Returns:
        Largest difference of each output to the golden one.

    Raises:
        ArtifactError: it cannot be opened, or an answer differs.
    """
    with open_bundle(path) as bundle:
        golden = load_arrays(bundle.folder / "golden.npz")
        encoded = bundle.recognizer.encoder.encode(golden["features"], golden["valid"])
        found = {
            "embedding": float(np.abs(encoded.embeddings - golden["embedding"]).max()),
            "memory": float(np.abs(encoded.memory - golden["memory"]).max()),
            "words": float(np.abs(encoded.word_log_probs - golden["words"]).max(initial=0)),
        }
        space = bundle.recognizer.text_space
        if space is not None:
            texts = space.embedder.encode(golden["tokens"])
            found["text_embedding"] = float(np.abs(texts - golden["text_embedding"]).max())
    if max(found.values()) > GOLDEN_TOLERANCE:
        raise ArtifactError(f"{path}: golden clips differ by {max(found.values()):.2g}; allowed {GOLDEN_TOLERANCE:g}")
    return found


def _unpack(path: Path, folder: Path) -> None:
    """Unpack after checking every entry; nothing may leave `folder`."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            if len(entries) > _MAX_ENTRIES or sum(entry.file_size for entry in entries) > _MAX_BYTES:
                raise ArtifactError(f"{path}: {len(entries)} entries or too large to be a bundle")
            for entry in entries:
                name = PurePosixPath(entry.filename)
                odd = "\\" in entry.filename or ":" in entry.filename or stat.S_ISLNK(entry.external_attr >> 16)
                if odd or name.is_absolute() or ".." in name.parts:
                    raise ArtifactError(f"{path}: entry '{entry.filename}' leaves the bundle; do not use this file")
            archive.extractall(folder)
    except FileNotFoundError as error:
        raise ArtifactError(f"{path}: no such file") from error
    except (*DAMAGE, zipfile.LargeZipFile) as error:
        raise ArtifactError(f"{path}: not a readable zip ({error}); get the bundle again") from error


def _load(folder: Path, temporary: bool) -> Bundle:
    manifest = _checked_manifest(folder)
    try:
        config = read_json(folder / "model_config.json")
        features = FeatureConfig.model_validate(config["features"])
        decision = DecisionConfig.model_validate(read_json(folder / "decision.json"))
        encoder = OnnxEncoder(folder / "sign_encoder.onnx", features, config["model"]["spells"])
        decoder = OnnxStepDecoder(
            folder / "sign_decoder_start.onnx", folder / "sign_decoder.onnx", config["model"]["decoder"]
        )
    except (KeyError, TypeError, ValidationError) as error:
        raise ArtifactError(f"{folder}: model_config.json or decision.json is damaged ({error})") from error
    tokenizer = SentenceTokenizer.load(folder / "tokenizer_vocab.json")
    index = SentenceIndex.load(folder / "index")
    space = None
    if TEXT_ENCODER_NAME in manifest.files:
        space = TextSpace(OnnxTextEncoder(folder / TEXT_ENCODER_NAME), tokenizer)
    recognizer = Recognizer(encoder, index, decision, decoder, tokenizer, space)
    return Bundle(folder, manifest, recognizer, tokenizer, temporary)


def _checked_manifest(folder: Path) -> BundleManifest:
    path = folder / MANIFEST_NAME
    content = read_json(path)
    found = content.get("format_version") if isinstance(content, dict) else None
    if found not in _READABLE_VERSIONS:
        known = ", ".join(map(str, _READABLE_VERSIONS))
        raise ArtifactError(f"{path}: bundle format {found}; this SignTalk reads {known}")
    try:
        manifest = BundleManifest.model_validate(content)
    except ValidationError as error:
        raise ArtifactError(f"{path}: damaged ({error.errors()[0]['msg']})") from error
    for name, expected in manifest.files.items():
        file = folder / name
        if ".." in PurePosixPath(name).parts or PurePosixPath(name).is_absolute() or not file.is_file():
            raise ArtifactError(f"{folder}: no file '{name}'; the bundle is incomplete")
        if sha256_file(file) != expected:
            raise ArtifactError(f"{file}: changed since it was exported; get the bundle again")
    return manifest


def _session(path: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = _num_threads()
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime raises classes of its C extension without a common base
        raise ArtifactError(f"{path}: ONNX Runtime cannot load it ({error})") from error


def _num_threads() -> int:
    """OMP_NUM_THREADS, of whose levels ("4,2") the outer one counts; 1 where it is not set or no such number."""
    outer = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    return max(1, int(outer)) if outer.isascii() and outer.isdecimal() and len(outer) < 5 else 1


def _run(session: onnxruntime.InferenceSession, inputs: dict[str, npt.NDArray[Any]]) -> list[npt.NDArray[Any]]:
    """All outputs of a graph; ours gives arrays alone."""
    outputs: list[Any] = list(session.run(None, inputs))
    return outputs
