"""A person who was filmed shows the sign of a sentence, on choices, questions and what staff typed."""

from pathlib import Path

import pytest

from made.page_driver import steps_of
from made.web import in_each_browser


@in_each_browser
@pytest.mark.slow
def test_a_film_stands_where_the_skeleton_would(browser: str, tmp_path: Path) -> None:
    from made.videos import signing, write_video

    person = write_video(tmp_path / "person.webm", signing(60, size=(160, 120)), codec="libvpx", container="webm")
    broken = tmp_path / "broken.webm"
    broken.write_bytes(b"no film")
    films = {"person": str(person), "broken": str(broken), "unsigned": str(person)}
    steps = steps_of("films_page.mjs", "films", tmp_path, browser=browser, films=films)
    assert steps["cards"] == ["VIDEO", "CANVAS", "CANVAS"]  # a broken one leaves the skeleton
    assert steps["paused"] == [True]
    assert steps["asked"] == steps["shown"] == ["VIDEO"]
    assert steps["rate"] == 0.4
    assert steps["skeleton"] is False
