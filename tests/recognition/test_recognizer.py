import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from made.small_run import SmallRun
from signtalk.data.manifest import clip_of_record, load_manifest
from signtalk.errors import ArtifactError
from signtalk.evaluation.perturbations import without_hands
from signtalk.index.index import SentenceIndex
from signtalk.index.large import LargeIndex
from signtalk.index.large_files import write_large_index
from signtalk.recognition.answer import Answer
from signtalk.recognition.enrolment import NewSentence, enroll
from signtalk.recognition.gate import GateConfig
from signtalk.recognition.promise import Policy, Promise
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
    known = ask(gate=silent.model_copy(update={"threshold": 0.0, "precision_reached": True}))
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


def test_every_answer_carries_the_promise_of_what_it_shows(small_run: SmallRun, tmp_path: Path) -> None:
    run, manifest = RunFolder.open(small_run.run), load_manifest(small_run.data)
    clip = clip_of_record(manifest.records[0])
    fitted = {"threshold": 0.0, "fitted": True, "motion_floor": 0.0, "precision_asked": 0.98}
    proof = {"precision_reached": True, "precision_found": 0.99, "precision_lower_bound": 0.97, "num_accepted": 300}
    proven, missed = GateConfig(**fitted, **proof), GateConfig(**fitted)
    rule = TranslationRule(threshold=0.0, fitted=True, precision_asked=0.98)  # not proven

    def ask(gate: GateConfig, policy: Policy = "strict", index: SentenceIndex | None = None) -> Answer:
        decision = DecisionConfig(gate=gate, translation=rule, policy=policy)
        (answer,) = run.recognizer(index or run.sentence_index(), decision).recognize([clip])
        return answer

    answer = ask(proven)
    assert answer.promise == Promise("trained", True, 0.98, 0.99, 0.97, 300)
    assert answer.outcome == "answer"
    assert "not proven" not in str(answer)
    assert answer.to_dict()["promise"]["precision_lower_bound"] == 0.97
    held = ask(missed)
    assert (held.accepted, held.text, held.outcome, held.reason) == (False, None, "choices", "not_proven")
    assert 2 <= len(held.choices) <= 3
    assert held.choices[0].sentence == answer.sentence
    assert held.confidence == answer.confidence
    assert str(held).endswith("(not proven)")
    shown = ask(missed, "research")
    assert (shown.outcome, shown.text, shown.reason) == ("answer", answer.text, "")
    assert shown.promise is not None and not shown.promise.proven
    assert str(shown).endswith("(not proven)")
    silent = proven.model_copy(update={"threshold": 1.0})
    assert (ask(silent).outcome, ask(silent).promise) == ("not_sure", None)
    text = ask(silent, "research")
    assert text.text_source == "translation"
    assert text.promise == Promise("translated", False, 0.98, None, None, None)


def test_a_sentence_that_was_enrolled_is_another_population(small_run: SmallRun, tmp_path: Path) -> None:
    run, manifest = RunFolder.open(small_run.run), load_manifest(small_run.data)
    gate = GateConfig(threshold=0.0, motion_floor=0.0, precision_asked=0.98, precision_reached=True)
    decision = DecisionConfig(gate=gate, translate=False)
    record = manifest.records[0]
    clip = clip_of_record(record)
    base = run.sentence_index().without_sentences([record.text_key])
    recognizer = run.recognizer(base, decision)
    enroll(recognizer, tmp_path / "ward", NewSentence(record.sentence), {"a.npz": clip})
    index = base.with_layer(SentenceIndex.load(tmp_path / "ward"))
    (answer,) = recognizer.changed(index=index).recognize([clip])
    assert answer.candidates[0].text_key == record.text_key
    assert answer.promise == Promise("enrolled", False, 0.98, None, None, 0)
    assert (answer.outcome, answer.reason) == ("choices", "not_proven")
    (shown,) = recognizer.changed(index=index, decision=decision.under("research")).recognize([clip])
    assert (shown.text, shown.promise) == (record.sentence, answer.promise)


def test_one_more_clip_of_a_sentence_that_training_knew_changes_no_population(
    small_run: SmallRun, tmp_path: Path
) -> None:
    run, manifest = RunFolder.open(small_run.run), load_manifest(small_run.data)
    index = run.sentence_index()
    gate = GateConfig(threshold=0.0, motion_floor=0.0, precision_asked=0.98, precision_reached=True)
    recognizer = run.recognizer(index, DecisionConfig(gate=gate, translate=False))
    record = next(r for r in manifest.records if r.text_key in index.sentences and r.clip_id not in index.row_of)
    enroll(recognizer, tmp_path / "ward", NewSentence(record.sentence), {"a.npz": clip_of_record(record)})
    both = recognizer.changed(index=index.with_layer(SentenceIndex.load(tmp_path / "ward")))
    (answer,) = both.recognize([clip_of_record(record)])
    assert answer.candidates[0].text_key == record.text_key
    assert answer.promise == Promise("trained", True, 0.98, None, None, None)


def test_a_clip_whose_hands_were_not_seen_is_not_answered(small_run: SmallRun) -> None:
    run, manifest = RunFolder.open(small_run.run), load_manifest(small_run.data)
    clip = clip_of_record(manifest.records[0])
    gate = GateConfig(threshold=0.0, bias=9.0, motion_floor=0.05, precision_asked=0.9, precision_reached=True)
    recognizer = run.recognizer(run.sentence_index(), DecisionConfig(gate=gate, translate=False))
    seen, unseen = recognizer.recognize([clip, without_hands(clip, 1.0, np.random.default_rng(0))])
    assert (seen.outcome, unseen.outcome, unseen.reason) == ("answer", "not_sure", "low_motion")


def test_enrolled_sentences_are_decided_by_a_gate_of_their_own(small_run: SmallRun) -> None:
    run, manifest = RunFolder.open(small_run.run), load_manifest(small_run.data)
    index = run.sentence_index()
    taught = replace(index, entries=tuple(replace(e, sentence_id=f"enrolled-{e.sentence_id}") for e in index.entries))
    clip = clip_of_record(manifest.records[0])
    own = GateConfig(threshold=0.0, bias=-9.0, precision_asked=0.9, precision_reached=True, num_accepted=12)
    gate = GateConfig(threshold=1.0, motion_floor=0.0, precision_asked=0.98, enrolled=own)
    recognizer = run.recognizer(taught, DecisionConfig(gate=gate, translate=False))
    (answer,) = recognizer.recognize([clip])
    assert answer.promise == Promise("enrolled", True, 0.9, None, None, 12)
    assert answer.outcome == "answer"
    (trained,) = recognizer.changed(index=index).recognize([clip])
    assert (trained.outcome, trained.candidates[0].sentence) == ("not_sure", answer.candidates[0].sentence)
    assert answer.confidence < trained.confidence  # each by its own function
    still = gate.model_copy(update={"motion_floor": 1e9})  # the floor is that of all
    assert recognizer.changed(decision=DecisionConfig(gate=still)).recognize([clip])[0].reason == "low_motion"
    unfitted = gate.model_copy(update={"enrolled": own.model_copy(update={"fitted": False})})
    (none,) = recognizer.changed(decision=DecisionConfig(gate=unfitted)).recognize([clip])
    assert none.outcome == "not_sure"


def test_what_only_further_references_hold_was_not_trained(small_run: SmallRun, tmp_path: Path) -> None:
    run, manifest = RunFolder.open(small_run.run), load_manifest(small_run.data)
    gate = GateConfig(threshold=0.0, motion_floor=0.0, precision_asked=0.98, precision_reached=True)
    index = run.sentence_index()
    write_large_index(tmp_path / "large", [index], index.encoder_id, index.projections.shape[1])
    whole = run.recognizer(index, DecisionConfig(gate=gate, translate=False))
    clip = clip_of_record(next(r for r in manifest.records if r.text_key in index.sentences))
    source = LargeIndex(tmp_path / "large")
    assert whole.over(source).recognize([clip])[0].promise.population == "trained"
    nothing = whole.changed(index=SentenceIndex.build((), (), index.encoder_id)).over(source)
    assert nothing.recognize([clip])[0].promise.population == "enrolled"


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
