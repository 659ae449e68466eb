"""The benchmark harness, on made-up clips alone."""

import json
import shlex
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import dtw_baseline
import folds
import leave_one_signer_out as loso
import perturbations
import quality
import results_page
import results_plot
import rows
import suites
from folds import Figures, FoldResult, Job, Query, run_fold
from signtalk.cli.story import DemoSize, demo_split
from signtalk.data.manifest import Manifest, load_manifest
from signtalk.data.splits import Split, SplitConfig, leave_one_signer_out, make_split
from signtalk.errors import ArtifactError, ConfigError, DataError
from signtalk.files import read_json
from signtalk.synthetic.dataset import SyntheticConfig, write_dataset

SMALL = SyntheticConfig(num_sentences=10, num_signers=3, clips_per_sentence=(3, 3), num_idle=3, difficulty=0)
SUITE = suites.Suite("made_up", "leave one signer out", holdout_sentences=0.4, overrides=("optimiser.epochs=1",))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("work") / "data"
    write_dataset(folder / "made_up", SMALL)
    return folder


@pytest.fixture
def work(data: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(suites, "FULL", DemoSize(SMALL))
    return data.parent


@pytest.fixture(scope="module")
def manifest(data: Path) -> Manifest:
    return load_manifest(data / "made_up")


# --- suites and splits


def test_folds_leave_out_whom_the_suite_says(manifest: Manifest) -> None:
    each = suites.fold_configs(SUITE, manifest)
    library = leave_one_signer_out(manifest, SplitConfig(val_fraction=0.08, holdout_sentences=0.4))
    assert [make_split(manifest, config) for config in each.values()] == library
    pairs = suites.fold_configs(replace(SUITE, leave_out="pairs"), manifest)
    assert {name: config.test_signers for name, config in pairs.items()} == {"A+B": ("A", "B"), "C": ("C",)}
    assert suites.fold_configs(replace(SUITE, leave_out="demo"), manifest) == {"C": demo_split(manifest)}
    (perturbed,) = suites.fold_configs(replace(SUITE, leave_out="perturbations"), manifest).values()
    assert perturbed.test_signers == tuple(perturbations.PERTURBATIONS)
    assert perturbed.val_signers == ("mixed",)


def test_splits_are_written_once_and_then_read(manifest: Manifest, tmp_path: Path) -> None:
    made = suites.fold_splits("small", SUITE, manifest, tmp_path)
    times = {path: path.stat().st_mtime_ns for path in (tmp_path / "small").iterdir()}
    assert suites.fold_splits("small", SUITE, manifest, tmp_path) == made
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "small").iterdir()} == times
    assert suites.folds_on_file("small", tmp_path) == ["A", "B", "C"]
    with pytest.raises(DataError, match=r"A\.json: made with other settings"):
        suites.fold_splits("small", replace(SUITE, val_fraction=0.2), manifest, tmp_path)


def test_the_repository_has_sound_splits_of_every_suite() -> None:
    for name in suites.SUITES:
        assert suites.folds_on_file(name, suites.SPLITS), f"{name}: run quality.py {name} --splits-only"
    for path in suites.SPLITS.glob("*/*.json"):
        content = json.loads(path.read_text(encoding="utf-8"))
        split = Split(
            SplitConfig.model_validate(content["config"]), content["roles"], content["unused_reasons"],
            content["data_hash"],
        )  # fmt: skip
        assert split.hash == content["hash"], path
        assert path.stem in ("perturbed", "+".join(split.config.test_signers))


# --- rows


def result(fold: str, seed: int, ranks: list[int], **figures: float | None) -> FoldResult:
    queries = tuple(Query(key=f"k{i}", signer=fold, rank=rank) for i, rank in enumerate(ranks))
    measured = Figures(**folds.rank_figures(queries), **figures)
    return FoldResult(
        fold=fold, seed=seed, split_hash=fold * 64, code="c0ffee", machine="1 core", best_epoch=1, figures=measured,
        queries=queries,
    )  # fmt: skip


def origin(label: str = "default") -> rows.Origin:
    return rows.Origin(label=label, model="default-1", settings=("a=1",), command="python x", date="2026-01-01")


def test_a_row_is_what_a_hand_computes() -> None:
    found = rows.summarise(
        origin(),
        [
            result("a", 1, [1, 2, 0], wer_seen=0.5, precision=None),
            result("a", 2, [1, 1, 6], wer_seen=0.3, precision=0.8),
            result("b", 1, [1], wer_seen=0.1),
            result("b", 2, [1], wer_seen=0.1),
        ],
    )
    assert found.r1.estimate == pytest.approx(5 / 8)  # of all queries
    assert found.r5.estimate == pytest.approx(6 / 8)
    assert found.mrr.estimate == pytest.approx((5 + 1 / 2 + 1 / 6) / 8)
    assert found.mean.r1 == pytest.approx((1 / 3 + 2 / 3 + 1 + 1) / 4)  # of folds
    assert found.worst_fold == ("a", pytest.approx(0.5))
    assert found.mean.wer_seen == pytest.approx(0.25)
    assert found.mean.precision == pytest.approx(0.8)
    assert found.mean.auroc is None
    assert found.by_signer == {"a": (pytest.approx(0.5), 6), "b": (1.0, 2)}
    assert (found.num_folds, found.seeds) == (2, (1, 2))
    assert found.r1.low is not None
    assert found.r1.high is not None
    assert found.r1.low < 5 / 8 < found.r1.high
    with pytest.raises(ValueError, match="no fold"):
        rows.summarise(origin(), [])


def test_one_sentence_gives_no_interval() -> None:
    assert rows.summarise(origin(), [result("a", 1, [1])]).r1 == rows.Range(estimate=1.0, low=None, high=None)


def test_a_row_replaces_the_one_of_its_label(tmp_path: Path) -> None:
    path = tmp_path / "suite.json"
    first, other = (rows.summarise(origin(label), [result("a", 1, [2, 2])]) for label in ("default", "dtw"))
    rows.store_row(path, first)
    rows.store_row(path, other)
    again = rows.summarise(origin(), [result("a", 1, [1, 1])])
    assert rows.store_row(path, again) == rows.load_rows(path) == (again, other)
    path.write_text('{"rows": [{"old": 1}]}', encoding="utf-8")
    with pytest.raises(ArtifactError, match="rows of another version"):
        rows.load_rows(path)


# --- the page


def test_a_section_shows_rows_and_what_others_published() -> None:
    row = rows.summarise(origin("default, a=1"), [result("a", 1, [1, 2], wer_seen=0.25, parameters=12345.0)])
    page = results_page.Page("small", "a set", (suites.Published("DTW", "a paper", 0.5, worst=0.0),))
    text = results_page.section(page, [row])
    assert "| default, a=1 | 1 x 1 | 0.500 (" in text
    assert "| DTW (a paper) |  | 0.500 |  | 0.000 |" in text
    assert "| WER | 0.250 |" in text
    assert "12,345" in text
    assert "WER unseen" not in text  # nothing measured, no line
    assert f"`{'a' * 12}` |" in text
    widths = {line.count("|") for line in text.split("### ")[0].splitlines() if line.startswith("|")}
    assert len(widths) == 1


def test_a_page_has_as_many_columns_as_can_be_read() -> None:
    every = {name: 0.5 for name in Figures.model_fields if name not in ("r1", "r5", "mrr")}
    models = [rows.summarise(origin(f"m{i}"), [result("a", 1, [1, 2], **every)]) for i in range(9)]
    text = results_page.section(results_page.Page("small", "a set"), models)
    assert max(line.count("|") - 1 for line in text.splitlines() if line.startswith("|")) == 8
    assert all(f"| {figure} | 0" in text for figure in ("WER unseen", "FPR right", "ms a clip"))
    assert "| figure | m7 | m8 |" in text
    with pytest.raises(ValueError, match="9 columns"):
        results_page.table(["x"] * 9, [])


def test_the_pages_of_the_repository_are_those_of_its_rows() -> None:
    pages = results_page.all_pages()
    assert len(pages) > 10
    for path, text in pages.items():
        assert path.read_text(encoding="utf-8") == text, f"{path}: run python benchmarks/results_page.py"


def test_a_command_is_told_as_others_can_type_it() -> None:
    words = ["isl_words", "--label", "two words", "--work", "/somebody/lab/suites", "--results=/lab/docs"]
    told = "python benchmarks/quality.py isl_words --label 'two words' --work suites --results=docs"
    assert results_page.typed_command("quality", words) == told


def test_no_result_tells_where_a_folder_lay_on_a_machine() -> None:
    for file in sorted(results_page.ROWS.glob("*.json")):
        for row in read_json(file).get("rows", []):
            words = shlex.split(row["origin"]["command"])
            assert not [word for word in words if Path(word.rpartition("=")[2]).is_absolute()], file.name


def test_all_pages_and_the_picture_by_one_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pages, picture = tmp_path / "pages", tmp_path / "results.png"
    pages.mkdir()
    monkeypatch.setattr(results_page, "ROWS", tmp_path)
    rows.store_row(tmp_path / "made_up.json", rows.summarise(origin(), [result("a", 1, [1, 2])]))
    assert results_page.main(["--pages", str(pages), "--picture", str(picture)]) == 0
    assert [path.name for path in pages.iterdir()] == ["made_up.md"]
    assert picture.read_bytes().startswith(b"\x89PNG")
    (tmp_path / "made_up.json").write_text('{"rows": [{"old": 1}]}', encoding="utf-8")
    assert results_page.main(["--pages", str(pages), "--picture", str(picture)]) == 2


def test_the_picture_shows_every_fold_once_and_the_yardstick() -> None:
    seeds = [result("a", 1, [1, 1]), result("a", 2, [1, 2]), result("b", 1, [2, 2])]
    suite = [rows.summarise(origin(), seeds), rows.summarise(origin("dtw"), [result("a", 0, [1, 2])])]
    (bar,) = results_plot.bars_of({"made_up": suite, "isl_words": []})
    assert bar == results_plot.Bar("made_up", (0.75, 0.0), 0.5, 0.9, 0.5)


def test_a_section_is_replaced_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "results.md"
    path.write_text("# Results\n\nby hand\n", encoding="utf-8")
    results_page.replace_section(path, "one", "first\n")
    results_page.replace_section(path, "two", "second\n")
    results_page.replace_section(path, "one", "third\n")
    text = path.read_text(encoding="utf-8")
    block = "<!-- quality:{0} -->\n{1}\n<!-- /quality:{0} -->"
    assert text == f"# Results\n\nby hand\n\n{block.format('one', 'third')}\n\n{block.format('two', 'second')}\n"
    path.write_text(text.replace("<!-- /quality:two -->", ""), encoding="utf-8")
    with pytest.raises(DataError, match="do not fit each other"):
        results_page.replace_section(path, "two", "x")


# --- folds


def fold_job(manifest: Manifest, folder: Path) -> Job:
    split = suites.fold_splits("small", SUITE, manifest, folder / "splits")["A"]
    recipe = request(folder).recipe_for(SUITE, 1)
    return Job("A", manifest, split, recipe, folder / "A-1")


def request(work: Path, **changes: object) -> quality.Request:
    plain = quality.Request("tiny", (), (1,), ("C",), "", work, "python benchmarks/quality.py small")
    return replace(plain, **changes)  # type: ignore[arg-type]


def test_a_fold_that_is_done_is_not_done_again(manifest: Manifest, tmp_path: Path) -> None:
    job, calls = fold_job(manifest, tmp_path), []

    def measure(job: Job) -> FoldResult:
        calls.append(job.fold)
        (job.folder / "store").mkdir(parents=True)
        (job.folder / "last.ckpt").write_bytes(b"x")
        return result("A", 1, [1, 2]).model_copy(update={"split_hash": job.split.hash})

    first = run_fold(job, measure)
    assert sorted(path.name for path in job.folder.iterdir()) == ["fold.json"]
    assert run_fold(job, measure) == first
    assert calls == ["A"]
    other = suites.fold_splits("other", replace(SUITE, val_fraction=0.3), manifest, tmp_path / "splits")["A"]
    with pytest.raises(ArtifactError, match="measured on another split"):
        run_fold(replace(job, split=other), measure)
    (job.folder / "fold.json").write_text("{}", encoding="utf-8")
    with pytest.raises(ArtifactError, match="not a result of this version"):
        run_fold(job, measure)


def test_the_calibration_error_of_a_row_is_that_of_all_queries_together() -> None:
    origin = rows.Origin(label="x", model="m", settings=(), command="c", date="d")
    parts = [
        result("A", 1, [1, 2]).model_copy(update={"confidences": (0.95, 0.95), "right": (True, False)}),
        result("B", 1, [1, 1]).model_copy(update={"confidences": (0.95, 0.95), "right": (True, True)}),
    ]
    assert rows.summarise(origin, parts).pooled_ece == pytest.approx(0.2)  # 0.45 and 0.05 by themselves
    assert rows.summarise(origin, [parts[0], result("B", 1, [1])]).pooled_ece is None


def test_the_clock_counts_the_sittings_before_a_kill(
    manifest: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = fold_job(manifest, tmp_path)
    job.folder.mkdir()
    (job.folder / "recipe.json").write_text("{}", encoding="utf-8")
    history = job.folder / "training_history.csv"
    history.write_text("", encoding="utf-8")
    killed = {"seconds": 100.0, "started": history.stat().st_mtime - 20.0}
    (job.folder / "clock.json").write_text(json.dumps(killed), encoding="utf-8")
    resumed = []
    monkeypatch.setattr(
        folds, "train", lambda manifest, split, recipe, options, initial: resumed.append(options.resume)
    )
    folds._train(job)
    assert resumed == [True]
    clock = json.loads((job.folder / "clock.json").read_text(encoding="utf-8"))
    assert clock["seconds"] == pytest.approx(120, abs=5)
    assert clock["started"] is None


def test_models_of_one_recipe_share_a_folder_whatever_the_seed(tmp_path: Path) -> None:
    plain = request(tmp_path)
    assert folds.recipe_hash(plain.recipe_for(SUITE, 1)) == folds.recipe_hash(plain.recipe_for(SUITE, 2))
    changed = replace(plain, settings=("optimiser.epochs=3",))
    assert changed.recipe_for(SUITE, 1).optimiser.epochs == 3  # the command line comes after the suite
    assert changed.model(SUITE) != plain.model(SUITE)
    assert changed.row_label() == "tiny, optimiser.epochs=3 (only C)"
    assert replace(plain, label="mine", folds=()).row_label() == "mine"


@pytest.mark.slow
def test_a_suite_is_measured_once(
    work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = request(work)
    (row,) = quality.measure_suite("small", SUITE, asked, tmp_path)
    assert "small: tiny-" in capsys.readouterr().err
    (line,) = row.folds
    assert line.num_queries == row.by_signer["C"][1] > 0
    assert line.figures.parameters is not None
    measured = line.figures.model_dump()
    # What no clip proved is not there: sets want nine validation clips, precisions an answer, signers more sentences.
    unproven = {"precision", "covered", "set_size", "choices_right", "prototype_precision"}
    unproven |= {name for name in measured if name.startswith("known_")}
    assert {name for name, value in measured.items() if value is None} <= unproven
    folder = work / "runs" / "small" / asked.model(SUITE) / "C-1"
    report = json.loads((folder / "report" / "report.json").read_text(encoding="utf-8"))
    assert report["retrieval"][0]["recall_at_1"]["estimate"] == line.figures.r1
    assert report["retrieval"][0]["mrr"]["estimate"] == pytest.approx(line.figures.mrr)
    assert not any((folder / name).exists() for name in ("store", "index", "last.ckpt", "tensorboard"))
    assert (folder / "best.safetensors").exists()

    def refuse(*_: object) -> None:
        raise AssertionError("trained again")

    monkeypatch.setattr(folds, "train", refuse)
    assert quality.measure_suite("small", SUITE, asked, tmp_path) == (row,)
    (folder / "fold.json").write_text("{}", encoding="utf-8")  # measuring anew does not look at it
    (again,) = quality.measure_suite("small", SUITE, replace(asked, again=True), tmp_path)
    same = {"ms": None}
    assert again.folds[0].figures.model_copy(update=same) == line.figures.model_copy(update=same)
    with pytest.raises(ConfigError, match="no fold 'X'; there are A, B, C"):
        quality.measure_suite("small", SUITE, replace(asked, folds=("X",)), tmp_path)
    with pytest.raises(ConfigError, match="no setting 'nothing'"):
        quality.measure_suite("small", SUITE, replace(asked, settings=("nothing=1",)), tmp_path)


@pytest.mark.parametrize(
    ("recipe", "note"), [("dtw", "exact, not banded"), ("taught", "is taught every training clip")]
)
def test_what_needs_no_training_finds_the_same_signing(
    recipe: str, note: str, work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quality, "SPLITS", tmp_path)
    monkeypatch.setitem(quality.SUITES, "small", SUITE)
    monkeypatch.setattr(results_page, "ROWS", tmp_path / "rows")
    (tmp_path / "rows").mkdir()
    assert quality.main(["small", "--recipe", recipe, "--work", str(work), "--results", str(tmp_path)]) == 0
    (row,) = [row for row in rows.load_rows(work / "small.json") if row.origin.label == recipe]
    assert row.r1.estimate == 1.0
    assert row.mean.enrolled_1 == 1.0
    assert row.mean.minutes is None
    assert not list((work / "runs" / "small" / row.origin.model).rglob("store"))
    assert note in (tmp_path / "small.md").read_text(encoding="utf-8")
    assert rows.load_rows(tmp_path / "rows" / "small.json") == (row,)


def test_dtw_distances_are_those_of_a_plain_loop(manifest: Manifest, tmp_path: Path) -> None:
    baseline = dtw_baseline.DtwBaseline(manifest, tmp_path / "store")
    one, other = manifest.records[0], manifest.records[4]
    found = baseline.distances([one], [other, one])
    clips, row_of = baseline._clips
    assert clips.shape[1:] == (64, 2 * (5 + 10 + 10))
    a, b = clips[row_of[one.clip_id]].astype(float), clips[row_of[other.clip_id]].astype(float)
    costs = np.linalg.norm(a[:, None] - b[None], axis=-1)
    total = np.full((65, 65), np.inf)
    total[0, 0] = 0
    for i in range(64):
        for j in range(64):
            total[i + 1, j + 1] = costs[i, j] + min(total[i, j + 1], total[i + 1, j], total[i, j])
    np.testing.assert_allclose(found, [[total[64, 64], 0]], rtol=1e-4, atol=0.2)


def test_ranks_are_of_sentences_by_their_closest_clip() -> None:
    distances = np.array([[3, 1, 2, 9], [3, 1, 2, 9], [5, 5, 5, 5]], dtype=np.float32)
    found = dtw_baseline.sentence_ranks(distances, ["a", "b", "a", "c"], ["a", "c", "not indexed"])
    np.testing.assert_array_equal(found, [2, 3, 0])


# --- the command line


def test_missing_clips_end_with_a_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SIGNTALK_DATA", str(tmp_path))
    assert quality.main(["asl_sentences", "--work", str(tmp_path / "work")]) == 2
    assert "set SIGNTALK_DATA" in capsys.readouterr().err
    assert quality.main(["no_such_suite"]) == 2
    assert "no suite 'no_such_suite'; there are asl_sentences" in capsys.readouterr().err


def test_leaving_signers_out_of_a_folder_of_ones_own(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def measure(job: Job) -> FoldResult:
        assert job.keep
        return result(job.fold, job.recipe.seed, [1, 2]).model_copy(update={"split_hash": job.split.hash})

    monkeypatch.setattr(loso, "train_and_measure", measure)
    page = tmp_path / "results.md"
    arguments = [str(data / "made_up"), "--out", str(tmp_path / "loso"), "--results", str(page), "--title", "mine"]
    assert loso.main(arguments) == loso.main(arguments) == 0
    assert page.read_text(encoding="utf-8").count("## mine\n\nleave one signer out.") == 1
    assert "| default | 3 x 1 | 0.500" in capsys.readouterr().out
    assert loso.main([str(tmp_path), "--out", str(tmp_path / "x")]) == 2


def test_the_list_and_the_splits_need_no_training(
    work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(quality, "SUITES", {"made_up": SUITE})
    monkeypatch.setattr(suites, "SUITES", {"made_up": SUITE})
    monkeypatch.setattr(quality, "SPLITS", tmp_path)
    assert quality.main(["--list"]) == 0
    assert "made_up                   33     10  " in capsys.readouterr().out
    assert quality.main(["made_up", "--splits-only", "--work", str(work)]) == 0
    assert capsys.readouterr().out.startswith("made_up A ")
    with_settings = (["made_up", "--recipe", recipe, "--set", "seed=1"] for recipe in ("dtw", "taught"))
    for wrong in ([], *with_settings):
        with pytest.raises(SystemExit, match="2"):
            quality.main(wrong)
