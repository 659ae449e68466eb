import json
from dataclasses import replace
from pathlib import Path

import pytest

from made.small_run import SmallRun
from signtalk.evaluation import report as module
from signtalk.evaluation.report import closing_summary, report_json, report_markdown, write_report
from signtalk.evaluation.results import WrongClip


def test_everything_is_written_and_json_has_no_nan(small_run: SmallRun, tmp_path: Path) -> None:
    report = small_run.result.report
    written = write_report(report, tmp_path)
    assert {path.name for path in written} == {path.name for path in tmp_path.iterdir()}
    text = (tmp_path / "report.json").read_text()
    assert "NaN" not in text
    assert json.loads(text) == json.loads(json.dumps(report_json(report)))
    assert sum(path.suffix == ".png" for path in written) == 6


def test_one_page_holds_figures_pictures_and_the_wrong_clips(small_run: SmallRun, tmp_path: Path) -> None:
    wrong = WrongClip("known", "c<1>", "A", "I go home.", "You & I wait.", "", "I go home.", 0.9)
    refused = replace(wrong, clip_id="c2", told="", reason="low_similarity")
    report = replace(small_run.result.report, wrong_clips=(wrong, refused))
    write_report(report, tmp_path, "My <data>")
    page = (tmp_path / "report.html").read_text()
    row = "<tr><td>c&lt;1&gt;</td><td>A</td><td>I go home.</td><td>You &amp; I wait.</td><td>-</td><td>I go home.</td>"
    assert row in page
    assert "<td>not sure</td><td>You &amp; I wait.</td><td>low_similarity</td>" in page
    assert "Clips answered wrongly: 1. Known clips that were not answered: 1." in page
    assert page.count("data:image/png;base64,") == 6
    assert "<title>My &lt;data&gt;</title>" in page
    for retrieval in report.retrieval:
        assert module._range(retrieval.recall_at_1) in page
    assert "http" not in page.replace("http-equiv", "")


@pytest.mark.parametrize(("kind", "right"), [("unknown", "not sure (I wait.: not indexed)"), ("idle", "not sure (n")])
def test_what_has_no_answer_should_not_be_told(small_run: SmallRun, tmp_path: Path, kind: str, right: str) -> None:
    wrong = WrongClip(kind, "c1", "A", "I go home.", "I wait.", "", "I go home.", 0.9)
    write_report(replace(small_run.result.report, wrong_clips=(wrong,), arrays=None), tmp_path)
    assert f"<td>I go home.</td><td>{right}" in (tmp_path / "report.html").read_text()


def test_without_matplotlib_the_figures_are_written(small_run: SmallRun, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(module, "no_pictures", lambda: "No pictures: matplotlib is not installed.")
    written = write_report(small_run.result.report, tmp_path)
    assert {path.name for path in written} == {"report.json", "report.md", "report.html"}
    assert "No pictures: matplotlib is not installed." in (tmp_path / "report.html").read_text()
    assert closing_summary(written, with_pictures=True).caption == "No pictures: matplotlib is not installed."


def test_the_page_tells_every_protocol_and_what_is_absent(small_run: SmallRun) -> None:
    report = small_run.result.report
    page = report_markdown(report, "Title")
    for retrieval in report.retrieval:
        assert retrieval.name in page
    for name in report.absent:
        assert name in page
    assert "held out of training and index" in page
    assert report.split_hash[:16] in page


def test_the_summary_names_files_that_exist_alone(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("xyz")
    table = closing_summary([tmp_path / "a", tmp_path / "none"])
    assert table.row_count == 1
    assert list(table.columns[1].cells) == ["3 bytes"]
    assert table.caption is None
