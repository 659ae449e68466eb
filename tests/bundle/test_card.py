from typing import Any

import pytest
from huggingface_hub import ModelCard

from made.checkpoint import tiny_checkpoint, tiny_index
from signtalk.bundle.bundle import BundleManifest, Variant, Variants
from signtalk.bundle.card import model_card
from signtalk.index.index import SentenceIndex
from signtalk.recognition.candidate_sets import CandidateSets
from signtalk.recognition.gate import GateConfig
from signtalk.recognition.recognizer import DecisionConfig


@pytest.fixture(scope="module")
def index() -> SentenceIndex:
    return tiny_index(tiny_checkpoint("gru"))


def interval(estimate: float) -> dict[str, float]:
    return {"estimate": estimate, "low": estimate - 0.1, "high": estimate + 0.1, "level": 0.95}


FIGURES = {
    "retrieval": [
        {"name": 'seen "sentence", unseen: signer', "num_queries": 33, "num_sentences": 73,
         "recall_at_1": interval(0.9), "recall_at_5": interval(0.95), "mrr": interval(0.92)}
    ],
    "open_set": {"gates": [{"name": "SignTalk", "known_accepted": interval(0.7), "precision": None,
                            "unknown_accepted": interval(0.1), "idle_accepted": None}]},
    "texts": [{"name": "seen sentence", "num_clips": 33,
               "measures": {"wer": interval(0.1), "exact_match": interval(0.7)}}],
}  # fmt: skip


def manifest(**changes: Any) -> BundleManifest:
    base = BundleManifest(format_version=5, files={}, versions={"numpy": "2"}, origin={"encoder_id": "e1"}, parity={})
    return base.model_copy(update=changes)


@pytest.mark.parametrize(
    ("licence", "expected", "name"),
    [
        ("", "unknown", None),
        ("Apache-2.0", "apache-2.0", None),
        ("CC-BY-NC-4.0", "cc-by-nc-4.0", None),
        ('Ward 3: "ask us"\n---', "other", "ward-3-ask-us"),
        ("!?", "other", "own"),
    ],
)
def test_hubs_read_licence_and_tags(licence: str, expected: str, name: str | None, index: SentenceIndex) -> None:
    text = model_card(manifest(licence=licence), DecisionConfig(), index, 0)
    data = ModelCard(text).data
    assert data.license == expected
    assert data.license_name == name
    assert "sign-language-recognition" in data.tags
    assert data.library_name == "signtalk"
    assert f"| licence | {' '.join(licence.split()) or 'not stated'} |" in text


def test_figures_stand_in_head_and_text_with_their_protocol(index: SentenceIndex) -> None:
    text = model_card(manifest(figures=FIGURES), DecisionConfig(), index, 0)
    data = ModelCard(text).data
    assert data.metrics == ["accuracy"]
    (result,) = data.eval_results
    assert (result.metric_name, result.metric_value) == ("R@1", 0.9)
    assert result.dataset_name == 'own clips: seen "sentence", unseen: signer'
    assert "| 33 | 73 | 0.900 (0.800-1.000) | 0.950 (0.850-1.050) |" in text
    assert "| SignTalk | 0.700 (0.600-0.800) | - | 0.100 (0.000-0.200) | - |" in text
    assert "| seen sentence | 33 | 0.100 (0.000-0.200) | 0.700 (0.600-0.800) |" in text


def test_without_figures_nobody_is_told_to_rely_on_it(index: SentenceIndex) -> None:
    text = model_card(manifest(), DecisionConfig(), index, 0)
    assert "Do not rely on it before you have measured it" in text
    assert ModelCard(text).data.metrics is None


def test_a_bundle_without_sentences_tells_how_it_is_taught(index: SentenceIndex) -> None:
    bare = model_card(manifest(), DecisionConfig(), SentenceIndex.build((), (), index.encoder_id), 0)
    assert "sentences that you teach it with one to three clips each" in bare
    assert "signtalk enroll TEXT a.npz --bundle DIR --index FOLDER" in bare
    assert "no person's clip or name" in bare
    for told in ("Recognises 0", "embeddings_map.csv", "its data's signers"):
        assert told not in bare
    assert "short sentences listed in `index/embeddings_map.csv`" in model_card(manifest(), DecisionConfig(), index, 0)


def test_the_gate_is_told_as_it_is(index: SentenceIndex) -> None:
    def told(**changes: Any) -> str:
        gate = GateConfig(**changes)
        return model_card(manifest(), DecisionConfig(gate=gate, sets=CandidateSets(gap=0.1, num_clips=30)), index, 0)

    kept = told(precision_asked=0.98, precision_reached=True, threshold=0.87)
    assert "from a confidence of 0.87 on; of the validation clips so answered at least 98% were right" in kept
    assert "90% of the time" in kept
    missed = told(precision_asked=0.98)
    assert "* Validation never showed the precision of 0.98" in missed
    assert "at least 98%" not in missed
    assert "every answer is refused" in told(fitted=False)
    assert "never accepted on their own" in kept
    assert "* trained: proven (0.98 asked)." in kept
    assert "* trained: not proven (0.98 asked)." in missed
    assert "* enrolled: not proven (0.98 asked)." in kept
    assert "never shown as an answer (policy `strict`)" in kept
    shown = model_card(manifest(), DecisionConfig(policy="research"), index, 0)
    assert "shown all the same, and marked (policy `research`)" in shown


def test_encoders_and_signs_are_told(index: SentenceIndex) -> None:
    made = {"int8": Variant(file="x", num_bytes=1234, recall_at_1=0.88, loss=0.25, golden_difference=0.1)}
    variants = Variants(
        offered="int8", num_clips=380, num_bytes=5678, recall_at_1=0.8825, made=made, left_out={"fp16": "no room"}
    )
    text = model_card(manifest(variants=variants), DecisionConfig(), index, 12)
    assert "| int8 | 1,234 | 0.880 | 0.25 |" in text
    assert "R@1 on 380 validation and training clips, none of which met itself" in text
    assert "**int8**, which loses less than half a point" in text
    assert "* fp16: no room" in text
    assert "how 12 sentences are signed" in text
    assert "moving skeleton" in text
    few = Variants(num_clips=30, num_bytes=5678, recall_at_1=1.0, made=made)
    assert "**fp32**: on fewer than 200 clips a loss" in model_card(manifest(variants=few), DecisionConfig(), index, 0)
    without = model_card(manifest(), DecisionConfig(), index, 0)
    assert "signs.npz" not in without
    assert "were not measured" in without


def test_of_a_base_sources_and_limits_are_told_and_no_promise_of_sentences_that_it_has_not(
    index: SentenceIndex,
) -> None:
    pretrained = {"config": {"seed": 0, "epochs": 1, "steps_per_epoch": 1, "groups": 2, "people": 2}}
    told = manifest(
        origin={"pretrain": {**pretrained, "learned": [], "asked": []}},
        figures={"sources": ["clips of the moon (MIT)"], "limits": ["it was never measured in the dark"]},
    )
    card = model_card(told, DecisionConfig(), SentenceIndex.build((), (), index.encoder_id), 0)
    assert "* clips of the moon (MIT)" in card and "## Limits\n\n* it was never measured in the dark\n" in card
    assert "* enrolled: " in card and "* trained: " not in card
    assert "* trained: " in model_card(manifest(), DecisionConfig(), index, 0)
