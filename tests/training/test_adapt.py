from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from made.checkpoint import tiny_checkpoint
from made.drawn import drawn_folder
from signtalk.data.manifest import Manifest
from signtalk.data.packed import PackedClips, pack_clips
from signtalk.errors import DataError
from signtalk.export.initial import load_initial
from signtalk.index.index import SentenceIndex
from signtalk.recognition.recognizer import DecisionConfig, Recognizer
from signtalk.recognition.scoring import ScoringConfig
from signtalk.training.adapt import Adaptation, AdaptConfig, AskedOnce, cross_validate, small_parts, tuned
from signtalk.training.checkpoint import Checkpoint, TorchEncoder

CONFIG = AdaptConfig(steps=8, sentences=4, clips=2)
SCORING = ScoringConfig(similarity_weight=0.4, prototype_weight=0.1, dtw_weight=0.5, text_weight=0)


@pytest.fixture(scope="module")
def checkpoint() -> Checkpoint:
    return tiny_checkpoint("conv-transformer")


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory, checkpoint: Checkpoint) -> tuple[Manifest, PackedClips]:
    folder = tmp_path_factory.mktemp("drawn")
    manifest = drawn_folder(folder / "data", sentences=5, people=3)
    return manifest, pack_clips(manifest.records, checkpoint.features, folder / "store")


def asking(checkpoint: Checkpoint) -> Recognizer:
    encoder = TorchEncoder(checkpoint.model, checkpoint.features)
    nothing = SentenceIndex.build((), (), checkpoint.encoder_id)
    return Recognizer(encoder=encoder, index=nothing, decision=DecisionConfig(scoring=SCORING))


def test_small_parts_move_and_all_others_stay(checkpoint: Checkpoint, clips: tuple[Manifest, PackedClips]) -> None:
    manifest, store = clips
    before = {name: weight.clone() for name, weight in checkpoint.model.state_dict().items()}
    model = tuned(checkpoint, store, manifest.records, CONFIG)
    after = model.state_dict()
    moved = {name for name, weight in before.items() if not torch.equal(weight, after[name])}
    assert {"encoder.head.project.weight", "encoder.norm.weight", "encoder.widen.weight"} <= moved
    assert not {name for name in moved if "stem.weight" in name or "expand" in name or "running" in name}
    for name, weight in checkpoint.model.state_dict().items():
        assert torch.equal(weight, before[name])
    assert all(weight.requires_grad for weight in model.parameters())


def test_the_small_parts_are_a_small_part(checkpoint: Checkpoint) -> None:
    model = tiny_checkpoint("conv-transformer", width=64).model
    assert sum(w.numel() for w in small_parts(model)) < 0.5 * sum(w.numel() for w in model.encoder.parameters())


@pytest.mark.slow
def test_tuning_brings_the_clips_of_a_sentence_together(tmp_path: Path) -> None:
    base = load_initial("base")
    manifest = drawn_folder(tmp_path / "data", sentences=4, people=3)
    store = pack_clips(manifest.records, base.features, tmp_path / "store")
    labels = np.array([record.text_key for record in manifest.records])
    same = labels[:, None] == labels

    def apart(checkpoint: Checkpoint) -> float:
        features, valid = store.features(np.arange(len(labels)))
        vectors = TorchEncoder(checkpoint.model, checkpoint.features).encode(features, valid).embeddings
        cosines = vectors @ vectors.T
        return float(cosines[same].mean() - cosines[~same].mean())

    model = tuned(base, store, manifest.records, CONFIG.model_copy(update={"steps": 12, "learning_rate": 3e-3}))
    assert apart(replace(base, model=model)) > apart(base) + 0.02


def test_each_person_is_asked_by_a_model_that_learned_from_the_others(
    checkpoint: Checkpoint, clips: tuple[Manifest, PackedClips], monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest, store = clips
    learned: list[set[str]] = []

    def watched(checkpoint: Checkpoint, store: PackedClips, records: list, config: AdaptConfig) -> object:
        learned.append({record.signer_id for record in records})
        return checkpoint.model

    monkeypatch.setattr("signtalk.training.adapt.tuned", watched)
    shown = cross_validate(checkpoint, asking(checkpoint), store, manifest.records, CONFIG)
    assert (shown.by, shown.num_questions) == ("people", 15)
    assert learned == [{"p1", "p2"}, {"p0", "p2"}, {"p0", "p1"}]
    assert shown.before == shown.after and shown.gain_low == 0
    assert shown.reason_against(0.98).startswith("no gain is certain")


def test_of_one_person_clips_are_held_back(checkpoint: Checkpoint, clips: tuple[Manifest, PackedClips]) -> None:
    manifest, store = clips
    alone = [replace(record, signer_id="p0") for record in manifest.records]
    shown = cross_validate(checkpoint, asking(checkpoint), store, alone, CONFIG.model_copy(update={"steps": 1}))
    assert (shown.by, shown.num_questions) == ("clips", 15)
    # Two people who sign nothing alike ask each other nothing.
    apart = [replace(record, signer_id="p0" if record.text_key < "sign 2" else "p1") for record in manifest.records]
    assert cross_validate(checkpoint, asking(checkpoint), store, apart, CONFIG.model_copy(update={"steps": 1})).by == (
        "clips"
    )
    once = [record for record in manifest.records if record.signer_id == "p0"]
    with pytest.raises(DataError, match="a second one of each"):
        cross_validate(checkpoint, asking(checkpoint), store, once, CONFIG)


def test_a_gain_that_brings_wrong_answers_is_none() -> None:
    before = AskedOnce(recall_at_1=0.8, mrr=0.85, answered=20, wrong=0)
    better = AskedOnce(recall_at_1=0.9, mrr=0.93, answered=60, wrong=1)
    gain = Adaptation(before, better, num_questions=80, by="people", gain_low=0.02)
    assert gain.reason_against(0.98) == ""
    assert "of 40 answers 1 would be wrong" in replace(gain, after=replace(better, answered=40)).reason_against(0.98)
    assert "on 10 answers" in replace(gain, after=replace(better, answered=9, wrong=0)).reason_against(0.98)
    shown = gain.promise()
    assert shown["precision_reached"] and shown["num_accepted"] == 60
    assert shown["precision_lower_bound"] < shown["precision_found"] == pytest.approx(59 / 60)
    assert "no gain" in replace(gain, gain_low=0.0).reason_against(0.98)
    assert "no gain" in replace(gain, after=replace(better, recall_at_1=0.79)).reason_against(0.98)
    assert gain.to_dict()["after"]["answered"] == 60
