"""From a real video to an answer, where real videos and a model bundle are there; on made-up ones otherwise."""

import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import signtalk
from made.videos import WORKER, signing, write_video
from made.warping import dtw_distances
from signtalk.cli.main import app
from signtalk.errors import SignTalkError
from signtalk.extraction.clip import ExtractionConfig
from signtalk.extraction.inputs import plan_extraction
from signtalk.extraction.reader import ClipReader
from signtalk.extraction.run import RunOptions, extract_videos
from signtalk.extraction.worker import GuardConfig, GuardedExtractor
from signtalk.landmarks.clip import LandmarkClip, load_clip
from signtalk.landmarks.features import FeatureConfig, extract_features
from signtalk.segmentation.seen import sentences_of

SHARED = Path(__file__).resolve().parents[3] / "shared"
VIDEOS = Path(os.environ.get("SIGNTALK_DATA", SHARED / "data")) / "videos"


@pytest.fixture
def real_guard(monkeypatch):
    """The settings of the real worker; skipped where it cannot start."""
    if "SIGNTALK_MODELS" not in os.environ:
        monkeypatch.setenv("SIGNTALK_MODELS", str(SHARED / "models"))
    if not VIDEOS.is_dir():
        pytest.skip(f"no {VIDEOS}; SIGNTALK_DATA names the folder of the real clips")
    guard = GuardedExtractor(GuardConfig(), ExtractionConfig())
    try:
        guard.start()
    except SignTalkError as error:
        pytest.skip(str(error))
    finally:
        guard.close()
    return GuardConfig()


def test_a_made_up_video_is_answered(small_run, tmp_path):
    from signtalk.bundle.bundle import open_bundle

    video = write_video(tmp_path / "a.mp4", signing(60))
    guard = GuardConfig(command=(sys.executable, str(WORKER)))
    with ClipReader(guard=guard) as reader, open_bundle(small_run.bundle) as unpacked:
        answer = unpacked.recognizer.recognize([reader.read(video)])[0]
    assert answer.candidates and 0 <= answer.confidence <= 1


@pytest.mark.real
@pytest.mark.slow
def test_a_real_video_is_answered(small_run, real_guard):
    command = ["recognize", str(VIDEOS / "isl_Hello.mp4"), "--bundle", str(small_run.bundle), "--json"]
    done = CliRunner().invoke(app, command, catch_exceptions=False)
    assert done.exit_code == 0
    answer = next(iter(json.loads(done.stdout).values()))
    assert answer["candidates"]


@pytest.mark.real
@pytest.mark.slow
def test_a_sentence_is_enrolled_from_a_real_video(real_guard, tmp_path):
    place = ["--bundle", "base", "--index", str(tmp_path / "mine"), "--json"]
    for name in ("Hello", "Fever"):
        command = ["enroll", name, str(VIDEOS / f"isl_{name}.mp4"), *place]
        assert CliRunner().invoke(app, command, catch_exceptions=False).exit_code == 0
    done = CliRunner().invoke(app, ["recognize", str(VIDEOS / "isl_Hello.mp4"), *place], catch_exceptions=False)
    (answer,) = json.loads(done.stdout).values()
    assert [each["sentence"] for each in answer["candidates"]] == ["Hello", "Fever"]


@pytest.mark.real
@pytest.mark.slow
def test_a_greeting_is_found_as_filmed_and_in_most_rounds_by_a_slow_camera(real_guard, tmp_path):
    """A hand raised for a second by somebody whose hands else lie in each other; 4.5 pictures a second."""
    with ClipReader(guard=real_guard, config=ExtractionConfig(trim=False)) as reader:
        clip = reader.read(VIDEOS / "isl_Hello.mp4")
    assert len(sentences_of(clip)) == 1
    assert [span.start_s for span in signtalk.segment(VIDEOS / "isl_Hello.mp4")] == [sentences_of(clip)[0].start_s]
    still = np.repeat(clip.landmarks[:1], 30, axis=0)  # of the second before and after
    landmarks = np.concatenate([still, clip.landmarks, still])
    length = len(landmarks) / clip.fps
    rounds_found = 0
    for seed in range(4):
        rng = np.random.default_rng(seed)
        times = np.cumsum(rng.uniform(2 / 3, 4 / 3, size=int(4.5 * 4 * length)) / 4.5)
        times = times[times < 4 * length]
        watched = landmarks[(times % length * clip.fps).astype(int)]
        unseen = np.full((len(times), clip.visibility.shape[1]), np.nan, dtype=np.float32)
        spans = sentences_of(LandmarkClip(watched, unseen, times, clip.aspect))
        rounds = [(number * length, (number + 1) * length) for number in range(4)]
        rounds_found += sum(any(span.start_s < end and span.end_s > start for span in spans) for start, end in rounds)
    assert rounds_found >= 10


@pytest.mark.real
@pytest.mark.slow
def test_hands_are_found_in_signing_frames_and_takes_of_a_sentence_are_alike(real_guard, tmp_path):
    (tmp_path / "videos").mkdir()
    for name in ("isl_Hello.mp4", "isl_Key.mp4", "tsl_SEQ01_C_01.mp4", "tsl_SEQ01_C_04.mp4"):
        (tmp_path / "videos" / name).symlink_to(VIDEOS / name)
    result = extract_videos(plan_extraction(tmp_path / "videos"), RunOptions(tmp_path / "out", guard=real_guard), 2)
    assert len(result.clips) == 4 and result.failed == ()
    shares = {clip.job.clip_id: clip.quality.hand_in_signing for clip in result.clips}
    assert all(share >= 0.9 for name, share in shares.items() if name.startswith("isl_"))
    config = FeatureConfig(num_frames=64, num_differences=0)
    frames = [extract_features(load_clip(clip.clip_path), config).features for clip in result.clips]
    distances = dtw_distances(frames[3], np.stack(frames[:3]))
    assert int(np.argmin(distances.normalised)) == 2
