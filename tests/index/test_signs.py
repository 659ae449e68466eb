from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from signtalk.data.manifest import load_manifest
from signtalk.errors import ArtifactError
from signtalk.files import load_arrays, save_arrays
from signtalk.index.encoded import Encoded
from signtalk.index.files import IndexEntry
from signtalk.index.index import SentenceIndex
from signtalk.index.signs import MAX_FPS, MAX_FRAMES_OF_CLIP, MAX_LIBRARY_FRAMES, SIGN_NAMES, SignLibrary, collect_signs
from signtalk.landmarks.clip import HOLISTIC, POSE_NAMES, LandmarkClip
from signtalk.landmarks.drawing import SkeletonPanel
from signtalk.synthetic.dataset import SyntheticConfig, generate_clips, write_dataset

DATA = SyntheticConfig(num_sentences=3, num_signers=2, clips_per_sentence=(1, 2), num_idle=1)


def clip_of(num_frames: int, fps: float, seed: int = 0) -> LandmarkClip:
    rng = np.random.default_rng(seed)
    return LandmarkClip(
        landmarks=rng.random((num_frames, len(HOLISTIC.names), 3)).astype(np.float32),
        visibility=np.full((num_frames, len(POSE_NAMES)), 0.9, dtype=np.float32),
        timestamps_s=np.arange(num_frames) / fps + 3.0,
        aspect=16 / 9,
    )


def test_a_clip_comes_back_as_near_as_a_pixel(tmp_path: Path) -> None:
    clip = next(generate_clips(DATA)).clip
    SignLibrary.of([("7", clip)]).save(tmp_path / "signs.npz")
    library = SignLibrary.load(tmp_path / "signs.npz")
    assert library.sentence_ids == ("7",)
    assert len(library) == 1
    clip_again = library.clip("7")
    assert clip_again is not None
    assert library.clip("8") is None
    assert clip_again.aspect == pytest.approx(clip.aspect)
    times = clip.timestamps_s - clip.timestamps_s[0]
    frames = [int(np.abs(times - time).argmin()) for time in clip_again.timestamps_s]
    assert clip_again.fps <= MAX_FPS * 1.05
    assert clip_again.duration_s == pytest.approx(clip.duration_s, abs=0.15)
    kept = HOLISTIC.positions(SIGN_NAMES)
    truth = clip.landmarks[frames][:, kept, :2].copy()
    hidden = clip.visibility[frames][:, :25] < 0.5
    truth[:, :25][hidden] = np.nan
    inside = np.where(np.isnan(truth), truth, np.clip(truth, -1, 2))
    np.testing.assert_allclose(clip_again.landmarks[:, kept, :2], inside, atol=3e-5)
    left_out = np.setdiff1d(np.arange(len(HOLISTIC.names)), kept)
    assert np.isnan(clip_again.landmarks[:, left_out]).all()
    assert (tmp_path / "signs.npz").stat().st_size < 100_000
    SkeletonPanel(clip_again).picture(0.0)


@pytest.mark.parametrize(
    ("num_frames", "fps"), [(1, 30.0), (2, 30.0), (7, 10.0), (90, 30.0), (900, 30.0), (3000, 1000.0)]
)
def test_frames_are_thinned_evenly_and_never_made_up(num_frames: int, fps: float) -> None:
    library = SignLibrary.of([("1", clip_of(num_frames, fps))])
    thinned = library.clip("1")
    assert thinned is not None
    assert 1 <= thinned.num_frames <= min(num_frames, MAX_FRAMES_OF_CLIP, round(num_frames / fps * MAX_FPS) + 1)
    assert thinned.timestamps_s[0] == 0
    if num_frames > 1 and thinned.num_frames > 1:
        assert thinned.timestamps_s[-1] == pytest.approx((num_frames - 1) / fps, abs=1e-3)
        assert np.diff(thinned.timestamps_s).max() < 2 * np.median(np.diff(thinned.timestamps_s)) + 1e-9


def test_frames_that_come_almost_at_once_are_shown_once() -> None:
    clip = clip_of(40, 30.0)
    crowded = np.sort(np.concatenate([np.linspace(0, 2e-4, 20), np.linspace(1, 2, 20)]))
    thinned = SignLibrary.of([("1", replace(clip, timestamps_s=crowded))]).clip("1")
    assert thinned is not None
    assert (np.diff(thinned.timestamps_s) > 0).all()


def test_what_lies_outside_the_picture_is_put_at_a_border() -> None:
    clip = clip_of(1, 30.0)
    clip.landmarks[0, HOLISTIC.index["nose"]] = (-3.0, 9.0, 0.0)
    clip.landmarks[0, HOLISTIC.index["left_wrist"]] = np.nan
    kept = SignLibrary.of([("1", clip)]).clip("1")
    assert kept is not None
    np.testing.assert_allclose(kept.landmarks[0, HOLISTIC.index["nose"]], (-1, 2, 0))
    assert np.isnan(kept.landmarks[0, HOLISTIC.index["left_wrist"]]).all()


@pytest.mark.slow
def test_the_library_is_bounded() -> None:
    clip = clip_of(MAX_FRAMES_OF_CLIP, MAX_FPS)
    most = MAX_LIBRARY_FRAMES // MAX_FRAMES_OF_CLIP
    library = SignLibrary.of((str(number), clip) for number in range(most + 3))
    assert len(library) == most
    assert library.points.nbytes < 80e6


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format_version": np.array(9)}, "signs of format 9; this SignTalk reads 1"),
        ({"format_version": None}, "signs of format None"),
        ({"landmark_names": np.array(["nose"])}, "other landmarks"),
        ({"starts": np.array([0, 0, 2], dtype=np.int32)}, "cut the frames"),
        ({"starts": np.array([1, 2, 3], dtype=np.int32)}, "cut the frames"),
        ({"starts": np.array([0, 9, 2], dtype=np.int32)}, "cut the frames"),
        ({"sentence_ids": np.array(["1", "1"])}, "twice"),
        ({"times_ms": np.zeros(2, dtype=np.int32), "starts": np.array([0, 2], dtype=np.int32),
          "sentence_ids": np.array(["1"]), "aspects": np.zeros(1, dtype=np.float32)}, "do not increase"),
        ({"points": np.zeros((2, 96, 2), dtype=np.float32)}, "float32"),
        ({"points": None}, "damaged"),
    ],
)  # fmt: skip
def test_damage_is_told(changes: dict[str, np.ndarray | None], message: str, tmp_path: Path) -> None:
    path = tmp_path / "signs.npz"
    SignLibrary.of([("1", clip_of(1, 30.0)), ("2", clip_of(1, 30.0))]).save(path)
    arrays = {**load_arrays(path), **changes}
    save_arrays(path, {name: array for name, array in arrays.items() if array is not None})
    with pytest.raises(ArtifactError, match=message):
        SignLibrary.load(path)


def index_of(entries: list[IndexEntry]) -> SentenceIndex:
    num = len(entries)
    unit = np.eye(num, dtype=np.float32)
    frames = np.zeros((num, 2, 3), dtype=np.float32)
    encoded = Encoded(unit, frames, frames, np.ones((num, 2), dtype=bool), np.ones(num, np.float32), frames[..., :0])
    return SentenceIndex.build(encoded, entries, "model")


def test_the_clip_that_names_a_sentence_is_shown_and_what_cannot_be_is_told(tmp_path: Path) -> None:
    write_dataset(tmp_path / "data", DATA)
    manifest = load_manifest(tmp_path / "data")
    signed = [record for record in manifest.records if not record.is_idle]
    entries = [IndexEntry.from_record(record) for record in signed]
    index = index_of([*entries, replace(entries[0], clip_id="gone", text_key="gone", sentence_id="99")])
    library, problems = collect_signs(index, manifest)
    assert set(library.sentence_ids) == {record.sentence_id for record in signed}
    assert [(problem.clip_id, problem.kind) for problem in problems] == [("gone", "no_sign")]
    damaged = signed[0]
    damaged.feature_path.write_bytes(b"no clip")
    library, problems = collect_signs(index_of(entries), manifest)
    assert damaged.sentence_id not in library.sentence_ids
    assert [problem.clip_id for problem in problems] == [damaged.clip_id]


def test_two_texts_under_one_id_show_the_first(tmp_path: Path) -> None:
    write_dataset(tmp_path / "data", DATA)
    manifest = load_manifest(tmp_path / "data")
    first, second = (IndexEntry.from_record(manifest.records[i]) for i in (0, len(manifest.records) - 2))
    assert first.text_key != second.text_key
    library, problems = collect_signs(index_of([first, replace(second, sentence_id=first.sentence_id)]), manifest)
    assert len(library) == 1
    assert "stands for another text" in problems[0].message


def test_an_empty_library_can_be_read(tmp_path: Path) -> None:
    SignLibrary.of([]).save(tmp_path / "signs.npz")
    assert len(SignLibrary.load(tmp_path / "signs.npz")) == 0
