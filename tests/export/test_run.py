from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from made.full_disk import is_one_line, small_disk
from made.small_run import SmallRun
from signtalk.bundle.bundle import open_bundle
from signtalk.data.manifest import clip_of_record, load_manifest
from signtalk.export import run as module
from signtalk.export.export import ExportExtras
from signtalk.export.run import ExportOptions, export_run, landmarkers_of
from signtalk.export.variants import NOT_MEASURED
from signtalk.files import read_json, write_json
from signtalk.landmarks.clip import load_clip, save_clip
from signtalk.training.run import RunFolder


def test_the_demo_ships_signs_variants_and_figures(small_run: SmallRun) -> None:
    run = RunFolder.open(small_run.run)
    with open_bundle(small_run.bundle) as bundle:
        told, index = bundle.manifest, bundle.recognizer.index
        assert bundle.signs is not None
        canonical = [index.entries[row] for row in index.groups.canonical_rows]
        assert set(bundle.signs.sentence_ids) == {entry.sentence_id for entry in canonical}
        (record,) = load_manifest(small_run.data).select([canonical[0].clip_id])
        shown = bundle.signs.clip(canonical[0].sentence_id)
        assert shown is not None
        assert shown.duration_s == pytest.approx(clip_of_record(record).duration_s, abs=0.2)
    assert told.split_hash == read_json(small_run.run / "split.json")["hash"]
    assert told.figures["encoder_id"] == run.checkpoint.encoder_id
    assert told.figures["retrieval"]
    assert "by_signer" not in told.figures["retrieval"][0]
    assert all("examples" not in text for text in told.figures["texts"])
    assert told.variants.num_clips > 0
    assert set(told.variants.made) | set(told.variants.left_out) == {"int8", "fp16"}
    assert set(told.variants.made) == {"int8", "fp16"}


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> Callable[[], ExportExtras]:
    """What `export_run` would have exported."""
    seen: list[ExportExtras] = []

    def exported(checkpoint: Any, index: Any, decision: Any, out: Path, extras: ExportExtras) -> Path:
        seen.append(extras)
        write_json(out / "export_manifest.json", {"variants": {"left_out": {"int8": NOT_MEASURED}}})
        return out / "x.zip"

    monkeypatch.setattr(module, "export_bundle", exported)
    return seen.pop


def test_a_run_without_its_data_says_what_is_missing(
    small_run: SmallRun, tmp_path: Path, given: Callable[[], ExportExtras]
) -> None:
    exported = export_run(RunFolder.open(small_run.run), tmp_path / "out", figures={})
    extras = given()
    assert (extras.measuring, extras.signs, extras.figures, extras.weights) == (None, None, {}, None)
    assert any("no --data" in note for note in exported.notes)
    assert exported.variants.left_out == {"int8": NOT_MEASURED}


def test_options_are_kept(small_run: SmallRun, tmp_path: Path, given: Callable[[], ExportExtras]) -> None:
    run, manifest = RunFolder.open(small_run.run), load_manifest(small_run.data)
    options = ExportOptions(licence="mit", signs=False, weights=True)
    exported = export_run(run, tmp_path / "out", manifest, options, figures={"retrieval": [], "confused": ["secret"]})
    extras = given()
    assert exported.notes == ()
    assert (extras.licence, extras.signs, extras.weights) == ("mit", None, small_run.run / "best.safetensors")
    assert extras.figures == {"retrieval": [], "texts": []}
    assert extras.measuring is not None
    measuring, index, split = extras.measuring, run.sentence_index(), run.split(manifest)
    assert len(measuring.features) == len(measuring.text_keys) == len(set(measuring.clip_ids))
    for key, clip_id in zip(measuring.text_keys, measuring.clip_ids, strict=True):
        assert set(index.clips_of(key)) - {clip_id}
    roles = [split.roles[clip_id] for clip_id in measuring.clip_ids]
    assert roles == sorted(roles, reverse=True)  # validation first
    assert set(roles) == {"val", "train"}


def test_no_more_clips_are_measured_than_an_export_should_take(
    small_run: SmallRun, tmp_path: Path, given: Callable[[], ExportExtras], monkeypatch: pytest.MonkeyPatch
) -> None:
    run, manifest = RunFolder.open(small_run.run), load_manifest(small_run.data)
    counts = []
    for most in (3, 15):
        monkeypatch.setattr(module, "MAX_MEASURED", most)
        export_run(run, tmp_path / "out", manifest, ExportOptions(signs=False), figures={})
        measuring = given().measuring
        assert measuring is not None
        counts.append(len(set(measuring.clip_ids)))
    assert counts == [3, 15]


def test_the_report_of_the_run_is_taken_if_it_is_of_this_model(
    small_run: SmallRun, tmp_path: Path, given: Callable[[], ExportExtras]
) -> None:
    run = RunFolder.open(small_run.run)
    path = tmp_path / "run" / "report" / "report.json"
    copy = RunFolder(tmp_path / "run", run.checkpoint)
    assert "no such file" in module._report_of(copy)[1]
    for encoder_id, expected in (("another", "of another model"), (run.checkpoint.encoder_id, "")):
        write_json(path, {"encoder_id": encoder_id, "retrieval": []})
        report, missing = module._report_of(copy)
        assert expected in missing
        assert bool(report) == (expected == "")


def test_landmarkers_are_told_by_the_clips_that_name_sentences(small_run: SmallRun, tmp_path: Path) -> None:
    run = RunFolder.open(small_run.run)
    index, manifest = run.sentence_index(), load_manifest(small_run.data)
    assert landmarkers_of(index, manifest) == ()
    named = {index.entries[row].clip_id for row in index.groups.canonical_rows}
    records = list(manifest.records)
    place = next(i for i, record in enumerate(records) if record.clip_id in named)
    path = tmp_path / "clip.npz"
    save_clip(path, load_clip(records[place].feature_path), {"models_sha256": "b" * 64})
    (tmp_path / "broken.npz").write_bytes(b"x")
    records[place] = replace(records[place], feature_path=path)
    records[place + 1] = replace(records[place + 1], feature_path=tmp_path / "broken.npz")
    assert landmarkers_of(index, replace(manifest, records=tuple(records))) == ("b" * 64,)


@pytest.mark.parametrize(
    "kilobytes", [400, *(pytest.param(size, marks=pytest.mark.slow) for size in (600, 1024, 4000))]
)
@pytest.mark.slow
def test_a_full_disk_is_one_line_and_exports_nothing(
    kilobytes: int, small_run: SmallRun, tmp_path: Path, ask: Callable[..., Any]
) -> None:
    with small_disk(tmp_path / "disk", kilobytes) as disk:
        error = ask("export", small_run.run, "--data", small_run.data, "--out", disk / "shipped", code=2).err
        assert is_one_line(error) and "No space left on device" in error and str(disk) in error
        assert list(disk.iterdir()) == []
