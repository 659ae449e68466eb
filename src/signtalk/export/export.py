"""From a checkpoint to what is shipped; refused unless every exported graph says what the model says.

    Checkpoint + SentenceIndex + DecisionConfig + ExportExtras -> export_bundle -> folder with sign_encoder_bundle.zip

The graphs are made in `graphs`, compared in `parity`, made smaller in `variants`. Files:
docs/bundle-format.md.
"""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from signtalk.arrays import FloatArray, IntArray
from signtalk.bundle.archive import pack_zip
from signtalk.bundle.bundle import (
    BUNDLE_FORMAT_VERSION,
    BUNDLE_NAME,
    CARD_NAME,
    WEIGHTS_NAME,
    BundleManifest,
    Variants,
    verify_bundle,
)
from signtalk.bundle.card import model_card
from signtalk.bundle.golden import GOLDEN_CLIPS_NAME, make_golden_clips, write_golden_clips
from signtalk.errors import ArtifactError, DataError, ExportRefusedError
from signtalk.export.graphs import SCRIPT_NAME, random_clips, random_tokens, write_graphs
from signtalk.export.parity import EXPORT_SHAPES, check_parity
from signtalk.export.variants import MeasuringClips, make_variants
from signtalk.files import read_json, save_arrays, sha256_file, write_json, write_text
from signtalk.index.files import BUNDLE_MANIFEST
from signtalk.index.index import SentenceIndex
from signtalk.index.signs import SIGNS_NAME, SignLibrary
from signtalk.landmarks.features import extract_features
from signtalk.models.text_decoder import TorchStepDecoder
from signtalk.recognition.recognizer import DecisionConfig, Recognizer
from signtalk.training.checkpoint import Checkpoint, TorchEncoder, TorchTextEncoder, library_versions
from signtalk.training.names import DECISION_NAME, INDEX_NAME, RECIPE_NAME, VOCABULARY_NAME


@dataclass(frozen=True, eq=False)
class ExportExtras:
    """What is shipped, measured or told besides the model; all of it may be missing.

    Attributes:
        measuring: validation clips for the loss of smaller encoders; None = none is made.
        signs: how sentences are signed.
        figures: an evaluation's report.json.
        landmarkers: SHA-256 of the models that gave the landmarks.
        licence: of the model; "" = not stated.
        weights: the checkpoint's file, to be shipped as well.
        scripted: ship the encoder as TorchScript too.
    """

    measuring: MeasuringClips | None = None
    signs: SignLibrary | None = None
    figures: dict[str, Any] = field(default_factory=dict)
    landmarkers: tuple[str, ...] = ()
    licence: str = ""
    weights: Path | None = None
    scripted: bool = True


def export_bundle(
    checkpoint: Checkpoint,
    index: SentenceIndex,
    decision: DecisionConfig,
    out: Path,
    extras: ExportExtras | None = None,
) -> Path:
    """Write docs/contract.md 1.11's files into `out`, or nothing.

    Args:
        checkpoint: the model.
        index: its references.
        decision: what its answers are decided by.
        out: folder of the files.
        extras: what is shipped besides; None = nothing.

    Returns:
        The bundle zip.

    Raises:
        ExportRefusedError: a graph disagrees with the model, or the index belongs to another model.
        DataError: the folder holds a run or an index that no export made, or cannot be written.
    """
    _refuse_other_folders(out)
    if index.encoder_id != checkpoint.encoder_id:
        raise ExportRefusedError("the index was made by another model; run `signtalk index` again, then export")
    was_there = out.exists()
    try:
        out.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=".export.", dir=out))
    except OSError as error:
        raise DataError(f"{out}: cannot write there ({error.strerror}); choose a folder you may write to") from error
    try:
        _write_all(checkpoint, _without_absolute_paths(index), decision, work, extras or ExportExtras())
        _replace_files(work, out)
    except OSError as error:
        raise DataError(
            f"{out}: cannot be written ({error.strerror or error}); check the path and the disk; nothing was exported"
        ) from error
    finally:
        shutil.rmtree(work, ignore_errors=True)
        if not was_there and not any(out.iterdir()):
            out.rmdir()
    return out / BUNDLE_NAME


def _refuse_other_folders(out: Path) -> None:
    """What an export replaces must be an export's own."""
    if (out / RECIPE_NAME).exists():
        raise DataError(f"{out}: holds a run, whose files the export would replace; choose another folder for --out")
    if (out / INDEX_NAME).exists() and not (out / BUNDLE_MANIFEST).exists():
        raise DataError(f"{out}: holds an {INDEX_NAME}/ that no export made; choose another folder for --out")


def _without_absolute_paths(index: SentenceIndex) -> SentenceIndex:
    """The index without anything that tells whose disk it was made on."""
    entries = [
        replace(entry, feature_path=Path(entry.feature_path).name) if Path(entry.feature_path).is_absolute() else entry
        for entry in index.entries
    ]
    return replace(index, entries=tuple(entries))


def _write_all(
    checkpoint: Checkpoint, index: SentenceIndex, decision: DecisionConfig, work: Path, extras: ExportExtras
) -> None:
    """Every file of a bundle and its zip; the work folder is opened and verified as a bundle before it is packed."""
    write_graphs(checkpoint, work)
    golden = _write_golden(checkpoint, index, decision, work)
    batches = [(golden[f"{name}features"], golden[f"{name}valid"]) for name in ("", "clip_")]
    parity = check_parity(checkpoint, index, work, EXPORT_SHAPES, batches)
    if not extras.scripted:
        (work / SCRIPT_NAME).unlink()
    variants = make_variants(checkpoint, index, decision, work, extras.measuring, batches[0])
    write_settings(checkpoint, index, decision, work)
    if extras.signs is not None:
        extras.signs.save(work / SIGNS_NAME)
    if extras.weights is not None:
        shutil.copyfile(extras.weights, work / WEIGHTS_NAME)
    manifest = _manifest(checkpoint, parity, variants, work, extras)
    write_json(work / BUNDLE_MANIFEST, manifest.model_dump(mode="json"))
    num_signs = 0 if extras.signs is None else len(extras.signs)
    write_text(work / CARD_NAME, model_card(manifest, decision, index, num_signs))
    try:
        verify_bundle(work)
    except ArtifactError as error:
        reason = str(error).replace(f"{work}/", "").replace(str(work), "the bundle")
        raise ExportRefusedError(
            f"the bundle does not answer as the model does: {reason}; nothing was exported"
        ) from error
    pack_zip(work / BUNDLE_NAME, work, [*manifest.files, BUNDLE_MANIFEST, CARD_NAME])


def _write_golden(
    checkpoint: Checkpoint, index: SentenceIndex, decision: DecisionConfig, folder: Path
) -> dict[str, Any]:
    """Inputs, and what the trained model makes of them; the clips once more as features."""
    model = checkpoint.model
    encoder = TorchEncoder(model, checkpoint.features)
    features, valid = random_clips(checkpoint, batch=4, frames=50, seed=1)
    encoded = encoder.encode(features, valid)
    texts: dict[str, FloatArray | IntArray] = {}
    if model.text_encoder is not None:
        tokens = random_tokens(checkpoint, batch=3, words=5, seed=0)
        texts = {"tokens": tokens, "text_embedding": TorchTextEncoder(model.text_encoder).encode(tokens)}
    clips = make_golden_clips()
    extracted = [extract_features(clip, checkpoint.features) for clip in clips.values()]
    clip_features, clip_valid = (
        np.stack([part.features for part in extracted]),
        np.stack([part.valid for part in extracted]),
    )
    golden = {
        "features": features,
        "valid": valid,
        "embedding": encoded.embeddings,
        "memory": encoded.memory,
        "words": encoded.word_log_probs,
        **texts,
        "clip_features": clip_features,
        "clip_valid": clip_valid,
        "clip_embedding": encoder.encode(clip_features, clip_valid).embeddings,
    }
    save_arrays(folder / "golden.npz", golden)
    decoder, tokenizer = TorchStepDecoder(model.decoder), checkpoint.tokenizer
    recognizer = Recognizer(
        encoder=encoder,
        index=index,
        decision=decision,
        decoder=decoder,
        tokenizer=tokenizer,
        text_space=checkpoint.text_space,
    )
    write_golden_clips(folder / GOLDEN_CLIPS_NAME, clips, recognizer)
    return golden


def write_settings(checkpoint: Checkpoint, index: SentenceIndex, decision: DecisionConfig, folder: Path) -> None:
    """Write what a bundle holds beside its graphs.

    Args:
        checkpoint: the model: sizes, features, words.
        index: its references.
        decision: how it decides.
        folder: of the bundle's files.
    """
    model, features = checkpoint.model.config.model_dump(), checkpoint.features.model_dump()
    write_json(folder / "model_config.json", {"model": model, "features": features, "origin": checkpoint.origin})
    checkpoint.tokenizer.save(folder / VOCABULARY_NAME)
    write_json(folder / DECISION_NAME, decision.model_dump(mode="json"))
    index.save(folder / INDEX_NAME)


def _manifest(
    checkpoint: Checkpoint, parity: dict[str, float], variants: Variants, folder: Path, extras: ExportExtras
) -> BundleManifest:
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return BundleManifest(
        format_version=BUNDLE_FORMAT_VERSION,
        files={path.relative_to(folder).as_posix(): sha256_file(path) for path in paths},
        versions=library_versions(),
        origin={**checkpoint.origin, "encoder_id": checkpoint.encoder_id},
        parity=parity,
        split_hash=str(checkpoint.origin.get("split_hash", "")),
        landmarkers=extras.landmarkers,
        licence=extras.licence,
        figures=extras.figures,
        variants=variants,
    )


def _replace_files(work: Path, out: Path) -> None:
    """Put the new files in the place of an earlier export's; what only that one had is removed."""
    for name in _files_of_export(out):
        if not (work / name).exists() and (out / name).resolve().is_relative_to(out.resolve()):
            (out / name).unlink(missing_ok=True)
    for path in sorted(work.iterdir()):
        target = out / path.name
        if target.is_dir():
            shutil.rmtree(target)
        path.replace(target)


def _files_of_export(out: Path) -> list[str]:
    """What an earlier export left in a folder; nothing where its manifest is not readable."""
    try:
        return list(BundleManifest.model_validate(read_json(out / BUNDLE_MANIFEST)).files)
    except (ArtifactError, ValueError):
        return []
