import numpy as np
import pytest

from conftest import SmallRun
from signtalk.evaluation import _row_max, evaluate, first_of_each
from signtalk.manifest import load_manifest, read_clip
from signtalk.runs import Run
from signtalk.splits import SplitConfig, make_split


def test_the_headline_is_what_recognize_answers(small_run: SmallRun) -> None:
    run, manifest = Run.open(small_run.run), load_manifest(small_run.data)
    recognizer = run.recognizer(run.index(), run.decision())
    split = run.split(manifest)
    report = evaluate(recognizer, manifest, split, run.store())
    records = split.records(manifest, "test")
    answers = recognizer.recognize([read_clip(record) for record in records])
    right = [a.candidates[0].text_key == r.text_key for a, r in zip(answers, records, strict=True)]
    assert report.retrieval[0].recall_at_1.estimate == pytest.approx(np.mean(right))
    assert report.retrieval[0].num_queries == len(records)
    accepted = [answer.accepted for answer in answers]
    assert report.open_set is not None
    assert report.open_set.gates[0].known_accepted.estimate == pytest.approx(np.mean(accepted))
    assert [gate.name for gate in report.open_set.gates] == ["SignTalk", "prototype"]


def test_a_protocol_without_clips_is_absent_not_zero(small_run: SmallRun) -> None:
    run, manifest = Run.open(small_run.run), load_manifest(small_run.data)
    config = SplitConfig(test_signers=manifest.signers[-1:])
    report = evaluate(run.recognizer(run.index(), run.decision()), manifest, make_split(manifest, config), run.store())
    for name in ("retrieval: seen sentence, new clip", "retrieval: unseen sentence, enrolled from 1 clip"):
        assert name in report.absent
        assert name.removeprefix("retrieval: ") not in {found.name for found in report.retrieval}
    shown = {found.name for found in small_run.result.report.retrieval}
    assert {"seen sentence, new clip", "unseen sentence, enrolled from 2 clips"} <= shown  # the demo has clips for all


def test_enrolled_sentences_are_added_to_the_index(small_run: SmallRun) -> None:
    run, manifest = Run.open(small_run.run), load_manifest(small_run.data)
    split = run.split(manifest)
    held_out = {record.text_key for record in split.records(manifest, "enroll")}
    by_name = {found.name: found for found in small_run.result.report.retrieval}
    seen = by_name["seen sentence, unseen signer"].num_sentences
    assert by_name["unseen sentence, enrolled from 1 clip"].num_sentences == seen + len(held_out)


def test_at_most_k_clips_of_each_are_enrolled(small_run: SmallRun) -> None:
    records = load_manifest(small_run.data).records
    chosen = first_of_each(records, 1, seed=0)
    keys = [records[row].text_key for row in chosen]
    assert len(keys) == len(set(keys)) == len({record.text_key for record in records})
    assert first_of_each(records, 1, seed=0) == chosen


def test_the_best_of_a_row_without_any_is_unknown() -> None:
    found = _row_max(np.array([[np.nan, 1.0, 2.0], [np.nan, np.nan, np.nan]], dtype=np.float32))
    np.testing.assert_array_equal(found, [2.0, np.nan])
