"""`signtalk segment` and `fit-segmenter` as commands: tables, JSON, files, and what they refuse."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from signtalk.data.manifest import describe_clip, write_manifest
from signtalk.data.records import ClipRecord
from signtalk.landmarks.clip import LandmarkClip, load_clip, load_provenance, save_clip
from signtalk.segmentation.segmenter import SegmenterSettings, shipped_settings, spans_of
from signtalk.segmentation.streams import StreamPlan, make_stream, sentence_clips

STREAM = make_stream(4, 2, StreamPlan(num_sentences=3, fps=12.0))


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    save_clip(tmp_path / "day.npz", STREAM.clip)
    return tmp_path / "day.npz"


def test_sentences_as_json_and_as_files(clip: Path, tmp_path: Path, ask) -> None:
    told = ask("segment", clip, "--out", tmp_path / "out", "--json")
    expected = spans_of(STREAM.clip)
    assert len(expected) >= 2
    assert [(each["start_s"], each["end_s"]) for each in told["sentences"]] == [
        (span.start_s, span.end_s) for span in expected
    ]
    assert told["clip"] == str(clip)
    assert told["nothing_found"] is None
    assert told["duration_s"] == pytest.approx(STREAM.clip.duration_s)
    assert 0 < told["signing_s"] < told["duration_s"]
    assert told["signing_share"] == pytest.approx(told["signing_s"] / told["duration_s"], rel=0.01)
    for number, (each, span) in enumerate(zip(told["sentences"], expected, strict=True), 1):
        path = Path(each["file"])
        assert path == tmp_path / "out" / f"day_{number:03}.npz"
        np.testing.assert_array_equal(load_clip(path).landmarks, span.cut(STREAM.clip).landmarks)
        assert load_provenance(path) == {"cut_from": "day", "start_s": span.start_s, "end_s": span.end_s}


def test_a_table_for_people(clip: Path, tmp_path: Path, ask) -> None:
    told = ask("segment", clip)
    assert "Sentences in day.npz" in told.out
    span = spans_of(STREAM.clip)[0]
    assert f"{span.start_s:.2f}" in told.out
    assert list(tmp_path.iterdir()) == [clip]
    assert f"written: {len(spans_of(STREAM.clip))} clips" in ask("segment", clip, "--out", tmp_path / "o").out


def test_nobody_signs(tmp_path: Path, ask) -> None:
    rest = make_stream(4, 2, StreamPlan(num_sentences=0, fps=12.0, pauses_s=(4.0, 4.1)))
    save_clip(tmp_path / "rest.npz", rest.clip)
    told = ask("segment", tmp_path / "rest.npz", "--out", tmp_path / "out", "--json")
    assert told["sentences"] == []
    assert told["activity"] < 0.3
    assert not (tmp_path / "out").exists()
    assert told["nothing_found"].startswith("no signing found in ")
    assert told["seen"]["num_frames"] == rest.clip.num_frames
    assert told["seen"]["highest_activity"] < told["seen"]["start_threshold"]
    assert told["seen"]["activity"]["mean"] == told["activity"]


def test_a_person_reads_why_nothing_was_found(tmp_path: Path, ask) -> None:
    rest = make_stream(4, 2, StreamPlan(num_sentences=0, fps=12.0, pauses_s=(4.0, 4.1)))
    save_clip(tmp_path / "rest.npz", rest.clip)
    told = ask("segment", tmp_path / "rest.npz").out
    assert told.startswith("rest.npz: no signing found in ")
    assert f"of {rest.clip.num_frames} frames" in told
    assert "starts a sentence" in told
    assert "Sentences in" not in told


def test_other_settings_are_used(clip: Path, tmp_path: Path, ask) -> None:
    shipped = shipped_settings()
    deaf = shipped.model_copy(update={"config": shipped.config.model_copy(update={"least_mean": 0.9999})})
    deaf.save(tmp_path / "deaf.json")
    assert ask("segment", clip, "--settings", tmp_path / "deaf.json", "--json")["sentences"] == []


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [("none.npz", None, "none.npz"), ("bad.npz", b"no archive", "bad.npz"), ("bad.txt", b"words", "bad.txt")],
)
def test_what_is_no_clip_is_one_line(name, content, said, tmp_path: Path, ask) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    told = ask("segment", tmp_path / name, code=2)
    assert said in told.err
    assert len(told.err.strip().splitlines()) == 1


def test_hostile_settings_are_one_line(clip: Path, tmp_path: Path, ask) -> None:
    (tmp_path / "bad.json").write_text(json.dumps(shipped_settings().model_dump(mode="json") | {"format_version": 9}))
    told = ask("segment", clip, "--settings", tmp_path / "bad.json", code=2)
    assert "bad.json: no settings of a segmenter (format_version" in told.err
    assert len(told.err.strip().splitlines()) == 1


# --- fit-segmenter ------------------------------------------------------------------------------------------------


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Two signers with a dozen sentences and a rest each, and a clip that is damaged."""
    records = []
    for number, signer in enumerate("AB"):
        stream = make_stream(20 + number, number, StreamPlan(num_sentences=12, fps=12.0, single=0.0))
        rest = make_stream(20 + number, number, StreamPlan(num_sentences=0, fps=12.0, pauses_s=(4.0, 4.1)))
        clips = [*sentence_clips(stream), rest.clip]
        for i, clip in enumerate(clips):
            records.append(written(tmp_path / "clips" / f"{i}{signer}.npz", clip, signer, is_idle=i == len(clips) - 1))
    records[3].feature_path.write_bytes(b"damaged")
    write_manifest(tmp_path, records)
    return tmp_path


def written(path: Path, clip: LandmarkClip, signer: str, is_idle: bool) -> ClipRecord:
    clip = replace(clip, timestamps_s=clip.timestamps_s - clip.timestamps_s[0])
    save_clip(path, clip)
    numbers = describe_clip(clip)
    text = "" if is_idle else f"Sentence {path.stem[:-1]}"
    return ClipRecord(
        clip_id=path.stem, video_file=f"{path.stem}.mp4", feature_path=path, sentence_id=path.stem[:-1], sentence=text,
        category="test", signer_id=signer, variations=(text,) if text else (), num_frames=numbers.num_frames,
        fps=12.0, motion_mean=numbers.motion_mean, motion_p95=numbers.motion_p95,
        mean_visibility=numbers.mean_visibility, is_idle=is_idle, session="",
    )  # fmt: skip


@pytest.mark.slow
def test_a_fit_on_ones_own_clips_is_measured_on_the_signer_left_out(data: Path, tmp_path: Path, ask) -> None:
    out = tmp_path / "numbers.json"
    told = ask("fit-segmenter", data, "--test-signer", "B", "--out", out, "--json")
    assert told["f1_of_the_fit"] > 0.8
    assert told["f1_of_B"] > 0.5
    assert [problem["kind"] for problem in told["left_out"]] == ["bad_clip"]
    settings = SegmenterSettings.load(out)
    assert settings.fitted_by == "signtalk fit-segmenter, 15 streams of 1 signers"
    save_clip(tmp_path / "day.npz", STREAM.clip)
    assert ask("segment", tmp_path / "day.npz", "--settings", out, "--json")["sentences"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--test-signer", "Z"), "--test-signer Z: signers here are A, B"),
        (("--test-signer", "A", "--test-signer", "B"), "--test-signer A, B: signers here are A, B"),
    ],
)
def test_signers_that_leave_nothing_to_fit_are_refused(data: Path, arguments, said, ask) -> None:
    told = ask("fit-segmenter", data, "--out", data / "x.json", *arguments, code=2)
    assert said in " ".join(told.err.split())
    assert not (data / "x.json").exists()


def test_a_signer_left_out_whose_clips_are_all_damaged_is_told(data: Path, ask) -> None:
    for path in (data / "clips").glob("*B.npz"):
        path.write_bytes(b"damaged")
    told = ask("fit-segmenter", data, "--out", data / "x.json", "--test-signer", "B", code=2)
    assert "--test-signer B: none of the signer's clips can be read" in " ".join(told.err.split())
    assert not (data / "x.json").exists()
