"""What is shipped: one zip with everything that inference needs, read without torch.

    sign_encoder_bundle.zip, or a folder with its files -> open_bundle (checked) -> Bundle -> Recognizer

The zip is not trusted: entry names and sizes (`archive`) and hashes are checked before anything is read
(docs/bundle-format.md). The graphs run in `onnx_models`. A folder may be the snapshot of a model hub, whose files are
links: what counts is that their bytes are those that the manifest names.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from os import PathLike
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ValidationError

from signtalk.bundle.archive import MAX_NAME, unpack_zip
from signtalk.bundle.base import bundle_place
from signtalk.bundle.golden import GOLDEN_CLIPS_NAME, GOLDEN_TOLERANCE, read_golden_clips, replay_golden_clips
from signtalk.bundle.onnx_models import DecoderShape, OnnxEncoder, OnnxStepDecoder, OnnxTextEncoder
from signtalk.data.tokenizer import SentenceTokenizer
from signtalk.errors import ArtifactError, DataError, first_fault, one_line
from signtalk.files import absolute, load_arrays, read_json, sha256_file
from signtalk.index.files import BUNDLE_MANIFEST
from signtalk.index.index import SentenceIndex
from signtalk.index.signs import SIGNS_NAME, SignLibrary
from signtalk.index.text_search import TextSpace
from signtalk.landmarks.features import FeatureConfig, extract_features
from signtalk.recognition.decision import read_decision
from signtalk.recognition.promise import Policy
from signtalk.recognition.recognizer import DecisionConfig, Recognizer

BUNDLE_FORMAT_VERSION = 6
_READABLE_VERSIONS = (2, 3, 4, 5, BUNDLE_FORMAT_VERSION)
"""Version 2 has no text encoder: clips cannot be searched by text. The gates of 2 and 3 weigh six figures. Versions
before 5 have no golden clips, variants, signs or model card."""
ENCODER_NAME = "sign_encoder.onnx"
TEXT_ENCODER_NAME = "sign_text_encoder.onnx"
BUNDLE_NAME = "sign_encoder_bundle.zip"
WEIGHTS_NAME = "model.safetensors"
"""The checkpoint, in a bundle that training may go on from."""
CARD_NAME = "README.md"
"""The model card. It has no hash: whoever publishes a bundle may add to it."""
FULL_PRECISION = "fp32"
OFFERED = "offered"
LEAST_MEASURED = 200
"""Clips that a smaller encoder is measured on before it is offered: of fewer a single one is over half a point."""


class Variant(BaseModel, frozen=True, extra="forbid"):
    """A smaller encoder, and what it costs.

    Attributes:
        file: its name in the bundle.
        num_bytes: of the file.
        recall_at_1: part of the measuring clips whose sentence comes first, references being those of the index.
        loss: what that is less than the full encoder's, in points (0.01 of recall).
        golden_difference: largest difference of its embeddings of golden.npz to the full encoder's.
    """

    file: str
    num_bytes: int
    recall_at_1: float
    loss: float
    golden_difference: float


class Variants(BaseModel, frozen=True, extra="forbid"):
    """Which encoders a bundle holds besides the full one.

    Attributes:
        offered: the smallest whose loss is small enough, measured on enough clips; "fp32" is the full encoder.
        num_clips: validation clips, and references asked without themselves, that they were measured on.
        num_bytes: of the full encoder.
        recall_at_1: of the full encoder; None when nothing was measured.
        made: by name.
        left_out: why others are not there, by name.
    """

    offered: str = FULL_PRECISION
    num_clips: int = 0
    num_bytes: int = 0
    recall_at_1: float | None = None
    made: dict[str, Variant] = {}
    left_out: dict[str, str] = {}


class BundleManifest(BaseModel, frozen=True, extra="forbid"):
    """`export_manifest.json`.

    Attributes:
        format_version: of this layout.
        files: SHA-256 of every other file but the model card, by name.
        versions: of the libraries that wrote it.
        origin: recipe, split hash, epoch and measures of the model.
        parity: largest differences that were found between PyTorch, ONNX Runtime and TorchScript.
        split_hash: of the split that it was trained and measured on; "" = not known.
        landmarkers: SHA-256 of the models that gave the references' landmarks, where their files tell it.
        licence: of the model; "" = not stated.
        figures: of the evaluation, as its report.json has them; empty when none was given.
        variants: smaller encoders.
    """

    format_version: int
    files: dict[str, str]
    versions: dict[str, str]
    origin: dict[str, Any]
    parity: dict[str, float]
    split_hash: str = ""
    landmarkers: tuple[str, ...] = ()
    licence: str = ""
    figures: dict[str, Any] = {}
    variants: Variants = Variants()


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

    @cached_property
    def signs(self) -> SignLibrary | None:
        """How its sentences are signed, read when first asked for; None in a bundle without.

        Raises:
            ArtifactError: damaged.
        """
        return SignLibrary.load(self.folder / SIGNS_NAME) if SIGNS_NAME in self.manifest.files else None

    def under(self, policy: Policy | None) -> Bundle:
        """The same opened bundle, answering under another policy; None = its own."""
        recognizer = self.recognizer.changed(decision=self.recognizer.decision.under(policy))
        return replace(self, recognizer=recognizer)

    def decided_by(self, calibration: Path | None) -> Bundle:
        """The same opened bundle, deciding by a file of `signtalk calibrate`; None = as it was exported.

        Raises:
            ArtifactError: the file is missing, damaged, or fitted for another model.
        """
        if calibration is None:
            return self
        decision = read_decision(calibration, self.recognizer.index.encoder_id)
        return replace(self, recognizer=self.recognizer.changed(decision=decision))

    def without_sentences(self) -> Bundle:
        """The same opened bundle, knowing none of its own sentences: only what is taught answers."""
        empty = SentenceIndex.build((), (), self.recognizer.index.encoder_id)
        return replace(self, recognizer=self.recognizer.changed(index=empty))

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


def open_bundle(path: str | PathLike[str], variant: str = FULL_PRECISION) -> Bundle:
    """Open a bundle zip, or a folder with its files.

    Args:
        path: the zip or folder; "base" for the one in the package.
        variant: which encoder answers: "fp32", the name of one in `manifest.variants.made`, or "offered".

    Raises:
        ArtifactError: missing, damaged, dangerous, of another version, or without that variant.
    """
    path = bundle_place(path)
    if path.is_dir():
        return _load(path, variant, temporary=False)
    folder = Path(tempfile.mkdtemp(prefix="signtalk-bundle-"))
    try:
        with told_of(path, folder):
            _unpack_checked(path, folder)
            return _load(folder, variant, temporary=True)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


@contextmanager
def told_of(path: Path, folder: Path) -> Iterator[None]:
    """Let errors name the bundle that the user gave, not the folder that it was unpacked into."""
    try:
        yield
    except ArtifactError as error:
        raise ArtifactError(str(error).replace(str(folder), str(path))) from error


def unpack_bundle(path: str | PathLike[str], folder: str | PathLike[str]) -> tuple[Path, ...]:
    """Unpack a bundle zip as a folder that can be opened, looked at, and pushed to a model hub.

    Args:
        path: the zip.
        folder: a new or empty folder.

    Returns:
        Its files.

    Raises:
        ArtifactError: the zip is missing, damaged or dangerous.
        DataError: the folder holds something, or cannot be written.
    """
    path, folder = Path(path), absolute(Path(folder))
    if path.is_dir():
        raise ArtifactError(f"{path}: a folder, not a zip; it can be used as it is")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise DataError(f"{folder}: not an empty folder; choose a new one")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    except OSError as error:
        raise DataError(f"{folder}: cannot write there ({error.strerror}); choose a folder you may write to") from error
    try:
        with told_of(path, work):
            _unpack_checked(path, work)
        work.chmod(0o755)
        if folder.exists():
            folder.rmdir()
        work.rename(folder)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return tuple(sorted(file for file in folder.rglob("*") if file.is_file()))


def _unpack_checked(path: Path, folder: Path) -> None:
    """Unpack a zip that holds what its manifest names, and nothing else."""
    names = set(unpack_zip(path, folder))
    listed = {*_checked_manifest(folder).files, BUNDLE_MANIFEST, CARD_NAME}
    if names - listed:
        raise ArtifactError(f"{path}: entry '{min(names - listed)}' is not in its manifest; do not use this file")


def verify_bundle(path: str | PathLike[str]) -> dict[str, float]:
    """Open a bundle, replay its golden clips, and see that its smaller encoders do what they did when exported.

    Returns:
        Largest difference of each output to the golden one.

    Raises:
        ArtifactError: it cannot be opened, or an answer differs.
    """
    path = Path(path)
    with open_bundle(path) as bundle, told_of(path, bundle.folder):
        try:
            return _answers_again(path, bundle)
        except (KeyError, TypeError, ValueError) as error:
            raise ArtifactError(
                f"{path}: golden.npz is damaged ({type(error).__name__}: {error}); get the bundle again"
            ) from error


def _answers_again(path: Path, bundle: Bundle) -> dict[str, float]:
    golden = load_arrays(bundle.folder / "golden.npz")
    encoded = bundle.recognizer.encoder.encode(golden["features"], golden["valid"])
    differences = {
        "embedding": largest_difference(encoded.embeddings, golden["embedding"]),
        "memory": largest_difference(encoded.memory, golden["memory"]),
        "words": largest_difference(encoded.word_log_probs, golden["words"]),
    }
    space = bundle.recognizer.text_space
    if space is not None:
        differences["text_embedding"] = largest_difference(
            space.embedder.encode(golden["tokens"]), golden["text_embedding"]
        )
    if GOLDEN_CLIPS_NAME in bundle.manifest.files:
        differences |= _replay(bundle, golden)
    if not max(differences.values()) <= GOLDEN_TOLERANCE:
        raise ArtifactError(
            f"{path}: golden clips differ by {max(differences.values()):.2g}; allowed {GOLDEN_TOLERANCE:g}; do not use "
            "this bundle on this machine"
        )
    for variant in bundle.manifest.variants.made.values():
        _check_variant(bundle, variant, golden)
    _ = bundle.signs  # read, and so checked
    return differences


def _replay(bundle: Bundle, golden: dict[str, npt.NDArray[Any]]) -> dict[str, float]:
    """The golden clips from raw landmarks to the answer."""
    clips, _ = read_golden_clips(bundle.folder / GOLDEN_CLIPS_NAME)
    extracted = [extract_features(clip, bundle.recognizer.encoder.feature_config) for clip in clips.values()]
    features, valid = np.stack([each.features for each in extracted]), np.stack([each.valid for each in extracted])
    embeddings = bundle.recognizer.encoder.encode(features, valid).embeddings
    return {
        "clip_features": largest_difference(features, golden["clip_features"]),
        "clip_embedding": largest_difference(embeddings, golden["clip_embedding"]),
        **replay_golden_clips(bundle.folder / GOLDEN_CLIPS_NAME, bundle.recognizer),
    }


def _check_variant(bundle: Bundle, variant: Variant, golden: dict[str, npt.NDArray[Any]]) -> None:
    encoder = OnnxEncoder(bundle.folder / variant.file, bundle.recognizer.encoder.feature_config, spells=False)
    embeddings = encoder.encode(golden["features"], golden["valid"]).embeddings
    difference = largest_difference(embeddings, golden["embedding"])
    if not difference <= 2 * variant.golden_difference + GOLDEN_TOLERANCE:
        raise ArtifactError(
            f"{bundle.folder / variant.file}: its embeddings differ by {difference:.2g}, by "
            f"{variant.golden_difference:.2g} when it was exported; use the full encoder here"
        )


def largest_difference(values: npt.NDArray[np.floating], expected: npt.NDArray[np.floating]) -> float:
    """Of all numbers of two arrays; 0 for empty ones, infinite for two of different shapes."""
    return float(np.abs(values - expected).max(initial=0)) if values.shape == expected.shape else float("inf")


def _load(folder: Path, variant: str, temporary: bool) -> Bundle:
    manifest = _checked_manifest(folder)
    try:
        config = read_json(folder / "model_config.json")
        features = FeatureConfig.model_validate(config["features"])
        decision = DecisionConfig.model_validate(read_json(folder / "decision.json"))
        shape = DecoderShape.model_validate(config["model"]["decoder"])
        encoder = OnnxEncoder(folder / _encoder_name(folder, manifest, variant), features, config["model"]["spells"])
        decoder = OnnxStepDecoder(folder / "sign_decoder_start.onnx", folder / "sign_decoder.onnx", shape)
    except (KeyError, TypeError, ValidationError) as error:
        fault = first_fault(error) if isinstance(error, ValidationError) else repr(error)
        raise ArtifactError(
            f"{folder}: model_config.json or decision.json is damaged ({fault}); get the bundle again"
        ) from error
    tokenizer = SentenceTokenizer.load(folder / "tokenizer_vocab.json")
    if tokenizer.vocabulary_size != shape.vocabulary_size:
        raise ArtifactError(
            f"{folder / 'tokenizer_vocab.json'}: {tokenizer.vocabulary_size} words; the decoder has "
            f"{shape.vocabulary_size}; get the bundle again"
        )
    index = SentenceIndex.load(folder / "index")
    space = None
    if TEXT_ENCODER_NAME in manifest.files:
        space = TextSpace(OnnxTextEncoder(folder / TEXT_ENCODER_NAME), tokenizer)
    recognizer = Recognizer(
        encoder=encoder, index=index, decision=decision, decoder=decoder, tokenizer=tokenizer, text_space=space
    )
    return Bundle(folder, manifest, recognizer, tokenizer, temporary)


def _encoder_name(folder: Path, manifest: BundleManifest, variant: str) -> str:
    smaller = manifest.variants.made
    wanted = manifest.variants.offered if variant == OFFERED else variant
    if wanted == FULL_PRECISION:
        return ENCODER_NAME
    if wanted not in smaller or smaller[wanted].file not in manifest.files:
        raise ArtifactError(f"{folder}: no variant '{wanted}'; it has {', '.join([FULL_PRECISION, *smaller])}")
    return smaller[wanted].file


def _checked_manifest(folder: Path) -> BundleManifest:
    path = folder / BUNDLE_MANIFEST
    if not path.exists():
        raise ArtifactError(
            f"{path}: no such file; a bundle is the zip that `signtalk export` wrote, or a folder with its files"
        )
    content = read_json(path)
    version = content.get("format_version") if isinstance(content, dict) else None
    if version not in _READABLE_VERSIONS:
        known = ", ".join(map(str, _READABLE_VERSIONS))
        newer = type(version) is int and version > BUNDLE_FORMAT_VERSION
        advice = "install a newer SignTalk" if newer else "export it again"
        raise ArtifactError(f"{path}: bundle format {one_line(version, 40)}; this SignTalk reads {known}; {advice}")
    try:
        manifest = BundleManifest.model_validate(content)
    except ValidationError as error:
        raise ArtifactError(f"{path}: damaged ({first_fault(error)}); get the bundle again") from error
    for name, expected in manifest.files.items():
        file = folder / name
        if _leads_elsewhere(name) or not file.is_file():
            raise ArtifactError(f"{folder}: no file {name[:MAX_NAME]!r}; the bundle is incomplete")
        if sha256_file(file) != expected:
            raise ArtifactError(f"{file}: changed since it was exported; get the bundle again")
    for name, variant in manifest.variants.made.items():
        if variant.file not in manifest.files:
            raise ArtifactError(f"{folder}: no file of the variant '{name}'; the bundle is incomplete")
    return manifest


def _leads_elsewhere(name: str) -> bool:
    """Whether a name of the manifest is none that a bundle's file has."""
    path = PurePosixPath(name)
    return ".." in path.parts or path.is_absolute() or len(name) > MAX_NAME or not name.isprintable()
