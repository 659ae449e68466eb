"""What is drawn where: parts in their colours, nothing for what is missing, panels in step, files that play."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from made.points import made_clip
from signtalk.errors import ConfigError
from signtalk.landmarks.clip import HOLISTIC, PARTS, LandmarkClip, regular_timestamps
from signtalk.landmarks.drawing import (
    BACKGROUND,
    COLOURS,
    LINES,
    PANEL_SIZE,
    Picture,
    PicturePanel,
    SkeletonPanel,
    draw_points,
    panels_in_step,
    side_by_side,
    write_gif,
)

Image = pytest.importorskip("PIL.Image")


def shown_colours(picture: Picture) -> set[str]:
    """The parts of which a whole pixel is in view."""
    return {name for name, colour in COLOURS.items() if (picture == np.array(colour)).all(axis=-1).any()}


def spread_points() -> np.ndarray:
    """(169, 2) pixels, far enough apart that no part hides another."""
    points = np.full((169, 2), np.nan, dtype=np.float32)
    rng = np.random.default_rng(0)
    for i, columns in enumerate(PARTS.values()):
        size = columns.stop - columns.start
        points[columns] = rng.uniform(20, PANEL_SIZE / 2 - 40, (size, 2)) + np.array([i % 2, i // 2]) * PANEL_SIZE / 2
    return points


def test_every_part_is_drawn_in_its_colour_and_missing_parts_are_absent() -> None:
    points = spread_points()
    assert shown_colours(draw_points(points)) == set(COLOURS)
    for name in ("left_hand", "right_hand", "pose"):
        without = points.copy()
        without[PARTS[name]] = np.nan
        assert name not in shown_colours(draw_points(without))
        quarter = draw_points(without)[-PANEL_SIZE:]
        x, y = np.nanmin(points[PARTS[name]], axis=0).astype(int)
        assert (quarter[y : y + 150, x : x + 150] == BACKGROUND).all()
    assert (draw_points(np.full((169, 2), np.nan, dtype=np.float32)) == BACKGROUND).all()


def test_a_line_goes_from_point_to_point() -> None:
    points = np.full((169, 2), np.nan, dtype=np.float32)
    points[HOLISTIC.index["left_shoulder"]] = 100, 200
    points[HOLISTIC.index["left_elbow"]] = 300, 200
    picture = draw_points(points)[-PANEL_SIZE:]
    rows, columns = np.nonzero((picture != BACKGROUND).any(axis=-1))
    assert abs(rows - 200).max() <= 3 and abs(columns.min() - 100) <= 3 and abs(columns.max() - 300) <= 3
    assert (picture[200, 110:290] == COLOURS["pose"]).all()


def test_lines_join_points_of_one_part_and_every_hand_point_is_reached() -> None:
    for hand in ("left_hand", "right_hand"):
        joined = [(a, b) for a, b, part in LINES if part == hand]
        inside = range(PARTS[hand].start, PARTS[hand].stop)
        assert {point for line in joined for point in line} == set(inside)
    names = [(HOLISTIC.names[a], HOLISTIC.names[b]) for a, b, _ in LINES]
    assert ("left_elbow", "left_wrist") in names
    assert ("right_hand_index_dip", "right_hand_index_tip") in names
    assert ("left_hand_wrist", "left_hand_thumb_cmc") in names and (
        "left_hand_pinky_tip",
        "left_hand_wrist",
    ) not in names


def steady_clip(num_frames: int = 10, fps: float = 10, aspect: float | None = None) -> LandmarkClip:
    """A square of the four torso points, one image height on a side."""
    landmarks = np.full((num_frames, 169, 3), np.nan, dtype=np.float32)
    wide = aspect or 1
    for name, place in {
        "left_shoulder": (0.7, 0.2), "right_shoulder": (0.3, 0.2), "left_hip": (0.7, 0.6), "right_hip": (0.3, 0.6)
    }.items():  # fmt: skip
        landmarks[:, HOLISTIC.index[name]] = (place[0] / wide, place[1], 0)
    return LandmarkClip(landmarks, np.ones((num_frames, 33), np.float32), regular_timestamps(num_frames, fps), aspect)


@pytest.mark.parametrize("aspect", [None, 16 / 9, 0.5])
def test_a_square_stays_a_square_whatever_the_aspect(aspect: float | None) -> None:
    picture = SkeletonPanel(steady_clip(aspect=aspect)).picture(0)
    rows, columns = np.nonzero((picture != BACKGROUND).any(axis=-1))
    assert abs(np.ptp(rows) - np.ptp(columns)) <= 2
    assert PANEL_SIZE * 0.8 < np.ptp(rows) < PANEL_SIZE * 0.9


def test_hidden_landmarks_are_not_drawn_and_a_jump_does_not_shrink_the_person() -> None:
    clip = steady_clip(200)
    hidden = replace(clip, visibility=np.full_like(clip.visibility, 0.1))
    assert (SkeletonPanel(hidden).picture(0) == BACKGROUND).all()
    clip.landmarks[100, HOLISTIC.index["left_hip"]] = 500, 500, 0
    rows, _ = np.nonzero((SkeletonPanel(clip).picture(0) != BACKGROUND).any(axis=-1))
    assert np.ptp(rows) > PANEL_SIZE * 0.8
    SkeletonPanel(clip).picture(10.0)  # the jump itself is drawn, as far as the edge


def test_panels_run_in_step_and_the_shorter_one_waits() -> None:
    moving = steady_clip(10, fps=10)
    moving.landmarks[:5, HOLISTIC.index["left_hip"]] = np.nan  # changes after half a second
    grey = [(i / 4 + 7.0, np.full((50, 100, 3), i, dtype=np.uint8)) for i in range(8)]
    panels = [SkeletonPanel(moving), PicturePanel(iter(grey), 2.0, 4)]
    num_frames, rate, pictures = side_by_side(panels)
    frames = list(pictures)
    assert (num_frames, rate, len(frames)) == (20, 10, 20)
    assert {frame.shape for frame in frames} == {(PANEL_SIZE + 28, PANEL_SIZE * 3, 3)}
    assert [int(frame[-5, -5, 0]) for frame in frames[::5]] == [0, 2, 4, 6]
    changed = [not np.array_equal(a[:, :PANEL_SIZE], b[:, :PANEL_SIZE]) for a, b in pairwise(frames)]
    assert np.flatnonzero(changed).tolist() == [4]


def film_of(duration_s: float) -> PicturePanel:
    return PicturePanel(iter([(0.0, np.zeros((48, 64, 3), dtype=np.uint8))]), duration_s, 30)


@pytest.mark.parametrize(
    ("first_s", "film", "starts_at"),
    [(0.7, film_of(3), 0.7), (0.7, film_of(0), 0.7), (0.7, None, 0.0), (5.0, film_of(3), 0.0), (-1.0, film_of(3), 0.0)],
    ids=["trimmed", "a film of unknown length", "no film", "beyond the film", "before the film"],
)
def test_a_clip_starts_where_its_film_was_trimmed(first_s: float, film: PicturePanel | None, starts_at: float) -> None:
    clip = steady_clip(10, fps=10)
    late = replace(clip, timestamps_s=clip.timestamps_s + first_s)
    *films, skeleton, other = panels_in_step([("a", late), ("b", clip)], film)
    assert films == ([] if film is None else [film])
    for panel in (skeleton, other):
        assert panel.duration_s == pytest.approx(starts_at + clip.duration_s)
        assert (panel.picture(starts_at)[28:] != BACKGROUND).any()
        if starts_at:
            assert (panel.picture(starts_at - 0.05)[28:] == BACKGROUND).all()


def test_sides_are_even_and_nothing_that_lasts_for_ever_is_begun() -> None:
    odd = PicturePanel(iter([(0.0, np.zeros((480, 101, 3), dtype=np.uint8))]), 0.0, 30)
    _, _, pictures = side_by_side([odd])
    assert [side % 2 for side in next(pictures).shape[:2]] == [0, 0]
    odd.duration_s = 1e9
    with pytest.raises(ConfigError, match="1e\\+09 s"):
        side_by_side([odd])
    with pytest.raises(ConfigError, match="no frame"):
        PicturePanel(iter([]), 0.0, 30)


def test_a_caption_is_written_and_cut_to_the_width() -> None:
    points = np.full((169, 2), np.nan, dtype=np.float32)
    short, long = draw_points(points, "hello"), draw_points(points, "word " * 100)
    assert (short[:28] != BACKGROUND).any() and (short[28:] == BACKGROUND).all()
    assert (long[:28, -6:] == BACKGROUND).all()


def test_a_gif_plays_at_the_clips_rate_in_our_colours(tmp_path: Path) -> None:
    clip = made_clip(num_frames=30, fps=30)
    num_frames, rate, pictures = side_by_side([SkeletonPanel(clip, "a")])
    done: list[tuple[int, int]] = []
    write_gif(tmp_path / "a.gif", pictures, num_frames, rate, lambda *now: done.append(now))
    assert done[-1] == (30, 30)
    with Image.open(tmp_path / "a.gif") as gif:
        durations, colours = [], set()
        for i in range(gif.n_frames):
            gif.seek(i)
            durations.append(gif.info["duration"])
            colours |= shown_colours(np.asarray(gif.convert("RGB")))
    assert sum(durations) == 1000
    assert colours == set(COLOURS)
    assert [path.name for path in tmp_path.iterdir()] == ["a.gif"]


def test_a_gif_that_would_fill_the_memory_is_refused(tmp_path: Path) -> None:
    def never() -> Iterator[Picture]:
        raise AssertionError("drawn")
        yield

    with pytest.raises(ConfigError, match="mp4"):
        write_gif(tmp_path / "a.gif", never(), 100_000, 30, print)
