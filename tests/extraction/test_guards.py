import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from made.videos import HANG, WORKER, signing, write_video
from signtalk.errors import DataError, SignTalkError
from signtalk.extraction.clip import ExtractionConfig
from signtalk.extraction.guards import Guards, Orders
from signtalk.extraction.worker import GuardConfig, Task

ORDERS = Orders(GuardConfig(command=(sys.executable, str(WORKER)), stall_limit_s=20), ExtractionConfig())


@pytest.fixture
def guards():
    own = Guards()
    yield own
    own.close()


def a_task(folder, frames=None):
    folder.mkdir(exist_ok=True)
    return Task("1A", write_video(folder / "1A.mp4", frames or signing(40)), folder / "1A.npz")


def test_a_worker_with_another_landmarker_or_without_the_video_is_told(guards, tmp_path):
    task = a_task(tmp_path)
    name = guards.landmarker_name(ORDERS)
    assert guards.extract(task, ORDERS, name).kind == ""
    with pytest.raises(SignTalkError, match=r"its landmarker is red squares 1 0+, another worker's is other"):
        guards.extract(task, ORDERS, "other")
    gone = Task("1A", tmp_path / "none.mp4", tmp_path / "1A.npz")
    assert guards.extract(gone, ORDERS, name).kind == "not_found"


def test_a_machine_that_does_not_see_the_data_folder_is_told(guards, tmp_path):
    task = Task("1A", a_task(tmp_path).video, tmp_path / "elsewhere" / "1A.npz")
    with pytest.raises(DataError, match="all machines must see it"):
        guards.extract(task, ORDERS, "any")


def test_a_thread_starts_no_child_once_the_guards_are_closed(guards, tmp_path):
    task = a_task(tmp_path)
    with ThreadPoolExecutor(1) as executor:
        name = executor.submit(guards.landmarker_name, ORDERS).result()
        guards.close()  # as Ctrl-C does between a thread's taking a video and its starting a child
        with pytest.raises(SignTalkError, match="extraction was ended"):
            executor.submit(guards.extract, task, ORDERS, name).result()
    assert not task.clip_path.exists()


def test_closing_one_pools_guards_leaves_anothers_at_work(guards, tmp_path):
    other = Guards()
    name = other.landmarker_name(ORDERS)
    guards.landmarker_name(ORDERS)  # in the same thread: two pools, two children
    guards.close()
    assert other.extract(a_task(tmp_path), ORDERS, name).kind == ""
    other.close()


@pytest.mark.slow
def test_closing_the_idle_ones_leaves_a_child_that_extracts(guards, tmp_path):
    task = a_task(tmp_path / "slow", signing(60))
    slow = Orders(GuardConfig(command=(*ORDERS.guard.command, "0.02")), ExtractionConfig())
    with ThreadPoolExecutor(1) as executor:
        name = executor.submit(guards.landmarker_name, slow).result()
        running = executor.submit(guards.extract, task, slow, name)
        while not running.running():
            threading.Event().wait(0.01)
        guards.close_idle()
        assert running.result().kind == ""
        guards.close_idle()  # now it is idle; the next video starts another child
        assert executor.submit(guards.extract, task, slow, name).result().kind == ""


def test_closing_ends_a_child_that_hangs(guards, tmp_path):
    task = a_task(tmp_path, [*signing(5), HANG])
    with ThreadPoolExecutor(1) as executor:
        name = executor.submit(guards.landmarker_name, ORDERS).result()
        running = executor.submit(guards.extract, task, ORDERS, name)
        threading.Event().wait(0.5)
        guards.close()
        with pytest.raises(SignTalkError, match="extraction was ended"):
            running.result(timeout=60)
