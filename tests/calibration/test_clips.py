from dataclasses import replace

from made.answers import split_clips
from made.small_run import SmallRun
from signtalk.calibration.clips import clips_of_folder
from signtalk.data.manifest import load_manifest
from signtalk.recognition.recognizer import DecisionConfig
from signtalk.training.run import RunFolder


def test_clips_of_a_split_have_its_validation_roles(small_run: SmallRun) -> None:
    _, clips, split = split_clips(small_run)
    for asked, role in ((clips.known, "val"), (clips.unknown, "val_unknown")):
        assert tuple(record.clip_id for record in asked.records if asked) == split.clips(role)
    assert len(clips.idle) == len(split.clips("train_idle", "val_idle"))
    assert len(clips.signing) == len(split.clips("train"))
    for asked in clips.parts:
        assert len(asked.motions) == len(asked.records) == asked.encoded.num_clips


def test_a_folder_is_dealt_out_by_what_is_indexed(small_run: SmallRun) -> None:
    run, manifest = RunFolder.open(small_run.run), load_manifest(small_run.data)
    index = run.sentence_index()
    gone = sorted(index.sentences)[0]
    recognizer = run.recognizer(index.without_sentences({gone}), DecisionConfig())
    records = [record for record in manifest.records if record.text_key == gone][:2]
    records += [record for record in manifest.records if record.text_key in index.sentences and record not in records][
        :3
    ]
    records += [record for record in manifest.records if record.is_idle][:2]
    clips = clips_of_folder(recognizer, replace(manifest, records=tuple(records)))
    assert clips.unknown is not None
    assert clips.known is not None
    assert set(clips.unknown.keys) == {gone}
    assert len(clips.known.records) + len(clips.unknown.records) + len(clips.idle) == len(records)
    nothing = clips_of_folder(recognizer, replace(manifest, records=()))
    assert (nothing.known, nothing.unknown, len(nothing.idle)) == (None, None, 0)
