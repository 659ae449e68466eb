"""The real commands in this process, and their failures: one line, exit code 2, nothing left behind."""

import io
import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from made.bundles import old_bundle
from made.commands import run_cli
from made.small_run import SmallRun
from signtalk.cli import console
from signtalk.data.manifest import ClipRecord, load_manifest, table_path
from signtalk.data.roles import SplitConfig
from signtalk.data.splits import Split
from signtalk.files import read_csv, write_csv


def test_help_is_quick_and_names_every_command() -> None:
    started = time.perf_counter()
    done = subprocess.run([sys.executable, "-m", "signtalk", "--help"], capture_output=True, text=True, check=True)
    took = time.perf_counter() - started
    bare = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import typer.rich_utils"], capture_output=True, check=True)
    assert took < 4 * (time.perf_counter() - bare)  # no torch, no NumPy: little more than typer itself
    for command in (
        "train",
        "index",
        "evaluate",
        "recognize",
        "search",
        "export",
        "enroll",
        "forget",
        "list",
        "demo",
        "data",
        "bundle",
        "extract",
        "models",
        "import",
        "play",
        "segment",
    ):
        assert command in done.stdout


@pytest.mark.parametrize(
    "command",
    [
        "train", "index", "evaluate", "recognize", "search", "export", "demo", "data check", "data pack",
        "data synthesize", "data split", "data stats", "bundle verify", "extract", "models install", "import",
        "export-clips", "play", "enroll", "forget", "list", "stress", "segment", "fit-segmenter",
    ],
)  # fmt: skip
def test_every_command_has_help_with_an_example(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_cli(monkeypatch, *command.split(), "--help") == 0
    assert f"signtalk {command}" in " ".join(capsys.readouterr().out.split())


def test_version(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_cli(monkeypatch, "--version") == 0
    assert capsys.readouterr().out.strip() == "0.1.0"


def test_the_whole_chain_by_commands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data, split, run = tmp_path / "data", tmp_path / "split.json", tmp_path / "run"

    def ask(*arguments: object) -> dict[str, object]:
        assert run_cli(monkeypatch, *arguments, "--json") == 0
        found: dict[str, object] = json.loads(capsys.readouterr().out)
        return found

    ask("data", "synthesize", data, "--sentences", 12, "--signers", 3)
    assert len(ask("data", "check", data)["clips_by_sentence"]) == 12
    assert ask("data", "pack", data, "--out", tmp_path / "store", "--recipe", "tiny")["left_out"] == []
    made = ask("data", "split", data, "--test-signer", "C", "--val-fraction", 0.2, "--out", split)
    assert made["test"] > 0
    stats = ask("data", "stats", data, "--split", split, "--out", tmp_path / "global_stats.npz")
    assert stats["clips"] == made["train"] == len(np.load(tmp_path / "global_stats.npz")["seq_lengths"])
    small = ("--recipe", "tiny", "--set", "optimiser.epochs=1")
    assert ask("train", data, "--split", split, "--out", run, *small)["epochs"] == 1
    assert ask("index", run, "--data", data)["num_references"] == made["train"]
    report = ask("evaluate", run, "--data", data)
    assert report["split_hash"] == made["hash"]
    assert (run / "report" / "report.md").is_file()
    clip = next(data.rglob("*C.npz"))
    answers = ask("recognize", clip, "--run", run)
    assert answers[str(clip)]["candidates"][0]["rank"] == 1
    old = ask("recognize", clip, "--run", run, "--prototype-gate")
    assert old[str(clip)]["reason"] in {"", "low_similarity", "ambiguous_top2", "prototype_disagreement"}


def test_tables_for_people(
    own_run: SmallRun, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clip = next(own_run.data.rglob("*.npz"))
    for arguments in (
        ("data", "check", own_run.data),
        ("evaluate", own_run.run, "--data", own_run.data),
        ("recognize", clip, "--bundle", own_run.bundle),
        ("search", "where does it hurt", "--run", own_run.run),
        ("export", own_run.run, "--out", own_run.out / "again"),
        ("bundle", "verify", own_run.bundle),
        ("demo", "--small", "--out", own_run.out),
    ):
        assert run_cli(monkeypatch, *arguments) == 0
        assert len(capsys.readouterr().out) > 50


def bad_calls(small_run: SmallRun, tmp_path: Path) -> dict[str, tuple[object, ...]]:
    (tmp_path / "empty.npy").write_bytes(b"")
    (tmp_path / "text.txt").write_text("x")
    np.save(tmp_path / "wrong.npy", np.zeros((5, 7), dtype=np.float32))
    np.save(tmp_path / "objects.npy", np.array([{}], dtype=object), allow_pickle=True)
    split = small_run.run / "split.json"
    train = ("train", small_run.data, "--split", split, "--out")
    return {
        "no folder": ("data", "check", tmp_path / "none"),
        "no run": ("evaluate", tmp_path / "none", "--data", small_run.data),
        "empty clip": ("recognize", tmp_path / "empty.npy", "--run", small_run.run),
        "wrong shape": ("recognize", tmp_path / "wrong.npy", "--run", small_run.run),
        "pickled clip": ("recognize", tmp_path / "objects.npy", "--run", small_run.run),
        "not a clip": ("recognize", tmp_path / "text.txt", "--run", small_run.run),
        "search nowhere": ("search", "pain"),
        "search for nothing": ("search", "?!", "--run", small_run.run),
        "no such category": ("search", "pain", "--run", small_run.run, "--category", "astronomy"),
        "no sentences": ("index", small_run.run, "--data", small_run.data, "--written", tmp_path / "none.txt"),
        "neither run nor bundle": ("recognize", tmp_path / "wrong.npy"),
        "not a bundle": ("bundle", "verify", tmp_path / "text.txt"),
        "no such recipe": (*train, tmp_path / "new", "--recipe", "best"),
        "no such setting": (*train, tmp_path / "new", "--set", "optimiser.speed=3"),
        "setting out of range": (*train, tmp_path / "new", "--set", "optimiser.epochs=-1"),
        "run exists": (*train, small_run.run, "--recipe", "tiny"),
        "nothing to resume": (*train, tmp_path / "new", "--resume"),
        "unwritable": ("data", "synthesize", tmp_path / "text.txt" / "below"),
        "unknown signer": ("data", "split", small_run.data, "--test-signer", "Z", "--out", tmp_path / "s.json"),
        "bad fraction": ("data", "split", small_run.data, "--val-fraction", "7", "--out", tmp_path / "s.json"),
        "sizes that do not fit": (*train, tmp_path / "new", "--set", "network.num_heads=5"),
        "texts that do not fit": (*train, tmp_path / "new", "--set", "network.max_tokens=2"),
        "export into a run": ("export", small_run.run, "--out", small_run.run),
        "signers without need": (
            "data",
            "split",
            small_run.data,
            "--protocol",
            "unseen_sentence",
            "--test-size",
            "2",
            "--out",
            tmp_path / "s.json",
        ),
        "unknown option": ("data", "check", small_run.data, "--hurry"),
        "no smoothing": ("recognize", tmp_path / "wrong.npy", "--run", small_run.run, "--smoothing-alpha", "0"),
        "no frame rate": ("recognize", tmp_path / "wrong.npy", "--run", small_run.run, "--fps", "0"),
        "negative frame rate": ("recognize", tmp_path / "wrong.npy", "--run", small_run.run, "--fps", "-5"),
        "nan frame rate": ("recognize", tmp_path / "wrong.npy", "--run", small_run.run, "--fps", "nan"),
        "nan smoothing": ("recognize", tmp_path / "wrong.npy", "--run", small_run.run, "--smoothing-alpha", "nan"),
        "nan precision": ("index", small_run.run, "--data", small_run.data, "--precision", "nan"),
    }


# Options that typer refuses by itself, in a box.
BOXED = {
    "unknown option", "no smoothing", "no frame rate", "negative frame rate", "nan frame rate", "nan smoothing",
    "nan precision",
}  # fmt: skip


def test_bad_input_is_one_line_and_exit_code_2(
    small_run: SmallRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    calls = bad_calls(small_run, tmp_path)
    before = sorted(tmp_path.iterdir())
    for name, arguments in calls.items():
        assert run_cli(monkeypatch, *arguments) == 2, name
        printed = capsys.readouterr()
        assert "Traceback" not in printed.err, name
        if name not in BOXED:
            assert printed.err.startswith("signtalk: "), name
            assert len(printed.err.strip().splitlines()) == 1, (name, printed.err)
    assert sorted(tmp_path.iterdir()) == before


def test_one_bad_clip_among_others_is_left_out(
    small_run: SmallRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = tmp_path / "bad.npz"
    bad.write_bytes(b"PK\x03\x04 no zip")
    good = next(small_run.data.rglob("*.npz"))
    assert run_cli(monkeypatch, "recognize", bad, good, "--run", small_run.run, "--json") == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out)[str(bad)] is None
    assert "left out" in printed.err
    assert run_cli(monkeypatch, "recognize", bad, good, "--run", small_run.run, "--strict") == 2


def test_a_clip_without_shoulders_is_named_and_no_answer_at_all_is_a_failure(
    small_run: SmallRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    good = next(small_run.data.rglob("*.npz"))
    arrays = dict(np.load(good))
    hidden = np.isin(arrays["landmark_names"], ["left_shoulder", "right_shoulder"])
    arrays["landmarks"] = np.where(hidden[None, :, None], np.nan, arrays["landmarks"]).astype(np.float32)
    bad = [tmp_path / "bad.npz", tmp_path / "worse.npz"]
    for path in bad:
        np.savez(path, **arrays)
    assert run_cli(monkeypatch, "recognize", *bad, "--run", small_run.run) == 2
    printed = capsys.readouterr()
    told = printed.err.strip().splitlines()
    assert [line.split(":")[:2] for line in told[:2]] == [["left out", f" {path}"] for path in bad]
    assert told[2].startswith("signtalk: none of the 2 clips")
    assert "Answers" not in printed.out
    assert run_cli(monkeypatch, "recognize", bad[0], "--run", small_run.run) == 2
    assert capsys.readouterr().err.startswith(f"signtalk: {bad[0]}: no frame shows both shoulders")


def test_what_is_left_out_is_told_by_every_command(
    small_run: SmallRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data, run, split = tmp_path / "data", tmp_path / "run", tmp_path / "split.json"
    shutil.copytree(small_run.data, data)
    columns, rows = read_csv(table_path(data))
    wordless = Path(rows[0]["video_file"]).stem
    rows[0]["sentence"], rows[0]["text_variations"] = "?!", ""
    write_csv(table_path(data), columns, rows)
    make_split = ("data", "split", data, "--test-signer", "C", "--out", split)
    assert run_cli(monkeypatch, *make_split) == 0
    assert capsys.readouterr().err.startswith(f"left out: 1 (first: {wordless}: the text '?!' holds no word")
    assert run_cli(monkeypatch, *make_split, "--json") == 0
    printed = capsys.readouterr()
    assert [problem["clip_id"] for problem in json.loads(printed.out)["left_out"]] == [wordless]
    assert printed.err == ""
    manifest = load_manifest(data)
    broken = Split.load(split, manifest).records(manifest, "train")[0]
    broken.feature_path.write_bytes(b"no clip")
    train = ("train", data, "--split", split, "--out", run, "--recipe", "tiny", "--set", "optimiser.epochs=1")
    assert run_cli(monkeypatch, *train, "--json") == 0
    left_out = [wordless, broken.clip_id]
    assert [problem["clip_id"] for problem in json.loads(capsys.readouterr().out)["left_out"]] == left_out
    for command in (("index", run, "--data", data), ("evaluate", run, "--data", data)):
        assert run_cli(monkeypatch, *command) == 0
        assert "left out: 2 (first: " in capsys.readouterr().err


def test_a_strict_training_stops_at_a_damaged_clip(
    small_run: SmallRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(small_run.data, tmp_path / "data")
    broken = next((tmp_path / "data").rglob("*A.npz"))
    broken.write_bytes(b"no clip")
    split = small_run.run / "split.json"
    train = ("train", tmp_path / "data", "--split", split, "--out", tmp_path / "run", "--recipe", "tiny", "--strict")
    assert run_cli(monkeypatch, *train) == 2
    told = capsys.readouterr().err
    assert str(broken) in told
    assert "pickle=" not in told
    assert not (tmp_path / "run" / "recipe.json").exists()


def test_the_split_takes_its_defaults_from_one_place(
    small_run: SmallRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "split.json"
    assert run_cli(monkeypatch, "data", "split", small_run.data, "--test-signer", "C", "--out", out) == 0
    defaults = SplitConfig(test_signers=("C",)).model_dump(mode="json", exclude_none=True)
    assert json.loads(out.read_text())["config"] == defaults
    given = ("--protocol", "unseen_sentence", "--test-size", "0.3", "--out", out)
    assert run_cli(monkeypatch, "data", "split", small_run.data, *given) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"signtalk: {out}: is there and holds another split") and error.count("\n") == 1
    assert json.loads(out.read_text())["config"] == defaults
    assert run_cli(monkeypatch, "data", "split", small_run.data, *given, "--force") == 0
    assert json.loads(out.read_text())["config"]["test_size"] == 0.3


def test_a_fault_of_the_system_that_nobody_foresaw_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device", str(tmp_path / "x"))

    monkeypatch.setattr("signtalk.synthetic.dataset.write_dataset", full)
    assert run_cli(monkeypatch, "data", "synthesize", tmp_path / "made-up") == 2
    error = capsys.readouterr().err
    assert (
        error
        == f"signtalk: {tmp_path}/x: cannot be read or written (No space left on device); check the path and the disk\n"
    )


def test_the_check_leaves_its_report_or_says_why_not(
    small_run: SmallRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data"
    shutil.copytree(small_run.data, data)
    shutil.rmtree(data / ".signtalk")
    assert run_cli(monkeypatch, "data", "check", data, "--json") == 0
    shown = json.loads(capsys.readouterr().out)
    assert json.loads((data / ".signtalk" / "report.json").read_text()) == shown
    assert (data / ".signtalk" / "report.md").read_text().startswith("# Data check of")
    assert (data / ".signtalk" / "data.png").is_file()
    shutil.rmtree(data / ".signtalk")
    (data / ".signtalk").write_text("in the way")
    assert run_cli(monkeypatch, "data", "check", data) == 0
    printed = capsys.readouterr()
    assert "not written: " in printed.err
    assert "clips per sentence" in printed.out


def test_ctrl_c_says_how_to_go_on(
    small_run: SmallRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from signtalk.training.module import SignTraining

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.getsignal(signal.SIGINT)
    monkeypatch.setattr(SignTraining, "training_step", stop)
    train = ("train", small_run.data, "--split", small_run.run / "split.json", "--out", tmp_path / "run")
    assert run_cli(monkeypatch, *train, "--recipe", "tiny", "--json") == 130
    signal.signal(signal.SIGINT, before)  # Lightning leaves it ignored
    assert "signtalk: stopped; go on with --resume" in capsys.readouterr().err
    assert (tmp_path / "run" / "recipe.json").is_file()


def trained_record(small_run: SmallRun) -> ClipRecord:
    manifest = load_manifest(small_run.data)
    return Split.load(small_run.run / "split.json", manifest).records(manifest, "train")[0]


def test_clips_are_found_by_text_from_run_and_bundle_alike(
    small_run: SmallRun, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    record = trained_record(small_run)
    found = []
    for place in (("--run", small_run.run), ("--bundle", small_run.bundle)):
        assert run_cli(monkeypatch, "search", f"{record.sentence} zebras", *place, "-k", 3, "--json") == 0
        found.append(json.loads(capsys.readouterr().out))
    run, bundle = found
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


def test_sentences_are_written_into_an_index(
    small_run: SmallRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    shutil.copytree(small_run.run, run)
    known = trained_record(small_run).sentence
    (tmp_path / "new.csv").write_text(f"sentence,category\nThe zebra is here,animals\n{known},x\n", encoding="utf-8")
    index = ("index", run, "--data", small_run.data, "--json")
    assert run_cli(monkeypatch, *index) == 0
    before = json.loads(capsys.readouterr().out)
    assert run_cli(monkeypatch, *index, "--written", tmp_path / "new.csv") == 0
    after = json.loads(capsys.readouterr().out)
    assert after["written"]["num"] + len(after["written"]["already"]) == 2
    assert after["written"]["unknown_words"] == ["The zebra is here"]
    assert after["num_sentences"] == before["num_sentences"] + after["written"]["num"]
    assert after["num_references"] == before["num_references"]
    clip = next(small_run.data.rglob("*.npz"))
    assert run_cli(monkeypatch, "recognize", clip, "--run", run, "--json") == 0
    assert json.loads(capsys.readouterr().out)[str(clip)]["candidates"]
    assert run_cli(monkeypatch, "search", "the zebra", "--run", run, "--json", "-k", 99) == 0
    assert "The zebra is here" not in {hit["sentence"] for hit in json.loads(capsys.readouterr().out)["clips"]}


def test_a_name_that_is_not_utf8_is_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.BytesIO()
    with io.TextIOWrapper(written, encoding="utf-8", write_through=True) as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        monkeypatch.setattr(sys, "stderr", stream)
        for as_json in (False, True):
            console.show({"video": "caf\udce9"}, as_json)
        console.print_error("caf\udce9: empty file")
        assert written.getvalue().decode().count(r"caf\udce9") == 3
