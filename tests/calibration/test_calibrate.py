from dataclasses import replace

import numpy as np

from made.answers import split_clips, trained_clips
from made.evidence import figures
from made.small_run import SmallRun
from signtalk.calibration.calibrate import (
    Asked,
    CalibrationConfig,
    _choice_threshold,
    _fit_spelling,
    _fit_written,
    calibrate,
    recalibrate,
)
from signtalk.calibration.clips import CalibrationClips, as_new_signers
from signtalk.data.manifest import ClipRecord
from signtalk.index.index import SentenceIndex
from signtalk.recognition.evidence import FIGURES, Evidence
from signtalk.recognition.gate import GateConfig, confidences
from signtalk.recognition.recognizer import Recognizer
from signtalk.recognition.scoring import ScoringConfig


def test_translation_listens_to_the_frames_as_far_as_that_helps(small_run: SmallRun) -> None:
    recognizer, asked = trained_clips(small_run)
    decision, found, texts = _fit_spelling(recognizer, [asked])
    assert set(texts) == {record.clip_id for record in asked.records}
    assert set(found) == {"0.0", "0.3", "0.5", "0.7", "0.9", "1.0"}
    assert found[str(decision.spelling_weight)] <= min(found.values()) + 0.1
    silent = replace(asked, encoded=replace(asked.encoded, word_log_probs=asked.encoded.word_log_probs[..., :0]))
    assert _fit_spelling(recognizer, [silent]) == (recognizer.decision, {}, {})
    assert _fit_spelling(recognizer, []) == (recognizer.decision, {}, {})


CONFIG = CalibrationConfig()


def test_too_few_clips_keep_the_start_and_say_so(small_run: SmallRun) -> None:
    recognizer, clips, _ = split_clips(small_run)
    assert clips.known is not None
    few = replace(clips, known=part(clips.known, 3), unknown=None)
    decision, report = calibrate(recognizer, few, CONFIG)
    assert decision.scoring == ScoringConfig()
    assert report.to_dict()["scoring"] == "kept: too few validation clips"
    assert not decision.gate.fitted
    assert decision.gate.motion_floor > 0
    assert decision.sets.gap is None
    assert "refuses everything" in report.too_few[0]
    assert any("need 9 known clips, there are 3" in line for line in report.too_few)


def part(asked: Asked, num: int) -> Asked:
    return Asked(asked.records[:num], asked.encoded.select(np.arange(num)), asked.motions[:num])


def many(small_run: SmallRun) -> tuple[Recognizer, CalibrationClips]:
    """The training clips as queries, three sentences in ten being taken out of the index."""
    recognizer, trained = trained_clips(small_run)
    keys = list(dict.fromkeys(trained.keys))
    unseen = set(keys[round(0.7 * len(keys)) :])

    def asked(known: bool) -> Asked:
        rows = [row for row, key in enumerate(trained.keys) if (key not in unseen) == known]
        records = tuple(trained.records[row] for row in rows)
        return Asked(records, trained.encoded.select(np.array(rows)), np.full(len(rows), 2.0, np.float32))

    nobody = np.zeros(0, np.float32)
    clips = CalibrationClips(asked(True), asked(False), nobody, nobody)
    return recognizer.changed(index=recognizer.index.without_sentences(unseen)), clips


def test_recalibrating_fits_gate_and_sets_and_leaves_the_rest(small_run: SmallRun) -> None:
    recognizer, clips = many(small_run)
    config = CalibrationConfig(precision=0.8, coverage=0.8, choice_precision=0.6)
    decision, report = recalibrate(recognizer, clips, config)
    before = recognizer.decision
    assert decision.model_copy(update={"gate": before.gate, "sets": before.sets}) == before
    assert decision.gate.fitted
    assert decision.gate.precision_asked == 0.8
    assert clips.known is not None
    assert report.num_known == len(clips.known.records)
    assert decision.sets.gap is not None
    assert decision.sets.num_clips <= len(clips.known.records)
    if decision.gate.choice_threshold is not None:
        assert decision.gate.choice_threshold <= decision.gate.threshold
    assert "no idle clip: the motion floor is half of the slowest signing" in report.too_few
    assert decision.gate.motion_floor == 0.25  # half of the clips' 2.0 would refuse calm people
    again = recalibrate(recognizer, clips, config)
    assert again == (decision, report)


def test_choices_are_proven_by_clips_that_are_not_accepted_alone() -> None:
    score = np.linspace(0, 1, 60).astype(np.float32)
    evidence = Evidence(**dict.fromkeys(FIGURES, score), answered=score >= 0, written=score < 0)
    weighed = figures((10.0,) + (0,) * 8, typical=(0.5,) * 9, spread=(1.0,) * 9)
    gate = GateConfig(figures=weighed, bias=0.0, threshold=0.9)
    accepted = confidences(evidence, gate) >= 0.9
    holds = np.arange(60) >= 30
    least = _choice_threshold(evidence, holds, np.ones(60), gate, 0.9)
    assert least is not None
    offered = (confidences(evidence, gate) >= least) & ~accepted
    assert holds[offered].mean() >= 0.9
    assert _choice_threshold(evidence, holds & accepted, np.ones(60), gate, 0.5) is None  # those need no choice
    few = holds & (np.arange(60) < 39)
    assert _choice_threshold(evidence, few, np.ones(60), gate, 0.1) is None


def test_a_larger_unknown_share_makes_the_gate_stricter(small_run: SmallRun) -> None:
    recognizer, clips = many(small_run)

    def mean_confidence(share: float) -> float:
        decision, _ = recalibrate(recognizer, clips, CalibrationConfig(unknown_share=share, precision=0.8))
        assert clips.known is not None
        scores = recognizer.rank(clips.known.encoded, clips.known.own_ids)
        return float(confidences(Evidence.from_ranking(scores), decision.gate).mean())

    assert mean_confidence(0.1) > mean_confidence(0.6)


def test_a_clip_is_askedas_a_new_signers_would_be(small_run: SmallRun) -> None:
    recognizer, asked = trained_clips(small_run)
    index, record = recognizer.index, asked.records[0]
    by_clip = {entry.clip_id: entry for entry in index.entries}
    others = [row for row in index.sentences[record.text_key] if index.entries[row].signer_id != record.signer_id]

    def left_out(index: SentenceIndex, *records: ClipRecord) -> list[set[str]]:
        return [
            {index.entries[row].clip_id for row in np.flatnonzero(flags)} for flags in as_new_signers(index, records)
        ]

    (excluded,) = left_out(index, record)
    assert record.clip_id in excluded
    mine = {entry.clip_id for entry in index.entries if entry.signer_id == record.signer_id}
    assert excluded == (mine if others else {record.clip_id})
    alone = index.without([index.entries[row].clip_id for row in others])
    assert left_out(alone, record) == [{record.clip_id}]  # nobody else signs it
    nameless = replace(record, signer_id="")
    stranger = replace(record, sentence="never indexed", clip_id="x")
    of_nameless, of_stranger = left_out(index, nameless, stranger)
    assert of_nameless == {record.clip_id}
    assert of_stranger == {c for c, e in by_clip.items() if e.signer_id == record.signer_id}


def test_written_sentences_get_a_gate_only_where_clips_of_unseen_ones_prove_it(small_run: SmallRun) -> None:
    recognizer, clips = many(small_run)
    assert recognizer.text_space is not None
    gate, report = _fit_written(recognizer, clips, 0.9)
    total = sum(len(part.records) for part in clips.parts)
    assert clips.unknown is not None
    assert 0 <= report.num_right <= report.num_queries <= total + len(clips.unknown.records)
    assert (gate is None) == (report.fallback is not None)
    assert _fit_written(recognizer, replace(clips, unknown=None), 0.9)[0] is None
    recognizer = replace(recognizer, text_space=None)
    found, why = _fit_written(recognizer, clips, 0.9)
    assert found is None
    assert why.fallback.startswith("the model has no text encoder")
