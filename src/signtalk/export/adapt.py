"""From a bundle without sentences and some dozens of clips to a bundle that is tuned on them and knows them.

    bundle with weights + data folder -> cross_validate -> refuse, or tuned -> a new bundle zip

The bundle given stays as it is.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from signtalk.bundle.bundle import open_bundle
from signtalk.data.manifest import Manifest, clip_of_record
from signtalk.data.packed import pack_clips
from signtalk.errors import ClipError, DataError, ExportRefusedError
from signtalk.export.export import ExportExtras, export_bundle
from signtalk.export.initial import load_initial
from signtalk.files import copy_file
from signtalk.index.signs import collect_signs
from signtalk.recognition.asked import index_records
from signtalk.recognition.enrolment import checked_features
from signtalk.recognition.recognizer import Recognizer
from signtalk.training.adapt import Adaptation, AdaptConfig, cross_validate, tuned
from signtalk.training.checkpoint import TorchEncoder, load_checkpoint, save_checkpoint


@dataclass(frozen=True)
class Adapted:
    """What tuning a bundle made.

    Attributes:
        bundle: the new zip.
        adaptation: what cross-validation showed.
        num_clips: learned from, and taught.
        num_sentences: of them.
    """

    bundle: Path
    adaptation: Adaptation
    num_clips: int
    num_sentences: int


def adapt_bundle(source: str, manifest: Manifest, out: Path, config: AdaptConfig | None = None) -> Adapted:
    """Tune a bundle on clips, teach it their sentences, and write it as another one.

    Args:
        source: "base", or a bundle that ships its weights and holds no sentence.
        manifest: the clips.
        out: the zip to make.
        config: how it is tuned; None = the defaults.

    Raises:
        ExportRefusedError: cross-validation shows no gain, or more wrong answers; nothing is written.
        DataError: too few clips, or some that `signtalk enroll` refuses; or something is at `out` already.
        ArtifactError: the bundle ships no weights, or holds sentences.
    """
    if out.exists():
        raise DataError(f"{out}: is there already; choose another name")
    config, checkpoint = config or AdaptConfig(), load_initial(source)
    with open_bundle(source) as bundle, tempfile.TemporaryDirectory(prefix="signtalk-adapt-") as folder:
        if len(bundle.recognizer.index):
            raise ExportRefusedError(
                f"{source}: holds {len(bundle.recognizer.index.sentences)} sentences of its own, whose clips are not "
                "here to be encoded anew; adapt a bundle of `signtalk new`, or train on all clips with --init"
            )
        _refuse_what_cannot_teach(manifest, bundle.recognizer)
        store = pack_clips(manifest.records, checkpoint.features, Path(folder) / "store")
        records = [record for record in store.held(manifest.records) if not record.is_idle]
        adaptation = cross_validate(checkpoint, bundle.recognizer, store, records, config)
        decision = bundle.recognizer.decision
        if against := adaptation.reason_against(decision.gate.precision_asked):
            raise ExportRefusedError(f"{source}: not adapted: {against}. Teach these clips as they are, or give more")
        model = tuned(checkpoint, store, records, config)
        people = len({record.signer_id for record in records})
        about = {"clips": len(records), "people": people, "cross_validation": adaptation.to_dict()}
        weights = Path(folder) / "weights.safetensors"
        origin = {**checkpoint.origin, "adapted": about}
        save_checkpoint(weights, model, checkpoint.features, checkpoint.tokenizer, origin, in_16_bits=True)
        shipped = load_checkpoint(weights)
        encoder = TorchEncoder(shipped.model, shipped.features)
        index = index_records(encoder, store, records, shipped.encoder_id, manifest.root)
        signs, _ = collect_signs(index, manifest)
        extras = ExportExtras(
            licence=bundle.manifest.licence, weights=weights, scripted=False, figures=bundle.manifest.figures,
            signs=signs,
        )  # fmt: skip
        gate = decision.gate
        if gate.precision_asked is not None:
            gate = gate.for_enrolled.model_copy(update={**adaptation.promise(), "enrolled": None})
            gate = gate.model_copy(update={"enrolled": gate})
        tuned_decision = decision.model_copy(update={"gate": gate})
        made = export_bundle(shipped, index, tuned_decision, Path(folder) / "export", extras)
        copy_file(made, out)
    return Adapted(out, adaptation, len(records), len(index.sentences))


def _refuse_what_cannot_teach(manifest: Manifest, recognizer: Recognizer) -> None:
    """No clip may teach in many what is refused alone: one without hands, or in which nobody signs."""
    config, floor = recognizer.encoder.feature_config, recognizer.decision.gate.motion_floor
    refused: list[str] = []
    for record in manifest.records:
        if record.is_idle:
            continue
        try:
            checked_features(record.clip_id, clip_of_record(record), config, floor)
        except ClipError as error:
            refused.append(str(error))
    if refused:
        raise DataError(
            f"{manifest.root}: {len(refused)} of {len(manifest.records)} clips cannot teach; take them out of its "
            f"table, or film them again (first {refused[0]})"
        )
