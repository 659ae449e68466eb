"""The engine of an offline page computes beside the page, and in it where the browser starts no worker."""

from pathlib import Path

import pytest

from made.page_driver import drive_at
from made.web import needs_browser, offline_page


@needs_browser
@pytest.mark.slow
def test_the_engine_computes_beside_the_page_or_in_it_and_says_the_same(tmp_path: Path) -> None:
    with offline_page(tmp_path) as address:
        seen = {scenario: drive_at(address, "", scenario, tmp_path, script="engine_worker.mjs")
                for scenario in ("apart", "within")}  # fmt: skip
    assert [each["console"] for each in seen.values()] == [[], []]
    apart, within = seen["apart"]["steps"], seen["within"]["steps"]
    assert apart["workers"] == ["engine_worker.js"] and apart["databases"] == 0  # the page itself opens none
    assert within["workers"] == []
    assert apart["listed"] == within["listed"] and apart["searched"] == within["searched"]
