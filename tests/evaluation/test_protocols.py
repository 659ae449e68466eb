import json
from dataclasses import replace

import numpy as np
import pytest

from made.small_run import SmallRun
from signtalk.data.manifest import clip_of_record, load_manifest
from signtalk.data.splits import SplitConfig, make_split
from signtalk.evaluation import protocols as evaluation
from signtalk.evaluation.protocols import evaluate, first_of_each
from signtalk.evaluation.report import report_json, report_markdown
from signtalk.evaluation.texts import TextScores, score_texts
from signtalk.recognition.asked import encode_all
from signtalk.recognition.gate import GateConfig
from signtalk.recognition.recognizer import DecisionConfig
from signtalk.training.run import RunFolder


def test_the_headline_is_what_recognize_answers(small_run: SmallRun) -> None:
    run, manifest = RunFolder.open(small_run.run), load_manifest(small_run.data)
    recognizer = run.recognizer(run.sentence_index(), run.decision())
    split = run.split(manifest)
    report = evaluate(recognizer, manifest, split, run.store())
    records = split.records(manifest, "test")
    answers = recognizer.recognize([clip_of_record(record) for record in records])
    right = [a.candidates[0].text_key == r.text_key for a, r in zip(answers, records, strict=True)]
    assert report.retrieval[0].recall_at_1.estimate == pytest.approx(np.mean(right))
    assert report.retrieval[0].num_queries == len(records)
    accepted = [answer.accepted for answer in answers]
    assert report.open_set is not None
    assert report.open_set.gates[0].known_accepted.estimate == pytest.approx(np.mean(accepted))
    assert [gate.name for gate in report.open_set.gates] == ["SignTalk", "prototype"]


def test_a_protocol_without_clips_is_absent_not_zero(small_run: SmallRun) -> None:
    run, manifest = RunFolder.open(small_run.run), load_manifest(small_run.data)
    config = SplitConfig(test_signers=manifest.signers[-1:])
    report = evaluate(
        run.recognizer(run.sentence_index(), run.decision()), manifest, make_split(manifest, config), run.store()
    )
    for name in ("retrieval: seen sentence, new clip", "retrieval: unseen sentence, enrolled from 1 clip"):
        assert name in report.absent
        assert name.removeprefix("retrieval: ") not in {found.name for found in report.retrieval}
    shown = {found.name for found in small_run.result.report.retrieval}
    assert {"seen sentence, new clip", "unseen sentence, enrolled from 2 clips"} <= shown  # the demo has clips for all


def test_new_signers_are_asked_once_more_when_some_sentences_are_known(small_run: SmallRun) -> None:
    run, manifest = RunFolder.open(small_run.run), load_manifest(small_run.data)
    split = run.split(manifest)
    recognizer = run.recognizer(run.sentence_index(), run.decision())
    report = evaluate(recognizer, manifest, split, run.store(), signer_sentences=(3, 999))
    assert [(each.num_sentences, each.chosen) for each in report.known_signers] == [(3, "guided"), (3, "random")]
    assert report.absent["known signer, 999 sentences"] == "no test signer signs more sentences than that"
    page = report_markdown(report, "Evaluation")
    assert "Knowing the signer" in page
    assert json.loads(json.dumps(report_json(report)))["known_signers"][0]["num_sentences"] == 3
    asked = [(each.num_sentences, each.chosen) for each in small_run.result.report.known_signers]
    assert asked == [(3, "guided"), (3, "random")]  # the demo shows it


def test_enrolled_sentences_are_added_to_the_index(small_run: SmallRun) -> None:
    run, manifest = RunFolder.open(small_run.run), load_manifest(small_run.data)
    split = run.split(manifest)
    held_out = {record.text_key for record in split.records(manifest, "enroll")}
    by_name = {found.name: found for found in small_run.result.report.retrieval}
    seen = by_name["seen sentence, unseen signer"].num_sentences
    assert by_name["unseen sentence, enrolled from 1 clip"].num_sentences == seen + len(held_out)


def test_the_gate_of_enrolled_sentences_is_a_protocol_of_its_own(small_run: SmallRun) -> None:
    run, manifest = RunFolder.open(small_run.run), load_manifest(small_run.data)
    own = GateConfig(threshold=0.0, bias=9.0, precision_asked=0.9)  # answers everything, and nothing has proven it
    gate = GateConfig(threshold=0.0, motion_floor=0.0, enrolled=own)
    recognizer = run.recognizer(run.sentence_index(), DecisionConfig(gate=gate))
    report = evaluate(recognizer, manifest, run.split(manifest), run.store())
    assert not report.known_signers  # only where it is asked for
    gates = {gate.name: gate for gate in report.enrolled_gates}
    assert list(gates) == [f"unseen sentence, enrolled from {k}" for k in ("1 clip", "2 clips")]
    first = gates["unseen sentence, enrolled from 1 clip"]
    retrieval = next(each for each in report.retrieval if each.name == first.name)
    assert first.known_accepted.estimate == 1
    assert first.known_wrong == pytest.approx(1 - retrieval.recall_at_1.estimate)
    assert first.precision is not None
    assert first.precision.estimate == pytest.approx(retrieval.recall_at_1.estimate / 2)  # asked with it and without
    assert "Enrolled sentences: what the gate answers" in report_markdown(report, "x")
    assert report_json(report)["enrolled_gates"][0]["name"] == first.name


def test_written_sentences_are_asked_and_what_they_cost_is_shown(small_run: SmallRun) -> None:
    run, manifest = RunFolder.open(small_run.run), load_manifest(small_run.data)
    split, index = run.split(manifest), run.sentence_index()
    by_name = {found.name: found for found in small_run.result.report.retrieval}
    written = by_name["unseen sentence, only written, unseen signer"]
    beside = by_name["seen sentence, beside written ones"]
    unseen = {record.text_key for record in split.records(manifest, "test_unknown")}
    assert written.num_sentences == beside.num_sentences == len(index.sentences) + len(unseen)
    assert written.num_queries == len(split.records(manifest, "test_unknown"))
    assert beside.num_queries == by_name["seen sentence, unseen signer"].num_queries
    assert "unseen sentence, only written, unseen signer" in {a.name for a in small_run.result.report.answers}
    assert not index.written.any()  # nothing of it stays


def test_texts_find_clips_as_a_plain_loop_does(small_run: SmallRun) -> None:
    run, manifest = RunFolder.open(small_run.run), load_manifest(small_run.data)
    recognizer, split, store = run.recognizer(run.sentence_index(), run.decision()), run.split(manifest), run.store()
    clips = [record for role in ("test", "test_unknown") for record in split.records(manifest, role)]
    encoded = encode_all(recognizer.encoder, store, store.positions_of([record.clip_id for record in clips]))
    assert recognizer.text_space is not None
    for result in small_run.result.report.searches:
        role = "test_unknown" if result.name.startswith("unseen") else "test"
        ranks = {}
        for record in split.records(manifest, role):
            for text in record.variations:
                cosines = encoded.embeddings @ recognizer.text_space.embed([text])[0]
                ranked = sorted(range(len(clips)), key=lambda i: -cosines[i])
                hits = [clips[i].text_key == record.text_key for i in ranked]
                ranks[text] = 1 + hits.index(True)
        assert result.num_queries == len(ranks)
        assert result.num_clips == len(clips)
        assert result.recall_at_1.estimate == pytest.approx(np.mean([rank == 1 for rank in ranks.values()]))
        assert result.mrr.estimate == pytest.approx(np.mean([1 / rank for rank in ranks.values()]))
        canonical = {record.sentence for record in split.records(manifest, role)}
        assert result.canonical == pytest.approx(np.mean([ranks[text] == 1 for text in canonical]))
    assert len(small_run.result.report.searches) == 2


def test_a_model_without_a_text_encoder_says_so(small_run: SmallRun) -> None:
    run, manifest = RunFolder.open(small_run.run), load_manifest(small_run.data)
    recognizer = replace(run.recognizer(run.sentence_index(), run.decision()), text_space=None)
    report = evaluate(recognizer, manifest, run.split(manifest), run.store())
    assert report.searches == ()
    for name in ("retrieval: unseen sentence, only written", "text search: seen sentence"):
        assert report.absent[f"{name}, unseen signer"] == "the model has no text encoder"


def test_paraphrases_are_references_of_a_translation(small_run: SmallRun, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[tuple[str, ...]]] = []

    def noted(texts: list[str], references: list[tuple[str, ...]]) -> TextScores:
        asked.append(references)
        return score_texts(texts, references)

    monkeypatch.setattr(evaluation, "score_texts", noted)
    run, manifest = RunFolder.open(small_run.run), load_manifest(small_run.data)
    split = run.split(manifest)
    evaluate(run.recognizer(run.sentence_index(), run.decision()), manifest, split, run.store())
    records = split.records(manifest, "test")
    assert asked[0] == [record.variations for record in records]
    assert max(len(record.variations) for record in records) > 1
    assert all(record.variations[0] == record.sentence for record in records)


def test_at_most_k_clips_of_each_are_enrolled(small_run: SmallRun) -> None:
    records = load_manifest(small_run.data).records
    chosen = first_of_each(records, 1, seed=0)
    keys = [records[row].text_key for row in chosen]
    assert len(keys) == len(set(keys)) == len({record.text_key for record in records})
    assert first_of_each(records, 1, seed=0) == chosen
