import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from made.videos import CRASH, HANG, WORKER, signing, write_video
from signtalk.errors import MissingExtraError, SignTalkError
from signtalk.extraction import worker as extraction_worker
from signtalk.extraction.clip import ExtractionConfig
from signtalk.extraction.worker import GuardConfig, GuardedExtractor, Task, TaskOutcome
from signtalk.landmarks.clip import load_clip

COMMAND = (sys.executable, str(WORKER))


@pytest.fixture
def guarded():
    guards = []

    def start(**options):
        guards.append(GuardedExtractor(GuardConfig(command=COMMAND, **options), ExtractionConfig()))
        return guards[-1]

    yield start
    for guard in guards:
        guard.close()


def task(tmp_path, name, frames):
    return Task(name, write_video(tmp_path / f"{name}.mp4", frames), tmp_path / "clips" / f"{name}.npz")


def pid_of(guard):
    return guard.process_id


def test_a_video_is_extracted_in_another_process(tmp_path, guarded):
    guard = guarded()
    outcome = guard.extract(task(tmp_path, "good", signing(40)))
    assert outcome.kind == "" and outcome.numbers.num_frames == load_clip(tmp_path / "clips" / "good.npz").num_frames
    assert TaskOutcome.from_dict(outcome.to_dict()) == outcome
    assert guard.landmarker == "red squares 1"
    child = pid_of(guard)
    assert guard.extract(task(tmp_path, "next", signing(40))).kind == ""
    assert pid_of(guard) == child != os.getpid()


def test_a_bad_video_is_a_reason_and_the_child_goes_on(tmp_path, guarded):
    guard = guarded()
    (tmp_path / "bad.mp4").write_bytes(b"")
    outcome = guard.extract(Task("bad", tmp_path / "bad.mp4", tmp_path / "bad.npz"))
    assert outcome.kind == "unusable" and "empty file" in outcome.message
    assert guard.extract(task(tmp_path, "good", signing(20))).kind == ""


@pytest.mark.slow
def test_a_video_that_crashes_is_set_aside_after_three_tries(tmp_path, guarded):
    guard = guarded()
    outcome = guard.extract(task(tmp_path, "crash", [*signing(5), CRASH]))
    assert outcome.kind == "crashed" and "ended its worker 3 times (signal 9" in outcome.message
    assert guard.extract(task(tmp_path, "good", signing(20))).kind == ""


@pytest.mark.slow
def test_a_video_that_hangs_is_set_aside_in_time(tmp_path, guarded):
    guard = guarded(stall_limit_s=1.5)
    guard.start()
    outcome = guard.extract(task(tmp_path, "hang", [*signing(5), HANG]))  # which hangs for 1,000 seconds
    assert outcome.kind == "time_limit" and "no new frame" in outcome.message
    assert guard.extract(task(tmp_path, "good", signing(20))).kind == ""


def test_a_video_that_takes_too_long_is_set_aside(tmp_path):
    guard = GuardedExtractor(GuardConfig(command=(*COMMAND, "0.1"), time_limit_s=1.5), ExtractionConfig())
    try:
        outcome = guard.extract(task(tmp_path, "long", signing(100)))
        assert outcome.kind == "time_limit" and "not done" in outcome.message
        assert not (tmp_path / "clips" / "long.npz").exists()
    finally:
        guard.close()


def test_a_worker_that_cannot_start_says_why(tmp_path):
    for command, says in (
        ((sys.executable, "-c", "raise SystemExit('no libraries')"), "no libraries"),
        ((str(tmp_path / "none"),), "cannot be started"),
    ):
        guard = GuardedExtractor(GuardConfig(command=command), ExtractionConfig())
        with pytest.raises(SignTalkError, match=says):
            guard.extract(Task("a", tmp_path / "a.mp4", tmp_path / "a.npz"))


def test_setup_errors_of_the_landmarker_come_through(tmp_path):
    code = (
        "from signtalk.extraction.worker import serve_tasks\nfrom signtalk.errors import MissingExtraError\n"
        "def make(): raise MissingExtraError('install it')\nserve_tasks(make)"
    )
    guard = GuardedExtractor(GuardConfig(command=(sys.executable, "-c", code)), ExtractionConfig())
    with pytest.raises(MissingExtraError, match="extraction cannot start: install it"):
        guard.start()


def test_the_child_ends_with_its_guard(tmp_path, guarded):
    guard = guarded()
    guard.start()
    child = pid_of(guard)
    guard.close()
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)


def test_a_closed_guard_never_starts_a_child_again(tmp_path):
    slow = GuardedExtractor(GuardConfig(command=(*COMMAND, "0.1")), ExtractionConfig())
    job = task(tmp_path, "interrupted", signing(100))
    slow.start()
    with ThreadPoolExecutor(1) as executor:
        running = executor.submit(slow.extract, job)
        time.sleep(1.0)
        assert not running.done()
        slow.close()
        with pytest.raises(SignTalkError, match="was ended"):
            running.result(timeout=60)
    assert slow.process_id is None and not job.clip_path.exists()
    with pytest.raises(SignTalkError, match="was ended"):
        slow.start()


def test_a_guard_is_closed_while_its_child_starts():
    guard = GuardedExtractor(GuardConfig(command=(sys.executable, "-c", "input()")), ExtractionConfig())
    with ThreadPoolExecutor(1) as executor:
        starting = executor.submit(guard.start)
        while guard.process_id is None and not starting.done():
            time.sleep(0.01)
        guard.close()
        with pytest.raises(SignTalkError, match="was ended"):
            starting.result(timeout=60)


def stray(then):
    code = f"""
import json, signal, sys, time
signal.alarm(30)  # ends a guard that would wait for ever
def say(text):
    print(text, flush=True)
say("a library says hello")
say("[1]")
say(json.dumps(dict(ready=["stray", "1"])))
clip_id = json.loads(sys.stdin.readline())["clip_id"]
say("{{not json")
{then}
"""
    return GuardConfig(command=(sys.executable, "-c", code), stall_limit_s=1.0)


def test_lines_that_are_no_message_are_skipped(tmp_path):
    then = "say(json.dumps(dict(outcome=dict(clip_id=clip_id, kind='', message='', numbers=None, quality=None))))"
    guard = GuardedExtractor(stray(then), ExtractionConfig())
    try:
        assert guard.extract(Task("a", tmp_path / "a.mp4", tmp_path / "a.npz")) == TaskOutcome("a")
        assert guard.landmarker == "stray"
    finally:
        guard.close()


@pytest.mark.parametrize(
    ("then", "kind"),
    [("time.sleep(600)", "time_limit"), ("sys.stdout.close(); import os; os.close(1); time.sleep(600)", "crashed")],
    ids=["silent", "closed its output"],
)
def test_a_child_that_runs_and_says_nothing_is_not_waited_for(tmp_path, monkeypatch, then, kind):
    monkeypatch.setattr(extraction_worker, "END_LIMIT_S", 0.3)
    guard = GuardedExtractor(stray(then), ExtractionConfig())
    with ThreadPoolExecutor(1) as executor:
        try:
            running = executor.submit(guard.extract, Task("a", tmp_path / "a.mp4", tmp_path / "a.npz"))
            assert running.result(timeout=60).kind == kind
        finally:
            guard.close()
