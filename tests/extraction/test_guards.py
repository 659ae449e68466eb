import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from made.videos import WORKER, signing, write_video
from signtalk.errors import DataError, SignTalkError
from signtalk.extraction.clip import ExtractionConfig
from signtalk.extraction.guards import close_guards, end_with, extract_guarded, landmarker_name
from signtalk.extraction.worker import GuardConfig, Task

GUARD = GuardConfig(command=(sys.executable, str(WORKER)), stall_limit_s=20)


def a_task(folder):
    return Task("1A", write_video(folder / "1A.mp4", signing(40)), folder / "1A.npz")


def test_a_worker_with_another_landmarker_or_without_the_video_is_told(tmp_path):
    task, config = a_task(tmp_path), ExtractionConfig()
    name = landmarker_name(GUARD, config)
    assert extract_guarded(task, GUARD, config, name).kind == ""
    with pytest.raises(SignTalkError, match=r"its landmarker is red squares 1 0+, another worker's is other"):
        extract_guarded(task, GUARD, config, "other")
    gone = Task("1A", tmp_path / "none.mp4", tmp_path / "1A.npz")
    assert extract_guarded(gone, GUARD, config, name).kind == "not_found"
    close_guards()


def test_a_machine_that_does_not_see_the_data_folder_is_told(tmp_path):
    task = Task("1A", a_task(tmp_path).video, tmp_path / "elsewhere" / "1A.npz")
    with pytest.raises(DataError, match="all machines must see it"):
        extract_guarded(task, GUARD, ExtractionConfig(), "any")


def test_a_thread_whose_run_has_ended_starts_no_child(tmp_path):
    task, config, ended = a_task(tmp_path), ExtractionConfig(), threading.Event()
    with ThreadPoolExecutor(1, initializer=end_with, initargs=(ended,)) as executor:
        name = executor.submit(landmarker_name, GUARD, config).result()
        close_guards()
        ended.set()  # as Ctrl-C does between a thread's taking a video and its starting a child
        with pytest.raises(SignTalkError, match="extraction was ended"):
            executor.submit(extract_guarded, task, GUARD, config, name).result()
    assert not task.clip_path.exists()
