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
from signtalk.data.manifest import clip_of_record, load_manifest
from signtalk.errors import DataError
from signtalk.evaluation.perturbations import part
from signtalk.landmarks.clip import LandmarkClip
from signtalk.synthetic.dataset import SyntheticConfig, generate_clips


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


def test_every_kind_survives_the_shortest_clip(clip: LandmarkClip) -> None:
    frame = part(clip, 0, 0)
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
    assert clip_of_record(found.records[0]).fps == pytest.approx(20.0)
    assert suites.describe(suites.Suite("words", "")) == (4, 1)
    assert suites.describe(suites.Suite("words", "", perturbed=True)) == (40, 1)
    with pytest.raises(DataError, match="no set 'other'"):
        list(source_clips("other"))
