import json
from pathlib import Path

from made.small_run import SmallRun
from signtalk.evaluation.report import closing_summary, report_json, report_markdown, write_report


def test_everything_is_written_and_json_has_no_nan(small_run: SmallRun, tmp_path: Path) -> None:
    report = small_run.result.report
    written = write_report(report, tmp_path)
    assert {path.name for path in written} == {path.name for path in tmp_path.iterdir()}
    text = (tmp_path / "report.json").read_text()
    assert "NaN" not in text
    assert json.loads(text) == json.loads(json.dumps(report_json(report)))
    assert sum(path.suffix == ".png" for path in written) == 6


def test_the_page_tells_every_protocol_and_what_is_absent(small_run: SmallRun) -> None:
    report = small_run.result.report
    page = report_markdown(report, "Title")
    for found in report.retrieval:
        assert found.name in page
    for name in report.absent:
        assert name in page
    assert "held out of training and index" in page
    assert report.split_hash[:16] in page


def test_the_summary_names_files_that_exist_alone(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("xyz")
    table = closing_summary([tmp_path / "a", tmp_path / "none"])
    assert table.row_count == 1
    assert list(table.columns[1].cells) == ["3 bytes"]
