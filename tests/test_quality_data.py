"""Where the benchmark's clips come from: the shared sets' reader, and perturbed copies; on made-up clips alone."""

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import perturbations
import resting
import suites
from raw_clips import SourceClip, source_clips, write_clips
from signtalk.errors import DataError
from signtalk.landmarks import PARTS, LandmarkClip
from signtalk.manifest import load_manifest, read_clip
from signtalk.synthetic import SyntheticConfig, generate_clips


@pytest.fixture(scope="module")
def clip() -> LandmarkClip:
    return next(generate_clips(SyntheticConfig(num_sentences=1, num_signers=2, clips_per_sentence=(2, 2)))).clip


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


# --- clips at rest


def moving_then_still(clip: LandmarkClip) -> LandmarkClip:
    """Wrists that circle for two seconds, then stand still for one and a half."""
    points = np.nan_to_num(clip.landmarks[:1]).repeat(88, axis=0)
    wave = np.where(np.arange(88) < 50, 0.1 * np.sin(np.arange(88)), 0.0).astype(np.float32)
    points[:, [15, 16], 0] += wave[:, None]
    return LandmarkClip(points, np.ones((88, 33), dtype=np.float32), np.arange(88) / 25)


def test_at_rest_is_the_stillest_second_to_and_fro(clip: LandmarkClip) -> None:
    source = moving_then_still(clip)
    found = resting.at_rest(source, rng())
    assert 2 <= found.duration_s <= 4
    assert np.ptp(found.landmarks, axis=0).max() == 0
    jumps = np.abs(np.diff(resting.at_rest(clip, rng()).landmarks, axis=0))
    own = np.abs(np.diff(clip.landmarks, axis=0))
    assert np.nanmax(jumps) <= np.nanmax(own) + 1e-6  # no seam where it turns


@pytest.mark.parametrize("num_frames", [1, 2])
def test_a_short_clip_rests_as_a_whole(clip: LandmarkClip, num_frames: int) -> None:
    cut = LandmarkClip(clip.landmarks[:num_frames], clip.visibility[:num_frames], clip.timestamps_s[:num_frames])
    found = resting.at_rest(cut, rng())
    assert found.num_frames > 10
    assert np.isin(np.nan_to_num(found.landmarks), np.nan_to_num(cut.landmarks)).all()


def test_each_signer_rests_as_often_as_asked(clip: LandmarkClip) -> None:
    sources = [SourceClip(f"{i}_{who}_1", str(i), f"word {i}", who, "", clip) for i in range(4) for who in "ab"]
    sources[2] = replace(sources[2], clip=moving_then_still(clip))  # the stillest of signer a
    found = list(resting.with_idle(sources, 3))
    assert found[:8] == sources
    (stillest,) = [source for source in found[8:] if source.clip_id == "rest_a_1"]
    assert np.ptp(stillest.clip.landmarks, axis=0).max() == 0
    assert [(source.signer_id, source.is_idle) for source in found[8:]].count(("a", True)) == 3
    assert len({source.clip_id for source in found}) == 14


# --- perturbations


@pytest.mark.parametrize("factor", [0.7, 1.4])
def test_speed_changes_the_length_and_not_the_frame_rate(clip: LandmarkClip, factor: float) -> None:
    found = perturbations.at_speed(clip, factor)
    assert found.num_frames == round(clip.num_frames / factor)
    assert found.fps == pytest.approx(clip.fps)
    np.testing.assert_array_equal(found.landmarks[[0, -1]], clip.landmarks[[0, -1]])
    assert found.visibility.shape == (found.num_frames, 33)


def test_another_frame_rate_keeps_the_duration(clip: LandmarkClip) -> None:
    found = perturbations.at_frame_rate(clip, 12.0)
    assert found.fps == pytest.approx(12.0)
    assert abs(found.duration_s - clip.duration_s) <= 1 / 12 + 1e-6
    half = perturbations.at_frame_rate(clip, clip.fps / 2)
    np.testing.assert_allclose(half.landmarks, clip.landmarks[::2], atol=1e-6)


def test_dropped_frames_leave_the_others_and_their_times(clip: LandmarkClip) -> None:
    found = perturbations.without_frames(clip, 0.3, rng())
    assert found.num_frames == clip.num_frames - round(0.3 * clip.num_frames)
    kept = np.searchsorted(clip.timestamps_s, found.timestamps_s)
    np.testing.assert_array_equal(found.landmarks, clip.landmarks[kept])
    assert found.timestamps_s[0] == 0


def test_one_hand_is_lost_over_one_span(clip: LandmarkClip) -> None:
    whole = replace(clip, landmarks=np.nan_to_num(clip.landmarks))
    found = perturbations.without_hand(whole, 0.5, rng())
    lost = np.isnan(found.landmarks)
    hands = {name: lost[:, PARTS[name]].all(axis=(1, 2)) for name in ("left_hand", "right_hand")}
    gone = [frames for frames in hands.values() if frames.any()]
    assert len(gone) == 1
    where = np.flatnonzero(gone[0])
    assert len(where) == round(0.5 * clip.num_frames) == where[-1] - where[0] + 1
    assert lost.sum() == len(where) * 21 * 3
    assert not np.isnan(whole.landmarks).any()


def test_mirroring_exchanges_sides_and_twice_is_nothing(clip: LandmarkClip) -> None:
    found = perturbations.mirrored(clip)
    expected = clip.landmarks[:, PARTS["left_hand"]].copy()
    expected[..., 0] = 1 - expected[..., 0]
    np.testing.assert_array_equal(found.landmarks[:, PARTS["right_hand"]], expected)
    np.testing.assert_array_equal(found.visibility[:, 15], clip.visibility[:, 16])
    twice = perturbations.mirrored(found)
    np.testing.assert_allclose(twice.landmarks, clip.landmarks, atol=1e-6)
    np.testing.assert_array_equal(twice.visibility, clip.visibility)


def test_noise_is_in_shoulder_widths(clip: LandmarkClip) -> None:
    found = perturbations.with_noise(clip, 0.02, rng())
    width = np.nanmedian(np.linalg.norm(clip.landmarks[:, 11, :2] - clip.landmarks[:, 12, :2], axis=-1))
    assert np.nanstd(found.landmarks - clip.landmarks) == pytest.approx(0.02 * width, rel=0.05)
    np.testing.assert_array_equal(np.isnan(found.landmarks), np.isnan(clip.landmarks))


def test_cropped_ends_are_the_middle(clip: LandmarkClip) -> None:
    found, cut = perturbations.without_ends(clip, 0.1), round(0.1 * clip.num_frames)
    np.testing.assert_array_equal(found.landmarks, clip.landmarks[cut:-cut])


def test_every_kind_survives_the_shortest_clip(clip: LandmarkClip) -> None:
    frame = perturbations._select(clip, np.arange(1))
    for change in [*perturbations.PERTURBATIONS.values(), perturbations.mixed]:
        assert change(frame, rng()).num_frames >= 1


def test_perturbed_copies_are_signers_of_their_own(clip: LandmarkClip) -> None:
    source = SourceClip("1_s01_1", "1", "GOOD DAY", "s01", "d01", clip)
    copies = list(perturbations.perturbed([source]))
    assert copies[0] is source
    assert [copy.signer_id for copy in copies[1:]] == [*perturbations.PERTURBATIONS, "mixed"]
    assert copies[1].clip_id == "1_speed_0.7_1"
    again = list(perturbations.perturbed([source]))
    assert all(np.array_equal(a.clip.landmarks, b.clip.landmarks, True) for a, b in zip(copies, again, strict=True))


# --- the shared clips

SIGNDATA = """
import numpy as np
from dataclasses import dataclass
FPS = 20.0
@dataclass(frozen=True)
class Clip:
    landmarks: np.ndarray
    label: str
    signer: str
    session: str
    rep: int
def load(name):
    if name != "words":
        return np.load(name + ".npz")
    def rows(kind):
        return np.full((6, 540), np.nan if kind == "nothing" else 0.5, np.float32)
    return [Clip(rows(k), k, "s01", d, 1) for d in ("d01", "d02") for k in ("_rest", "follow me", "nothing")]
"""


@pytest.fixture
def shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    (tmp_path / "signdata.py").write_text(SIGNDATA, encoding="utf-8")
    monkeypatch.setenv("SIGNTALK_DATA", str(tmp_path))
    yield tmp_path
    sys.modules.pop("signdata", None)


def test_a_shared_set_becomes_a_data_folder(shared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_clips(shared / "data", source_clips("words", session_as_signer=True), "words")
    found = load_manifest(shared / "data", strict=True)
    assert [(r.clip_id, r.sentence, r.signer_id, r.is_idle) for r in found.records] == [
        ("1_d01_1", "", "d01", True), ("2_d01_1", "Follow me", "d01", False),
        ("1_d02_1", "", "d02", True), ("2_d02_1", "Follow me", "d02", False),
    ]  # fmt: skip
    assert capsys.readouterr().err.count("left out 3_d0") == 2
    assert read_clip(found.records[0]).fps == pytest.approx(20.0)
    assert suites.describe(suites.Suite("words", "")) == (4, 1)
    assert suites.describe(suites.Suite("words", "", perturbed=True)) == (40, 1)
    with pytest.raises(DataError, match="no set 'other'"):
        list(source_clips("other"))
