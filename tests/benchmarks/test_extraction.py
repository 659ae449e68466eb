"""The benchmark of extraction: its ratios and its section; timing itself needs the models and a quiet machine."""

import math
import os
import threading

import pytest

import extraction as benchmark
from extraction import Repetition, Timing


def repetition(scale=1.0):
    return Repetition(
        bare=Timing(20 * scale, 0.0625 / scale),
        one=Timing(18 * scale, 0.0625 / scale),
        two=Timing(30 * scale, 0.0625 / scale),
        bare_on_core=Timing(16 * scale, 0.0625 / scale),
        one_on_core=Timing(15 * scale, 0.0625 / scale),
        two_on_cores=Timing(28 * scale, 0.0625 / scale),
    )


def test_ratios_and_the_ceiling_of_the_cores():
    ratios = repetition().ratios(num_cores=2)
    assert ratios["one process / bare"] == pytest.approx(0.9)
    assert ratios["two processes / bare"] == pytest.approx(1.5)
    assert ratios["cores that bare keeps busy"] == pytest.approx(1.25)
    assert ratios["ceiling of two processes / bare"] == pytest.approx(1.6)  # 2 cores / 1.25
    assert ratios["two processes on a core each / bare on one core"] == pytest.approx(1.75)
    assert repetition().ratios(num_cores=16)["ceiling of two processes / bare"] == 2


def test_where_no_process_can_be_held_those_ratios_are_left_out():
    timing = Timing(20.0, math.nan)
    names = Repetition(timing, timing, timing, None, None, None).ratios(2)
    assert not [name for name in names if "on one core" in name or "on a core" in name]
    assert names["two processes / one"] == 1


def test_the_section_holds_every_row_with_its_range():
    rows = benchmark.table([repetition(), repetition(2.0), repetition(3.0)], num_cores=2)
    page = benchmark.section_of(rows, "python benchmarks/extraction.py VIDEOS", "2 videos")
    assert "| cores that bare keeps busy | 1.25 (1.25-1.25) |" in page
    assert all(f"| {name} |" in page for name in repetition().ratios(2))


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system cannot hold a process to a core")
def test_threads_that_start_meanwhile_are_held_and_this_one_is_freed():
    before, seen = os.sched_getaffinity(0), []
    core = min(before)
    with benchmark.held_to({core}):
        thread = threading.Thread(target=lambda: seen.append(os.sched_getaffinity(0)))
        thread.start()
        thread.join()
    assert seen == [{core}]
    assert os.sched_getaffinity(0) == before
