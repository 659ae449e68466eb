"""`signtalk evaluate`: where the report goes, and what people read of it."""

from pathlib import Path
from typing import Any

from made.commands import terminal
from made.small_run import SmallRun


def test_the_report_is_shown_and_lies_where_it_was_asked_for(small_run: SmallRun, tmp_path: Path, ask: Any) -> None:
    folder = tmp_path / "report"
    with terminal(200):
        printed = ask("evaluate", small_run.run, "--data", small_run.data, "--out", folder)
    assert "# Evaluation" in printed.out
    for path in folder.iterdir():
        assert path.name in printed.out
    assert (folder / "report.json").is_file()
    assert printed.out.splitlines()[-1].startswith(f"next: signtalk export {small_run.run}")
