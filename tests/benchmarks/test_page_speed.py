import argparse
import math

import numpy as np
import pytest

from page_speed import rate, ratio_of, section_of, write_camera


def test_the_rate_of_a_round_is_that_of_its_gaps():
    assert rate([100.0, 300.0, 500.0, 700.0, 1100.0]) == pytest.approx(4.0)
    assert math.isnan(rate([100.0, 200.0, 300.0]))


def test_pairs_are_compared_side_by_side():
    """A machine that slows both down by four in half of the rounds changes no ratio."""
    bare = np.array([8.0, 2.0] * 10)
    ratio = ratio_of(bare, 0.9 * bare)
    assert (ratio.median, ratio.low, ratio.high) == pytest.approx((0.9, 0.9, 0.9)) and ratio.pairs == 20


def test_the_interval_holds_the_median_and_widens_with_the_noise():
    rng = np.random.default_rng(3)
    calm, wild = (ratio_of(np.ones(20), rng.normal(1, sigma, 20)) for sigma in (0.02, 0.2))
    assert calm.low <= calm.median <= calm.high
    assert wild.high - wild.low > calm.high - calm.low


def test_rounds_without_pictures_are_left_out():
    assert ratio_of([4.0, math.nan, 4.0], [4.0, 4.0, math.nan]).pairs == 1
    assert ratio_of([math.nan], [1.0]).pairs == 0


def test_the_camera_shows_a_film_of_its_own_where_there_is_none(tmp_path):
    write_camera(tmp_path / "camera.y4m", None)
    header, rest = (tmp_path / "camera.y4m").read_bytes().split(b"\n", 1)
    assert header == b"YUV4MPEG2 W640 H480 F30:1 Ip A1:1 C420jpeg"
    assert len(rest) == 60 * (len(b"FRAME\n") + 640 * 480 * 3 // 2)
    assert rest[6 : 6 + 640 * 480] != rest[-640 * 480 * 3 // 2 :][: 640 * 480]  # something moves


def test_the_section_tells_ratio_interval_and_load():
    times = [[250.0 * i for i in range(20)]] * 3
    seen = {"bare": times, "page": times, "browser": "150.0", "load": [1.0, 2.5]}
    options = argparse.Namespace(pairs=3, seconds=5.0, film=None)
    section = section_of(seen, "python benchmarks/page_speed.py", options)
    assert max(map(len, section.splitlines())) <= 100
    section = section.replace("\n", " ")
    assert "alone: 1.00**, 95 % interval 1.00 to 1.00 (3 pairs)" in section
    assert "load 1.0 before and 2.5 after" in section and "| the live page | 4.00 | 4.00 | 4.00 |" in section
