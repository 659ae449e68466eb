"""A run exported with all that it can tell: signs, figures, and what smaller encoders lose.

RunFolder + its data folder -> export_run -> folder with sign_encoder_bundle.zip (export)
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from signtalk.bundle.bundle import Variants
from signtalk.data.manifest import ClipRecord, Manifest, Problem
from signtalk.data.roles import Role
from signtalk.errors import ClipError
from signtalk.export.export import ExportExtras, export_bundle
from signtalk.export.variants import MAX_MEASURED, MeasuringClips
from signtalk.files import read_json, without_fields
from signtalk.index.files import BUNDLE_MANIFEST
from signtalk.index.index import SentenceIndex
from signtalk.index.signs import collect_signs
from signtalk.landmarks.clip import load_provenance
from signtalk.recognition.promise import Policy
from signtalk.training.names import BEST_NAME, EVALUATION_NAME
from signtalk.training.run import RunFolder

_MEASURING_ROLES: tuple[Role, ...] = ("val", "train")
_SHIPPED = ("split_hash", "encoder_id", "retrieval", "searches", "open_set", "texts", "answers", "absent")


@dataclass(frozen=True)
class ExportOptions:
    """What of a run is shipped.

    Attributes:
        licence: of the model; "" = not stated.
        signs: how each sentence is signed, where the data folder is there.
        weights: the checkpoint as well, from which training can go on.
        policy: what becomes of answers whose promise is not proven; None = as the run has it.
    """

    licence: str = ""
    signs: bool = True
    weights: bool = False
    policy: Policy | None = None


@dataclass(frozen=True)
class Exported:
    """What an export made.

    Attributes:
        bundle: the zip.
        variants: which encoders are in it.
        problems: sentences whose signing is not shown, and why.
        notes: what else is missing in it, and why.
    """

    bundle: Path
    variants: Variants
    problems: tuple[Problem, ...]
    notes: tuple[str, ...]


def export_run(
    run: RunFolder,
    out: Path,
    manifest: Manifest | None = None,
    options: ExportOptions | None = None,
    figures: dict[str, Any] | None = None,
) -> Exported:
    """Export a run with everything that it can tell.

    Args:
        run: an indexed run.
        out: folder of the exported files.
        manifest: the data it was trained on; without it no sign is shown and no smaller encoder is measured.
        options: what is shipped.
        figures: of its evaluation; None = those of its report.json, where it has one.

    Raises:
        ExportRefusedError: a graph disagrees with the model.
    """
    options, index, notes = options or ExportOptions(), run.sentence_index(), []
    if figures is None:
        figures, missing = _report_of(run)
        notes += [missing] if missing else []
    extras = ExportExtras(
        figures=_shipped_figures(figures),
        licence=options.licence,
        weights=run.folder / BEST_NAME if options.weights else None,
    )
    problems: tuple[Problem, ...] = ()
    if manifest is None:
        notes.append(
            "no --data: signs are not shown, and smaller encoders cannot be measured, so fp32 is offered alone"
        )
    else:
        extras = replace(
            extras, measuring=_measuring_clips(run, index, manifest), landmarkers=landmarkers_of(index, manifest)
        )
        if options.signs:
            signs, problems = collect_signs(index, manifest)
            extras = replace(extras, signs=signs)
    bundle = export_bundle(run.checkpoint, index, run.decision().under(options.policy), out, extras)
    variants = Variants.model_validate(read_json(out / BUNDLE_MANIFEST)["variants"])
    return Exported(bundle, variants, problems, tuple(notes))


def _report_of(run: RunFolder) -> tuple[dict[str, Any], str]:
    """The figures of `signtalk evaluate`, or nothing and why."""
    path = run.folder / EVALUATION_NAME
    if not path.is_file():
        return {}, f"{path}: no such file, so the bundle tells no figures; run `signtalk evaluate` first"
    report = read_json(path)
    if not isinstance(report, dict) or report.get("encoder_id") != run.checkpoint.encoder_id:
        return {}, f"{path}: of another model, so the bundle tells no figures; run `signtalk evaluate` again"
    return report, ""


def _shipped_figures(report: dict[str, Any]) -> dict[str, Any]:
    """An evaluation without what tells of single signers and clips."""
    kept = {name: report[name] for name in _SHIPPED if name in report}
    kept["retrieval"] = [without_fields(r, "by_signer", "by_category") for r in kept.get("retrieval", ())]
    kept["texts"] = [without_fields(text, "examples") for text in kept.get("texts", ())]
    return kept if report else {}


def _measuring_clips(run: RunFolder, index: SentenceIndex, manifest: Manifest) -> MeasuringClips | None:
    """Clips that have another one of their sentence in the index; None when there is none.

    At most MAX_MEASURED: validation clips, and where they are fewer training clips besides, which are references and
    do not meet themselves. A few dozen validation clips alone could not tell a loss of half a point.
    """
    store = run.store(manifest)
    packed = {clip.clip_id for clip in store.clips}
    split = run.split(manifest)
    chosen: list[ClipRecord] = []
    for role in _MEASURING_ROLES:
        known = [
            record
            for record in split.records(manifest, role)
            if record.clip_id in packed and set(index.clips_of(record.text_key)) - {record.clip_id}
        ]
        room = min(MAX_MEASURED - len(chosen), len(known))
        chosen += [known[i] for i in np.linspace(0, len(known) - 1, room).astype(int)]
    if not chosen:
        return None
    ids = tuple(record.clip_id for record in chosen)
    features, valid = store.features(store.positions_of(ids))
    return MeasuringClips(features, valid, tuple(record.text_key for record in chosen), ids)


def landmarkers_of(index: SentenceIndex, manifest: Manifest) -> tuple[str, ...]:
    """SHA-256 of the models that gave the landmarks of the clips that name the sentences, where their files tell it."""
    named = {index.entries[row].clip_id for row in index.groups.canonical_rows}
    paths = [r.feature_path for r in manifest.records if r.clip_id in named and r.feature_path.suffix.lower() == ".npz"]
    checksums: set[str] = set()
    for path in paths:
        try:
            checksums.add(str(load_provenance(path).get("models_sha256", "")))
        except ClipError:
            continue  # told by whoever reads its landmarks
    return tuple(sorted(checksums - {""}))
