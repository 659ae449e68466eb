"""`signtalk enroll`, `forget` and `list` over a run and a bundle, and what they refuse."""

import hashlib
import json
import shutil
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from made.small_run import SmallRun
from signtalk.bundle.bundle import open_bundle
from signtalk.data.manifest import clip_of_record, load_manifest
from signtalk.files import save_array
from signtalk.landmarks.clip import LandmarkClip, save_clip
from signtalk.landmarks.legacy_rows import to_prototype_rows
from signtalk.recognition.decision import write_decision
from signtalk.recognition.gate import GateConfig
from signtalk.recognition.recognizer import DecisionConfig


@pytest.fixture
def clips(small_run: SmallRun):
    """Files of three clips of a signer whom training never saw, and an idle one."""
    records = load_manifest(small_run.data).records
    signing = [record.feature_path for record in records if record.signer_id == "C" and not record.is_idle]
    idle = next(record.feature_path for record in records if record.is_idle)
    return [*signing[:3], idle]


def digest(path: Path) -> str:
    files = [path] if path.is_file() else sorted(each for each in path.rglob("*") if each.is_file())
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def test_an_enrolled_sentence_is_told_as_not_proven_in_table_and_json(small_run, tmp_path, clips, ask):
    place = ("--bundle", small_run.bundle, "--index", tmp_path / "mine")
    ask("enroll", "The pump beeps", clips[0], *place, "--json")
    gate = GateConfig(threshold=0.0, motion_floor=0.0, precision_asked=0.98, precision_reached=True)
    with open_bundle(small_run.bundle) as bundle:
        encoder_id = bundle.recognizer.index.encoder_id
    write_decision(tmp_path / "here.json", DecisionConfig(gate=gate, translate=False), {}, encoder_id)
    query = ("recognize", clips[0], *place, "--calibration", tmp_path / "here.json")
    answer = ask(*query, "--json")[str(clips[0])]
    assert (answer["outcome"], answer["reason"], answer["text"]) == ("choices", "not_proven", None)
    assert (answer["promise"]["population"], answer["promise"]["proven"]) == ("enrolled", False)
    plain = " ".join(ask(*query).out.replace("\u2502", " ").split())
    assert "one of these? The pump beeps" in plain and "(not proven)" in plain
    shown = ask(*query, "--policy", "research", "--json")[str(clips[0])]
    assert (shown["outcome"], shown["text"], shown["promise"]) == ("answer", "The pump beeps", answer["promise"])
    plain = " ".join(ask(*query, "--policy", "research").out.replace("\u2502", " ").split())
    assert "The pump beeps (1.00) (not proven)" in plain or "(not proven)" in plain
    assert "strict" in ask(*query, "--policy", "lax", code=2).err


@pytest.mark.parametrize("kind", ["run", "bundle"])
def test_a_sentence_is_enrolled_answered_listed_and_forgotten(kind, small_run, tmp_path, clips, ask):
    source = {"run": small_run.run, "bundle": small_run.bundle}[kind]
    before, mine = digest(source), tmp_path / "mine"
    place = (f"--{kind}", source)
    more = ("--index", mine, "--category", "devices", "--signer", "s07", "--json")
    told = ask("enroll", "The pump beeps", clips[0], clips[1], *place, *more)
    assert (told["num_references"], told["category"], told["index"]) == (2, "devices", str(mine))
    assert len(told["nearest"]) == 3
    assert isinstance(told["warnings"], list)

    answer = ask("recognize", clips[0], *place, "--index", mine, "--json")[str(clips[0])]
    assert answer["candidates"][0]["clip_id"] == told["clip_ids"][0]
    assert answer["candidates"][0]["sentence"] == "The pump beeps"
    assert "The pump beeps" not in json.dumps(ask("recognize", clips[0], *place, "--json"))
    hits = ask("search", "the pump beeps", *place, "--index", mine, "-k", 500, "--json")["clips"]
    assert set(told["clip_ids"]) <= {hit["clip_id"] for hit in hits}

    listed = ask("list", *place, "--index", mine, "--json")["sentences"]
    assert {each["layer"] for each in listed} == {"base", "personal"}
    own = {
        "layer": "personal", "sentence": "The pump beeps", "sentence_id": told["sentence_id"], "category": "devices",
        "num_clips": 2, "signers": ["s07"], "clip_ids": told["clip_ids"], "kept_clip_ids": [], "language": "",
        "date": date.today().isoformat(),
    }  # fmt: skip
    assert [each for each in listed if each["layer"] == "personal"] == [own]
    assert ask("list", "--index", mine, "--category", "DEVICES", "--json")["sentences"] == [own]
    assert ask("list", *place, "--category", "devices", "--json")["sentences"] == []

    gone = ask("forget", "--clip", told["clip_ids"][1], "--index", mine, "--json")
    assert gone == {"index": str(mine), "sentences": ["The pump beeps"], "clip_ids": [told["clip_ids"][1]]}
    assert "forgotten: The pump beeps (clips: 1)" in ask("forget", "the pump beeps", "--index", mine).out
    assert ask("list", "--index", mine, "--json")["sentences"] == []
    assert digest(source) == before


def test_tables_for_people(small_run, tmp_path, clips, ask):
    place = ("--run", small_run.run, "--index", tmp_path / "mine")
    told = ask("enroll", "[bold]The pump beeps", clips[0], clips[1], *place)
    assert "enrolled: '[bold]The pump beeps', 2 clips, now 2 in all" in told.out
    assert "Nearest other sentences" in told.out
    listed = ask("list", "--index", tmp_path / "mine").out
    assert "Sentences: 1" in listed
    assert "[bold]The pump beeps" in listed


def test_a_runs_own_index_is_changed_only_when_told_so(small_run, tmp_path, clips, ask):
    run = tmp_path / "run"
    shutil.copytree(small_run.run, run)
    told = ask("enroll", "The pump beeps", clips[0], "--run", run, "--base", "--json")
    assert told["index"] == str(run / "index")
    kept = ("enroll", "Other", clips[1], "--run", run, "--base", "--consent", "train")
    assert "keep clips in a personal one" in " ".join(ask(*kept, code=2).err.split())
    assert not (run / "index" / "takes.csv").exists()
    answer = ask("recognize", clips[0], "--run", run, "--json")[str(clips[0])]
    assert answer["candidates"][0]["sentence"] == "The pump beeps"
    assert "is there already" in ask("enroll", "Other", clips[0], "--run", run, "--base", code=2).err
    assert (
        "is the run's own index" in ask("enroll", "X y", clips[1], "--run", run, "--index", run / "index", code=2).err
    )
    assert ask("forget", "the pump beeps", "--run", run, "--base", "--json")["clip_ids"] == told["clip_ids"]


def test_a_file_of_the_prototype_is_enrolled(small_run, tmp_path, clips, ask):
    clip = clip_of_record(next(r for r in load_manifest(small_run.data).records if r.feature_path == clips[0]))
    save_array(tmp_path / "clip.npy", to_prototype_rows(clip))
    place = ("--bundle", small_run.bundle, "--index", tmp_path / "mine", "--json")
    told = ask("enroll", "The pump beeps", tmp_path / "clip.npy", *place, "--smoothing-alpha", 1, "--fps", 25)
    assert told["clip_ids"][0].startswith("clip-")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("enroll", "{clip}", "{clip}", "{bundle}", "{index}"), "is the name of a clip; give what the clips say first"),
        (("enroll", "?!", "{clip}", "{bundle}", "{index}"), "the text '?!' holds no word"),
        (("enroll", "The pump beeps", "{clip}", "{bundle}"), "give --index with a folder"),
        (("enroll", "The pump beeps", "{clip}", "{bundle}", "{index}", "--base"), "give either --index"),
        (("enroll", "The pump beeps", "{clip}", "{bundle}", "--base"), "--base changes the index of a run"),
        (("enroll", "The pump beeps", "{clip}", "{index}"), "give either --run or --bundle"),
        (("enroll", "The pump beeps", "{clip}", "{clip}", "{bundle}", "{index}"), "two clips of the same file name"),
        (("enroll", "The pump beeps", "{idle}", "{bundle}", "{index}"), "the hands rest, so film the signing"),
        (("enroll", "The pump beeps", "{handless}", "{bundle}", "{index}"), "0% of the frames show a hand"),
        (("enroll", "The pump beeps", "gone.npz", "{bundle}", "{index}"), "gone.npz"),
        (("forget", "{index}"), "nothing to forget"),
        (("forget", "The pump beeps", "{index}"), "no such index"),
        (("forget", "The pump beeps", "--base"), "give --run"),
        (("list",), "nothing to list"),
        (("list", "{index}"), "no such file"),
        (("recognize", "{clip}", "{bundle}", "{index}"), "no such index; `signtalk enroll` makes one"),
    ],
)
def test_refusals_are_one_line_and_leave_nothing(arguments, message, small_run, tmp_path, clips, ask):
    clip = clip_of_record(next(r for r in load_manifest(small_run.data).records if r.feature_path == clips[0]))
    landmarks = clip.landmarks.copy()
    landmarks[:, 33:75] = np.nan
    save_clip(tmp_path / "handless.npz", LandmarkClip(landmarks, clip.visibility, clip.timestamps_s, clip.aspect))
    given = {
        "{clip}": (clips[0],), "{idle}": (clips[3],), "{handless}": (tmp_path / "handless.npz",),
        "{bundle}": ("--bundle", small_run.bundle), "{index}": ("--index", tmp_path / "mine"),
    }  # fmt: skip
    told = ask(*(part for argument in arguments for part in given.get(argument, (argument,))), code=2)
    assert message in told.err
    assert told.err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["handless.npz"]


def test_a_warning_is_told_and_strict_refuses(small_run, tmp_path, clips, ask):
    """Two clips as one sentence, of which the first is a trembling copy of another sentence's clip."""
    record = next(r for r in load_manifest(small_run.data).records if r.feature_path == clips[0])
    place = ("--bundle", small_run.bundle, "--index", tmp_path / "mine")
    ask("enroll", record.sentence, clips[0], *place, "--json")
    clip = clip_of_record(record)
    tremble = np.random.default_rng(0).normal(0, 0.005, clip.landmarks.shape).astype(np.float32)
    save_clip(
        tmp_path / "twin.npz", LandmarkClip(clip.landmarks + tremble, clip.visibility, clip.timestamps_s, clip.aspect)
    )
    told = ask("enroll", "The pump beeps", tmp_path / "twin.npz", clips[2], *place, "--strict", code=2)
    assert "'The pump beeps' is not enrolled: twin.npz is less like the sentence's other clips" in told.err
    told = ask("enroll", "The pump beeps", tmp_path / "twin.npz", clips[2], *place)
    assert "warning: twin.npz is less like" in told.err
