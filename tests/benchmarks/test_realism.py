"""Made-up signing beside recorded signing: distances, the page and its pictures."""

import numpy as np
import pytest

import realism
from clip_statistics import FREQUENCIES, STATISTICS
from made.clips import made_clip, resting, waving
from raw_clips import load_signdata
from realism import MADE_UP, Measured
from realism_plot import median_of_known
from signtalk.errors import DataError


def measured(shift: float = 0.0, num_clips: int = 40) -> Measured:
    rng = np.random.default_rng(0)
    values = {name: rng.uniform(1, 2, num_clips) for name in STATISTICS}
    values["palm"] = values["palm"] + shift
    density = np.broadcast_to(1 / FREQUENCIES, (num_clips, len(FREQUENCIES))).copy()
    density[:, 20:] = np.nan
    return Measured(values, {"tips": density, "wrists": density})


def has_shared_clips() -> bool:
    try:
        load_signdata()
    except DataError:
        return False
    return True


def test_a_distance_is_counted_in_ranges_of_the_recorded_clips() -> None:
    clips = np.linspace(0, 1, 101)
    assert realism.distance(clips + 0.4, clips) == pytest.approx(0.4 / 0.8, rel=1e-6)
    assert realism.distance(np.array([*clips, np.nan]), clips) == 0
    assert np.isnan(realism.distance(clips, np.full(3, np.nan)))
    assert np.isnan(realism.distance(clips, np.ones(5)))


def test_the_largest_difference_comes_first_beside_how_real_sets_differ() -> None:
    sets = {"one": measured(), "other": measured(0.1), MADE_UP: measured(3.0)}
    lines = realism.differences(sets)
    assert lines[0].name == "palm"
    assert lines[0].made_up[1] - lines[0].real[1] == pytest.approx(2.95, abs=0.06)
    assert lines[0].among_real == pytest.approx(0.1 / 0.8, rel=0.2)
    assert {line.name for line in lines} == set(STATISTICS) - {"fps"}  # which recorded sets do not tell
    assert np.isnan(realism.differences({"one": measured(), MADE_UP: measured()})[0].among_real)


def test_a_set_without_hands_does_not_tell_how_often_they_are_seen() -> None:
    ways = waving(20, "left"), waving(20, "right")
    blind = realism.measure([made_clip(*ways, hands=False)] * 2)
    assert np.isnan([blind.values[name] for name in ("seen_more", "nose_height", "palm")]).all()
    assert (blind.values["motion"] > 0).all()
    some = realism.measure([made_clip(*ways, hands=False), made_clip(*ways)])
    assert some.values["seen_less"].tolist() == [0, 1]
    assert (some.num_clips, some.spectra["tips"].shape) == (2, (2, len(FREQUENCIES)))


def test_made_up_clips_are_the_same_each_time_and_not_those_of_training() -> None:
    first, again, trained_on = realism.made_up(5), realism.made_up(5), realism.made_up(5, seed=0)
    assert len(first) == 5
    np.testing.assert_array_equal(first[4].landmarks, again[4].landmarks)
    assert first[0].landmarks.shape != trained_on[0].landmarks.shape or not np.array_equal(
        first[0].landmarks, trained_on[0].landmarks, equal_nan=True
    )


@pytest.mark.slow
def test_the_page_has_tables_that_can_be_read_and_small_pictures(tmp_path, monkeypatch) -> None:
    still = [made_clip(resting(20, "left"), resting(20, "right"))]
    monkeypatch.setattr(realism, "recorded", lambda name, most: still * 2)
    page, short, pictures = tmp_path / "realism.md", tmp_path / "base.md", tmp_path / "pictures"
    pictures.mkdir()
    short.write_text("# Base\n\nBefore.\n\n<!-- quality:realism -->\nold\n<!-- /quality:realism -->\n\nAfter.\n")
    arguments = ["--made-up", "4", "--sets", "words_6people", "asl_words_3signers", "--pictures", str(pictures)]
    assert realism.main([*arguments, "--results", str(page), "--short", str(short)]) == 0
    text = page.read_text()
    assert "words_6people 2, asl_words_3signers 2, made up 4" in text
    assert "| set | hand seen more, share of frames |" in text
    assert sorted(path.name for path in pictures.iterdir()) == [
        "realism_hands.svg", "realism_movement.svg", "realism_spectra.svg", "realism_trembling.svg",
    ]  # fmt: skip
    assert max(path.stat().st_size for path in pictures.iterdir()) < 150_000
    assert all(path.name in text for path in pictures.iterdir())
    before, rest = short.read_text().split("<!-- quality:realism -->")
    assert before.endswith("Before.\n\n")
    assert rest.endswith("<!-- /quality:realism -->\n\nAfter.\n")
    assert "old" not in rest


def test_a_median_spectrum_ends_where_few_clips_reach() -> None:
    densities = np.full((40, len(FREQUENCIES)), np.nan)
    densities[:, :10] = np.arange(40)[:, None]
    densities[:3, 10:] = 1
    middle = median_of_known(densities)
    assert middle[0] == 19.5
    assert np.isnan(middle[10:]).all()


def test_without_the_shared_clips_the_reason_is_told(monkeypatch, tmp_path, capsys) -> None:
    monkeypatch.setenv("SIGNTALK_DATA", str(tmp_path))
    assert realism.main(["--sets", "words_6people"]) == 2
    assert "SIGNTALK_DATA" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.skipif(not has_shared_clips(), reason="the shared clips are not there; set SIGNTALK_DATA")
def test_clips_of_a_real_set_are_taken_at_random_but_alike_each_time() -> None:
    first, again = realism.recorded("words_6people", 4), realism.recorded("words_6people", 4)
    assert [clip.num_frames for clip in first] == [clip.num_frames for clip in again]
    figures = realism.measure(first).values
    assert ((figures["palm"] > 0.15) & (figures["palm"] < 1)).all()
