"""`signtalk carry` and `signtalk collection` from the base in the package to a bundle of other signs, as clinics do."""

import pytest

from made.commands import terminal
from made.old_index import write_old_index
from made.taught import ruled, signed
from signtalk.index.index import SentenceIndex
from signtalk.index.personal import takes_of
from signtalk.landmarks.clip import save_clip
from signtalk.recognition.enrolment import NewSentence
from signtalk.recognition.said import remember


@pytest.fixture
def files(tmp_path):
    for number in (1, 2):
        save_clip(tmp_path / f"n{number}.npz", signed(number))
    return [tmp_path / f"n{number}.npz" for number in (1, 2)]


@pytest.mark.slow
def test_what_was_taught_outlives_the_model_and_the_machine(tmp_path, files, ask, small_run):
    mine, other, file = tmp_path / "mine", tmp_path / "other", tmp_path / "mine.zip"
    told = ("--index", mine, "--signer", "s07", "--language", "tw", "--json")
    taught = ask("enroll", "The pump beeps", files[0], "--bundle", "base", *told, "--consent", "train")
    ask("enroll", "Where does it hurt?", files[1], "--bundle", "base", *told)
    (take,) = [take for take in takes_of(mine).values() if take.consent]
    assert (take.clip_id, take.language, take.signer_id) == (taught["clip_ids"][0], "tw", "s07")
    listed = ask("list", "--index", mine, "--json")["sentences"]
    assert [(each["language"], each["date"], each["kept_clip_ids"]) for each in listed] == [
        ("tw", take.date, taught["clip_ids"]), ("tw", take.date, []),
    ]  # fmt: skip

    exported = ask("collection", "export", mine, file, "--json")
    assert exported == {"path": str(file), "num_sentences": 1, "num_clips": 1, "num_training": 1, "left_out": []}
    with terminal(300):
        assert "clips that may train: 1" in ask("collection", "export", mine, file, "--training").out
    report = ask("collection", "import", file, other, "--bundle", small_run.bundle, "--json")
    assert (report["clip_ids"], report["num_known"], report["left_out"]) == (taught["clip_ids"], 0, [])

    refused = ask("carry", mine, "--bundle", small_run.bundle, code=2).err
    assert "cannot be carried: 'Where does it hurt?' (1 of 1 clips)" in refused and "--without-missing" in refused
    carried = ask("carry", mine, "--bundle", small_run.bundle, "--without-missing", "--json")
    assert (carried["sentences"], carried["clip_ids"]) == (["The pump beeps"], taught["clip_ids"])
    assert [problem["kind"] for problem in carried["left_out"]] == ["not_kept"]
    assert SentenceIndex.load(mine).encoder_id == SentenceIndex.load(other).encoder_id
    assert ask("forget", "The pump beeps", "--index", mine, "--json")["clip_ids"] == taught["clip_ids"]
    assert not (mine / "clips").exists()


def test_an_index_of_before_is_carried_by_one_command(tmp_path, files, ask):
    taught = {"n1.npz": ("The pump beeps", signed(1)), "n2.npz": ("Where does it hurt?", signed(2))}
    write_old_index(tmp_path / "ward", ruled(1), taught)
    refused = ask("carry", tmp_path / "ward", "--bundle", "base", code=2).err
    assert "--clips" in refused and not (tmp_path / "ward" / "takes.csv").exists()
    carried = ask(
        "carry", tmp_path / "ward", "--bundle", "base", "--clips", tmp_path, "--consent", "recognize", "--json"
    )
    assert carried["sentences"] == ["The pump beeps", "Where does it hurt?"] and carried["left_out"] == []
    assert {take.consent for take in takes_of(tmp_path / "ward").values()} == {"recognize"}


def test_what_was_said_is_listed_exported_and_forgotten(tmp_path, ask):
    ward, pump = tmp_path / "ward", NewSentence("The pump beeps", "", "s07", "en", "train", "2026-11-29")
    remember(ruled(1), ward, pump, "confirmed", signed(1))
    (listed,) = ask("list", "--index", ward, "--json")["sentences"]
    assert (listed["layer"], listed["sentence"], listed["num_clips"]) == ("said", "The pump beeps", 1)
    exported = ask("collection", "export", ward, tmp_path / "ward.zip", "--json")
    assert (exported["num_clips"], exported["num_training"]) == (1, 1)
    imported = ask("collection", "import", tmp_path / "ward.zip", tmp_path / "other", "--bundle", "base")
    assert "confirmed or corrected: 1" in imported.out
    assert ask("forget", "The pump beeps", "--index", ward, "--json")["clip_ids"] == listed["clip_ids"]
    assert "no such index" in " ".join(ask("collection", "export", ward, tmp_path / "a.zip", code=2).err.split())


@pytest.mark.parametrize("command", [("carry", "mine"), ("collection", "import", "a.zip", "mine")])
def test_a_model_must_be_named(command, ask):
    assert "give either --run or --bundle" in ask(*command, code=2).err


def test_what_is_not_there_is_one_line(tmp_path, ask):
    told = ask("collection", "export", tmp_path / "mine", tmp_path / "mine.zip", code=2).err
    assert "no such index; `signtalk enroll` makes one" in " ".join(told.split())
    assert list(tmp_path.iterdir()) == []
