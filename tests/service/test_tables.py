"""The page's tables are those of Python."""

from pathlib import Path

import numpy as np

from signtalk.landmarks.clip import HOLISTIC, POSE_NAMES
from signtalk.landmarks.wire import FRAME
from signtalk.service.tables import TABLES_PATH, as_javascript, main, tables


def test_the_page_has_the_tables_of_python() -> None:
    told = "the page's tables are out of date; run `python -m signtalk.service.tables`"
    assert TABLES_PATH.read_text(encoding="utf-8") == as_javascript(tables()), told


def test_tables_are_written_into_a_module(tmp_path: Path) -> None:
    main(tmp_path / "tables.js")
    lines = (tmp_path / "tables.js").read_text().splitlines()
    assert 'export const WORD_START = "\\u2581";' in lines
    assert lines.index("// signtalk.recognition.ctc") < lines.index("export const IMPOSSIBLE = -1e+30;")


def test_no_name_is_given_twice() -> None:
    names = [name for entries in tables().values() for name in entries]
    assert len(names) == len(set(names))


def test_places_of_parts_fit_the_bytes_of_a_frame() -> None:
    clip, wire = tables()["signtalk.landmarks.clip"], tables()["signtalk.landmarks.wire"]
    assert clip["PARTS"]["face"][1] == len(HOLISTIC.names)
    assert wire["FRAME_BYTES"] == 8 + 4 * (3 * len(HOLISTIC.names) + len(POSE_NAMES)) == np.zeros(1, FRAME).nbytes
