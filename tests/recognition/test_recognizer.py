import json
from pathlib import Path

import pytest

from made.small_run import SmallRun
from signtalk.data.manifest import clip_of_record, load_manifest
from signtalk.errors import ArtifactError
from signtalk.index.index import SentenceIndex
from signtalk.index.large import LargeIndex
from signtalk.index.large_files import write_large_index
from signtalk.recognition.answer import Answer
from signtalk.recognition.recognizer import DecisionConfig
from signtalk.recognition.translation import TranslationRule
from signtalk.training.run import RunFolder

SPEC_FIELDS = {
    "rank", "video_file", "feature_path", "sentence_id", "sentence", "category", "similarity", "raw_similarity",
    "confidence", "proto_similarity", "dtw_distance", "dtw_score",
}  # fmt: skip


def test_an_answer_has_the_fields_of_the_contract(small_run: SmallRun) -> None:
    run, manifest = RunFolder.open(small_run.run), load_manifest(small_run.data)
    recognizer = run.recognizer(run.sentence_index(), run.decision())
    clip = clip_of_record(manifest.records[0])
    answer = recognizer.recognize([clip], num_candidates=3)[0]
    found = answer.to_dict()
    assert {"accepted", "reason", "motion_mean", "attention_mean"} <= set(found)
    assert set(found["candidates"][0]) >= SPEC_FIELDS
    assert [candidate["rank"] for candidate in found["candidates"]] == [1, 2, 3]
    assert (answer.sentence is None) == (not answer.accepted)
    assert recognizer.recognize([]) == ()


def test_one_clip_or_many_give_the_same(small_run: SmallRun) -> None:
    run, manifest = RunFolder.open(small_run.run), load_manifest(small_run.data)
    recognizer = run.recognizer(run.sentence_index(), run.decision())
    clips = [clip_of_record(record) for record in manifest.records[:4]]
    together = recognizer.recognize(clips)
    for clip, answer in zip(clips, together, strict=True):
        alone = recognizer.recognize([clip])[0]
        assert alone.reason == answer.reason
        assert alone.translation == answer.translation
        assert [c.text_key for c in alone.candidates] == [c.text_key for c in answer.candidates]


def test_a_known_clip_meets_itself_unless_it_is_excluded(small_run: SmallRun) -> None:
    run, manifest = RunFolder.open(small_run.run), load_manifest(small_run.data)
    recognizer = run.recognizer(run.sentence_index(), run.decision())
    record = run.split(manifest).records(manifest, "train")[0]
    candidate = recognizer.recognize([clip_of_record(record)])[0].candidates[0]
    assert candidate.clip_id == record.clip_id
    store = run.store()
    which = store.positions_of([record.clip_id])
    encoded = recognizer.encoder.encode(*store.features(which))
    without = recognizer.answer(encoded, store.motions[which], [(record.clip_id,)]).answers[0]
    assert record.clip_id not in {c.clip_id for c in without.candidates}


def test_the_prototypes_decision_stays_selectable(small_run: SmallRun) -> None:
    run, manifest = RunFolder.open(small_run.run), load_manifest(small_run.data)
    recognizer = run.recognizer(run.sentence_index(), DecisionConfig.prototype())
    answer = recognizer.recognize([clip_of_record(manifest.records[0])])[0]
    assert answer.reason in {"", "low_similarity", "ambiguous_top2", "prototype_disagreement"}
    assert abs(sum(c.confidence or 0 for c in answer.candidates) - 1) < 1e-5  # the softmax over five clips


def test_a_translation_is_shown_where_its_rule_says_so_and_no_sentence_is_accepted(small_run: SmallRun) -> None:
    run, manifest = RunFolder.open(small_run.run), load_manifest(small_run.data)
    clip = clip_of_record(manifest.records[0])
    silent = run.decision().gate.model_copy(update={"threshold": 1.0, "fitted": True, "motion_floor": 0.0})
    rule = TranslationRule(threshold=0.0, fitted=True, precision_reached=True)

    def ask(**changes: object) -> Answer:
        decision = DecisionConfig(**({"gate": silent, "translation": rule} | changes))
        return run.recognizer(run.sentence_index(), decision).recognize([clip])[0]

    told = ask()
    assert (told.text, told.text_source) == (told.translation, "translation")
    assert 0 <= told.translation_confidence <= 1
    assert " ".join(word for word, _ in told.translation_words) == told.translation
    assert all(0 <= probability <= 1 for _, probability in told.translation_words)
    assert ask(translation=TranslationRule()).text is None
    still = silent.model_copy(update={"motion_floor": 1e9})
    assert (ask(gate=still).text, ask(gate=still).reason) == (None, "low_motion")
    known = ask(gate=silent.model_copy(update={"threshold": 0.0}))
    assert (known.text, known.text_source) == (known.candidates[0].sentence, "sentence")
    assert json.loads(json.dumps(told.to_dict()))["text"] == told.text  # plain values all through
    assert known.to_dict()["text"] == known.text


def test_a_translation_that_loses_or_adds_a_negation_is_never_shown(
    small_run: SmallRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, manifest = RunFolder.open(small_run.run), load_manifest(small_run.data)
    clip = clip_of_record(manifest.records[0])
    gate = run.decision().gate.model_copy(update={"threshold": 1.0, "fitted": True, "motion_floor": 0.0})
    rule = TranslationRule(threshold=0.0, fitted=True, precision_reached=True)
    recognizer = run.recognizer(run.sentence_index(), DecisionConfig(gate=gate, translation=rule))

    def told(*spelled: str | None) -> str | None:
        monkeypatch.setattr("signtalk.recognition.recognizer.spelled_texts", lambda *_: spelled)
        return recognizer.recognize([clip])[0].text

    (answer,) = recognizer.recognize([clip])
    assert answer.translation is not None
    assert told(answer.translation) == answer.translation
    assert told(f"no {answer.translation}") is None
    assert told(f"{answer.translation} 3") is None
    assert told(None) is None


def test_answers_over_a_source_are_those_of_the_same_references_in_memory(small_run: SmallRun, tmp_path: Path) -> None:
    run, manifest = RunFolder.open(small_run.run), load_manifest(small_run.data)
    whole, index = run.recognizer(run.sentence_index(), run.decision()), run.sentence_index()
    clips = [clip_of_record(record) for record in manifest.records[:10]]
    expected = whole.recognize(clips)
    write_large_index(tmp_path / "large", [index], index.encoder_id, index.projections.shape[1])
    nothing = whole.changed(index=SentenceIndex.build((), (), index.encoder_id))
    own = index.without_sentences(list(index.groups.text_keys)[2:])
    rest = index.without_sentences(list(index.groups.text_keys)[:2])
    write_large_index(tmp_path / "rest", [rest], index.encoder_id, index.projections.shape[1])
    for found in (
        nothing.over(LargeIndex(tmp_path / "large")).recognize(clips),
        whole.changed(index=own).over(LargeIndex(tmp_path / "rest")).recognize(clips),
    ):
        for one, other in zip(found, expected, strict=True):
            assert one.candidates[0].clip_id == other.candidates[0].clip_id
            assert one.confidence == pytest.approx(other.confidence, abs=0.02)
            assert one.candidates[0].similarity == pytest.approx(other.candidates[0].similarity, abs=2e-3)
            assert one.candidates[0].text_score == pytest.approx(other.candidates[0].text_score, rel=1e-5)
            assert one.translation == other.translation
    with pytest.raises(ArtifactError, match="makes the queries"):
        whole.changed(index=SentenceIndex.build((), (), "another")).over(LargeIndex(tmp_path / "large"))
