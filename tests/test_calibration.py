from dataclasses import replace

import numpy as np

from conftest import SmallRun
from made_answers import trained_clips
from signtalk.calibration import (
    Asked,
    CalibrationClips,
    CalibrationConfig,
    _as_a_new_signer,
    _fit_spelling,
    _fit_written,
    calibrate,
    clips_of_folder,
    clips_of_split,
    recalibrate,
)
from signtalk.evidence import Evidence
from signtalk.gate import confidences
from signtalk.manifest import load_manifest
from signtalk.recognizer import DecisionConfig, Recognizer
from signtalk.runs import Run
from signtalk.scoring import ScoringConfig
from signtalk.splits import Split


def test_translation_listens_to_the_frames_as_far_as_that_helps(small_run: SmallRun) -> None:
    recognizer, encoded, records = trained_clips(small_run)
    decision, found = _fit_spelling(recognizer, [(encoded, records)])
    assert set(found) == {"0.0", "0.3", "0.5", "0.7", "0.9", "1.0"}
    assert found[str(decision.spelling_weight)] <= min(found.values()) + 0.1
    silent = replace(encoded, word_log_probs=encoded.word_log_probs[..., :0])
    assert _fit_spelling(recognizer, [(silent, records)]) == (recognizer.decision, {})


CONFIG = CalibrationConfig()


def split_clips(small_run: SmallRun) -> tuple[Recognizer, CalibrationClips, Split]:
    run, manifest = Run.open(small_run.run), load_manifest(small_run.data)
    recognizer, split = run.recognizer(run.index(), DecisionConfig()), run.split(manifest)
    return recognizer, clips_of_split(recognizer, manifest, split, run.store()), split


def test_clips_of_a_split_have_its_validation_roles(small_run: SmallRun) -> None:
    _, clips, split = split_clips(small_run)
    assert tuple(record.clip_id for record in clips.known.records) == split.clips("val")
    assert tuple(record.clip_id for record in clips.unknown.records) == split.clips("val_unknown")
    assert len(clips.idle) == len(split.clips("train_idle", "val_idle"))
    assert len(clips.signing) == len(split.clips("train"))
    for asked in (clips.known, clips.unknown):
        assert len(asked.motions) == len(asked.records) == (asked.encoded.num_clips if asked.encoded else 0)


def test_too_few_clips_keep_the_start_and_say_so(small_run: SmallRun) -> None:
    recognizer, clips, _ = split_clips(small_run)
    few = replace(clips, known=part(clips.known, 0, 3), unknown=part(clips.unknown, 0, 0))
    decision, report = calibrate(recognizer, few, CONFIG)
    assert decision.scoring == ScoringConfig()
    assert report["scoring"] == "kept: too few validation clips"
    assert not decision.gate.fitted
    assert decision.gate.motion_floor > 0
    assert decision.sets.gap is None
    assert "refuses everything" in report["too_few"][0]
    assert any("need 9 known clips, there are 3" in line for line in report["too_few"])


def part(asked: Asked, start: int, stop: int) -> Asked:
    rows = np.arange(start, stop)
    encoded = asked.encoded.select(rows) if asked.encoded is not None and len(rows) else None
    return Asked(asked.records[start:stop], encoded, asked.motions[start:stop])


def many(small_run: SmallRun, known_share: float = 0.7) -> tuple[Recognizer, CalibrationClips]:
    """The training clips as queries, a part of the sentences being taken out of the index."""
    recognizer, encoded, records = trained_clips(small_run)
    keys = list(dict.fromkeys(record.text_key for record in records))
    unseen = set(keys[round(known_share * len(keys)) :])
    mask = np.array([record.text_key not in unseen for record in records])
    motions = np.full(len(records), 2.0, np.float32)

    def asked(which: np.ndarray) -> Asked:
        chosen = tuple(record for record, kept in zip(records, which, strict=True) if kept)
        return Asked(chosen, encoded.select(np.flatnonzero(which)), motions[which])

    index = recognizer.index.without_sentences(unseen)
    nobody = np.zeros(0, np.float32)
    return recognizer.changed(index=index), CalibrationClips(asked(mask), asked(~mask), nobody, nobody)


def test_recalibrating_fits_gate_and_sets_and_leaves_the_rest(small_run: SmallRun) -> None:
    recognizer, clips = many(small_run)
    config = CalibrationConfig(precision=0.8, coverage=0.8, choice_precision=0.6)
    decision, report = recalibrate(recognizer, clips, config)
    before = recognizer.decision
    assert decision.model_copy(update={"gate": before.gate, "sets": before.sets}) == before
    assert decision.gate.fitted
    assert decision.gate.precision_asked == 0.8
    assert report["num_known"] == len(clips.known.records)
    assert decision.sets.gap is not None
    assert decision.sets.num_clips <= len(clips.known.records)
    if decision.gate.choice_threshold is not None:
        assert decision.gate.choice_threshold <= decision.gate.threshold
    assert "no idle clip: the motion floor is half of the slowest signing" in report["too_few"]
    assert decision.gate.motion_floor == 1.0  # half of the clips' 2.0
    again = recalibrate(recognizer, clips, config)
    assert again == (decision, report)


def test_a_larger_unknown_share_makes_the_gate_stricter(small_run: SmallRun) -> None:
    recognizer, clips = many(small_run)

    def mean_confidence(share: float) -> float:
        decision, _ = recalibrate(recognizer, clips, CalibrationConfig(unknown_share=share, precision=0.8))
        assert clips.known.encoded is not None
        scores = recognizer.scores(clips.known.encoded, [(r.clip_id,) for r in clips.known.records])
        return float(confidences(Evidence.from_scores(scores), decision.gate).mean())

    assert mean_confidence(0.1) > mean_confidence(0.6)


def test_a_clip_is_asked_as_a_new_signers_would_be(small_run: SmallRun) -> None:
    recognizer, _, records = trained_clips(small_run)
    index, record = recognizer.index, records[0]
    by_clip = {entry.clip_id: entry for entry in index.entries}
    others = [row for row in index.sentences[record.text_key] if index.entries[row].signer_id != record.signer_id]
    excluded = _as_a_new_signer(index, record)
    assert record.clip_id in excluded
    mine = {entry.clip_id for entry in index.entries if entry.signer_id == record.signer_id}
    assert set(excluded) == (mine if others else {record.clip_id})
    alone = index.without([index.entries[row].clip_id for row in others])
    assert _as_a_new_signer(alone, record) == (record.clip_id,)  # nobody else signs it
    nameless = replace(record, signer_id="")
    assert set(_as_a_new_signer(index, nameless)) <= {record.clip_id}
    stranger = replace(record, sentence="never indexed", clip_id="x")
    assert set(_as_a_new_signer(index, stranger)) == {"x"} | {
        c for c, e in by_clip.items() if e.signer_id == record.signer_id
    }


def test_a_folder_is_dealt_out_by_what_is_indexed(small_run: SmallRun) -> None:
    run, manifest = Run.open(small_run.run), load_manifest(small_run.data)
    index = run.index()
    gone = sorted(index.sentences)[0]
    recognizer = run.recognizer(index.without_sentences({gone}), DecisionConfig())
    records = [record for record in manifest.records if record.text_key == gone][:2]
    records += [record for record in manifest.records if record.text_key in index.sentences and record not in records][
        :3
    ]
    records += [record for record in manifest.records if record.is_idle][:2]
    clips = clips_of_folder(recognizer, replace(manifest, records=tuple(records)))
    assert [record.text_key for record in clips.unknown.records] == [gone] * len(clips.unknown.records)
    assert len(clips.unknown.records) >= 1
    assert len(clips.known.records) + len(clips.unknown.records) + len(clips.idle) == len(records)
    nothing = clips_of_folder(recognizer, replace(manifest, records=()))
    assert (nothing.known.encoded, nothing.unknown.encoded, len(nothing.idle)) == (None, None, 0)


def test_written_sentences_get_a_gate_only_where_clips_of_unseen_ones_prove_it(small_run: SmallRun) -> None:
    recognizer, encoded, records = trained_clips(small_run)
    unseen = {record.text_key for record in records[::2]}
    known = np.array([record.text_key not in unseen for record in records])
    parts = [
        (encoded.select(mask), tuple(record for record, kept in zip(records, mask, strict=True) if kept))
        for mask in (known, ~known)
    ]
    assert recognizer.text_space is not None
    recognizer = recognizer.changed(index=recognizer.index.without_sentences(unseen))
    motions = (np.full(9, 1.0, np.float32), np.zeros(0, np.float32))
    gate, report = _fit_written(recognizer, parts, motions, 0.9)
    assert 0 <= report["num_right"] <= report["num_queries"] <= len(records) + int((~known).sum())
    assert (gate is None) == (report["fallback"] is not None)
    assert _fit_written(recognizer, [parts[0], (None, ())], motions, 0.9)[0] is None
    recognizer.text_space = None
    found, why = _fit_written(recognizer, parts, motions, 0.9)
    assert found is None
    assert why["fallback"].startswith("the model has no text encoder")
