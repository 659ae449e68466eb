import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

import signtalk
from made.points import assert_same_points, made_clip
from made.videos import WORKER, signing, write_video
from signtalk.data.formats import FORMATS
from signtalk.errors import ClipError, ConfigError, MissingExtraError, SignTalkError
from signtalk.extraction.clip import ExtractionConfig
from signtalk.extraction.reader import ClipReader, clips_in_folder, read_clip
from signtalk.extraction.worker import GuardConfig
from signtalk.files import save_array
from signtalk.landmarks.clip import save_clip
from signtalk.landmarks.legacy_rows import to_prototype_rows

GUARD = GuardConfig(command=(sys.executable, str(WORKER)))
NO_GUARD = GuardConfig(command=("/nowhere/at/all",))
NEEDS = {"pose": "pose_format", "parquet": "pyarrow"}


@pytest.mark.parametrize("upper", [False, True], ids=["lower", "UPPER"])
@pytest.mark.parametrize("form", FORMATS.values(), ids=FORMATS)
def test_a_clip_of_another_tool_is_read_as_an_import_reads_it(form, upper, tmp_path):
    if form.name in NEEDS:
        pytest.importorskip(NEEDS[form.name])
    clip = made_clip(fps=20)
    path = tmp_path / f"clip{form.suffix.upper() if upper else form.suffix}"
    form.save(path, clip)
    with ClipReader(fps=20, guard=NO_GUARD) as reader:
        assert_same_points(reader.read(path), clip, tolerance=3e-7)
        assert_same_points(reader.read(str(path)), form.load(path, 20))


def test_own_files_and_those_of_the_prototype_are_read(tmp_path):
    clip = made_clip()
    save_clip(tmp_path / "a.NPZ", clip)
    assert_same_points(read_clip(tmp_path / "a.NPZ"), clip)
    save_array(tmp_path / "a.npy", to_prototype_rows(clip, alpha=0.5))
    rows = read_clip(str(tmp_path / "a.npy"), fps=10, smoothing_alpha=0.5)
    assert rows.fps == pytest.approx(10) and rows.prototype_rows is not None
    np.testing.assert_array_equal(np.isnan(rows.landmarks[2]), True)


def test_a_reader_takes_videos_and_landmark_files_alike(tmp_path):
    with ClipReader(guard=GUARD) as reader:
        video = write_video(tmp_path / "a.mp4", signing(40))
        clip = reader.read(video)
        save_clip(tmp_path / "a.npz", clip)
        again = reader.read(tmp_path / "a.npz")
        assert np.array_equal(clip.landmarks, again.landmarks, equal_nan=True)
        shutil.copy(video, tmp_path / "b.MP4")
        assert reader.read(str(tmp_path / "b.MP4")).num_frames == clip.num_frames
        (tmp_path / "bad.mp4").write_bytes(b"no video")
        with pytest.raises(ClipError, match=r"^\S+none\.mp4: no such file"):
            reader.read(tmp_path / "none.mp4")
        with pytest.raises(ClipError, match="not a readable video"):
            reader.read(tmp_path / "bad.mp4")


def test_a_reader_of_landmark_files_starts_nothing(tmp_path):
    with ClipReader(guard=NO_GUARD) as reader:
        with pytest.raises(ClipError, match="no such file"):
            reader.read(tmp_path / "a.npz")
        with pytest.raises(SignTalkError, match="cannot be started"):
            reader.read(write_video(tmp_path / "a.mp4", signing(2)))


@pytest.mark.parametrize("name", ["a.docx", "a", "a.unheard"])
def test_what_is_not_read_lists_what_is(name, tmp_path):
    (tmp_path / name).write_bytes(b"some bytes")
    with pytest.raises(
        ClipError, match=r"unknown kind of file.* \.npz, \.npy, \.pose, \.json, \.parquet, .*\.mp4.*MP_Data"
    ):
        read_clip(tmp_path / name)
    with pytest.raises(ClipError, match="no such file"):
        read_clip(tmp_path / "none" / name)


def test_a_folder_of_several_clips_is_refused_what_to_do(tmp_path):
    clip = made_clip()
    FORMATS["mp-data"].save(tmp_path / "hello" / "0", clip)
    for folder in (tmp_path, tmp_path / "hello"):
        with pytest.raises(ClipError, match=r"give one clip.*signtalk import"):
            read_clip(folder)
    assert read_clip(tmp_path / "hello" / "0").num_frames == clip.num_frames


@pytest.mark.parametrize("column", [True, False], ids=["sequence_id", "no sequence_id"])
def test_a_file_of_several_clips_is_refused_what_to_do(column, tmp_path):
    arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    FORMATS["parquet"].save(tmp_path / "one.parquet", made_clip())
    one = parquet.read_table(tmp_path / "one.parquet")
    numbered = [one.append_column("sequence_id", arrow.array([i] * len(one))) for i in (7, 8)]
    tables = numbered if column else [one, one]
    parquet.write_table(arrow.concat_tables(tables), tmp_path / "two.parquet")
    with pytest.raises(ClipError, match=r"two\.parquet: .*a file of its own.*signtalk import"):
        read_clip(tmp_path / "two.parquet")


@pytest.mark.parametrize("of_frames", [True, False], ids=["lists of frames", "objects"])
def test_a_json_file_of_several_clips_is_told_what_to_do(of_frames, tmp_path):
    FORMATS["json"].save(tmp_path / "one.json", made_clip())
    one = json.loads((tmp_path / "one.json").read_text(encoding="utf-8"))
    clips = [one["frames"] if of_frames else one] * 3
    (tmp_path / "three.json").write_text(json.dumps(clips), encoding="utf-8")
    with pytest.raises(ClipError, match=r"three\.json: 3 clips in one file.*signtalk import"):
        read_clip(tmp_path / "three.json")
    (tmp_path / "frames.json").write_text(json.dumps(one["frames"]), encoding="utf-8")
    assert read_clip(tmp_path / "frames.json").num_frames == made_clip().num_frames


@pytest.mark.parametrize(
    ("name", "package", "extra"), [("a.pose", "pose_format", "interchange"), ("a.parquet", "pyarrow", "interchange")]
)
def test_a_missing_package_is_refused_with_its_extra(name, package, extra, tmp_path, monkeypatch):
    (tmp_path / name).write_bytes(b"some bytes")
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtraError, match=rf"signtalk\[{extra}\]"):
        read_clip(tmp_path / name)


def test_without_the_video_library_a_video_names_the_extra(tmp_path):
    code = "import sys; sys.modules['av'] = None; from signtalk.extraction import worker; worker.serve_tasks(lambda: 0)"
    video = write_video(tmp_path / "a.mp4", signing(2))
    refused = pytest.raises(MissingExtraError, match=r"PyAV: pip install 'signtalk\[extract\]'")
    with ClipReader(guard=GuardConfig(command=(sys.executable, "-c", code))) as reader, refused:
        reader.read(video)


@pytest.mark.parametrize("options", [{"fps": 0.0}, {"fps": float("nan")}, {"smoothing_alpha": 0.0}])
def test_settings_out_of_range_are_refused(options, tmp_path: Path):
    with pytest.raises(ConfigError, match=r"expected"):
        read_clip(tmp_path / "a.npy", **options)


def test_a_repetition_in_one_file_or_with_names_of_frames_is_read_as_one_clip(tmp_path):
    clip = made_clip(fps=20)
    FORMATS["mp-data"].save(tmp_path / "0", clip)
    rows = np.stack([np.load(tmp_path / "0" / f"{t}.npy") for t in range(clip.num_frames)])
    np.save(tmp_path / "whole.NPY", rows)
    (tmp_path / "whole.NPY.npy").rename(tmp_path / "whole.NPY")
    (tmp_path / "named").mkdir()
    for t, row in enumerate(rows):
        np.save(tmp_path / "named" / f"frame_{t}.npy", row)
    with ClipReader(fps=20, guard=NO_GUARD) as reader:
        for path in (tmp_path / "whole.NPY", tmp_path / "named"):
            assert_same_points(reader.read(path), reader.read(tmp_path / "0"))
    assert clips_in_folder(tmp_path / "named") == () and clips_in_folder(tmp_path) == (tmp_path / "whole.NPY",)


@pytest.mark.parametrize(
    ("name", "advice"),
    [("a.pkl", "a pickle, which is never opened"), ("a.csv", "a table; save the numbers"), ("a.zip", "unpack it"),
     ("a.jpg", "make a video of them"), ("a.bvh", "motion capture")],
)  # fmt: skip
def test_what_is_known_and_not_read_is_told_what_to_do(name, advice, tmp_path):
    (tmp_path / "clips").mkdir()
    (tmp_path / "clips" / name).write_bytes(b"some bytes")
    with pytest.raises(ClipError, match=advice):
        read_clip(tmp_path / "clips" / name)
    with pytest.raises(ClipError, match=f"it holds 1 .*{advice}"):
        read_clip(tmp_path / "clips")


def test_a_folder_of_openposes_frames_is_one_clip(tmp_path):
    body = [number for point in range(25) for number in (500 + 10 * point, 300 + point, 0.8)]
    for number in range(3):
        path = tmp_path / "clip" / f"v_{number:012}_keypoints.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps({"people": [{"pose_keypoints_2d": body}]}), encoding="utf-8")
    assert clips_in_folder(tmp_path / "clip") == ()
    clip = read_clip(tmp_path / "clip", fps=10)
    assert (clip.num_frames, clip.fps) == (3, pytest.approx(10))


def test_a_film_is_read_whole_where_that_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    configs: list[ExtractionConfig] = []

    class Noting:
        def __init__(self, guard: GuardConfig, config: ExtractionConfig) -> None:
            configs.append(config)

        def close(self) -> None:
            pass

    monkeypatch.setattr("signtalk.extraction.reader.GuardedExtractor", Noting)
    save_clip(tmp_path / "a.npz", made_clip())
    read_clip(tmp_path / "a.npz")
    read_clip(tmp_path / "a.npz", trim=False)
    signtalk.segment(tmp_path / "a.npz")
    assert [config.trim for config in configs] == [True, False, False]
