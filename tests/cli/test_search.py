"""`signtalk search`: clips found by text, in a run and in a bundle."""

import json
from pathlib import Path

import pytest

from made.bundles import old_bundle
from made.commands import run_cli
from made.small_run import SmallRun
from signtalk.data.manifest import ClipRecord, load_manifest
from signtalk.data.splits import Split


def trained_record(small_run: SmallRun) -> ClipRecord:
    manifest = load_manifest(small_run.data)
    return Split.load(small_run.run / "split.json", manifest).records(manifest, "train")[0]


def test_clips_are_found_by_text_from_run_and_bundle_alike(
    small_run: SmallRun, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    record = trained_record(small_run)
    answers = []
    for place in (("--run", small_run.run), ("--bundle", small_run.bundle)):
        assert run_cli(monkeypatch, "search", f"{record.sentence} zebras", *place, "-k", 3, "--json") == 0
        answers.append(json.loads(capsys.readouterr().out))
    run, bundle = answers
    assert run["unknown_words"] == bundle["unknown_words"] == ["zebras"]
    assert [hit["clip_id"] for hit in run["clips"]] == [hit["clip_id"] for hit in bundle["clips"]]
    assert [hit["rank"] for hit in run["clips"]] == [1, 2, 3]
    category = run["clips"][2]["category"]
    only = ("--category", category.upper(), "--json", "-k", 50)
    assert run_cli(monkeypatch, "search", record.sentence, "--run", small_run.run, *only) == 0
    assert {hit["category"] for hit in json.loads(capsys.readouterr().out)["clips"]} == {category}
    assert run_cli(monkeypatch, "search", "zebras here", "--run", small_run.run) == 0
    assert "not understood: zebras" in capsys.readouterr().err


def test_a_bundle_without_text_encoder_says_what_is_missing(
    small_run: SmallRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    old = old_bundle(small_run.bundle, tmp_path / "old.zip")
    assert run_cli(monkeypatch, "search", "pain", "--bundle", old) == 2
    assert "the model has no text encoder" in capsys.readouterr().err


def test_the_table_shows_every_clip_with_its_sentence(small_run: SmallRun, ask) -> None:
    record = trained_record(small_run)
    lines = ask("search", record.sentence, "--bundle", small_run.bundle, "-k", 2).out.splitlines()
    assert f"Clips for '{record.sentence}'" in lines[0]
    rows = [[cell.strip() for cell in line.strip("│").split("│")] for line in lines if line.startswith("│")]
    assert [row[0] for row in rows if row[0]] == ["1", "2"]
    assert "".join(row[2] for row in rows[:1]).startswith(record.sentence.split()[0])
    assert max(map(len, lines)) <= 80
