"""Forms of consent, and what people said of them."""

from pathlib import Path

import pytest

from signtalk.errors import DataError
from signtalk.service.consents import CONSENTS_NAME, Agreement, allowed, form_text, read_agreements, write_agreements

SAID = [
    Agreement("s01", "2026-11-28", "f1", "yes", "yes"),
    Agreement("s02", "2026-11-28", "f1"),
    Agreement("s01", "2026-11-29", "f1", "yes"),
]


def test_a_form_is_a_text(tmp_path: Path) -> None:
    form = tmp_path / "form.txt"
    form.write_text("  I agree.\n")
    assert form_text(form) == "I agree."
    form.write_text(" \n")
    with pytest.raises(DataError, match="expected a form"):
        form_text(form)


def test_the_plain_form_tells_what_may_become_of_pictures() -> None:
    assert "keeps no picture" in form_text(None)
    assert "only where I allow that below" in form_text(None, keeps_videos=True)
    assert "Other people see them" in form_text(None, keeps_videos=True)


def test_what_was_said_last_holds(tmp_path: Path) -> None:
    assert read_agreements(tmp_path) == []
    write_agreements(tmp_path, SAID)
    assert read_agreements(tmp_path) == SAID
    assert allowed(SAID, "s01") == SAID[2]
    assert (allowed(SAID, "s03").videos, allowed(SAID, "s03").shown) == ("", "")


@pytest.mark.parametrize("columns", [3, 4])
def test_tables_of_before_pictures_could_be_kept_or_shown_are_read(tmp_path: Path, columns: int) -> None:
    write_agreements(tmp_path, SAID)
    path = tmp_path / CONSENTS_NAME
    path.write_text("".join(",".join(line.split(",")[:columns]) + "\n" for line in path.read_text().splitlines()))
    read = read_agreements(tmp_path)
    assert [each.signer for each in read] == ["s01", "s02", "s01"]
    assert [each.shown for each in read] == ["", "", ""]
    assert read[0].videos == ("yes" if columns == 4 else "")


@pytest.mark.parametrize("header", ["signer,date", "signer,form,date", "signer,date,form,videos,shown,more"])
def test_another_table_is_told(tmp_path: Path, header: str) -> None:
    (tmp_path / CONSENTS_NAME).write_text(f"{header}\n")
    with pytest.raises(DataError, match="Put it back as it was"):
        read_agreements(tmp_path)
