"""`signtalk carry` and `signtalk collection` from the base in the package to a bundle of other signs, as clinics do."""

import pytest

from made.commands import terminal
from made.taught import signed
from signtalk.index.index import SentenceIndex
from signtalk.index.personal import takes_of
from signtalk.landmarks.clip import save_clip


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


@pytest.mark.parametrize("command", [("carry", "mine"), ("collection", "import", "a.zip", "mine")])
def test_a_model_must_be_named(command, ask):
    assert "give either --run or --bundle" in ask(*command, code=2).err


def test_what_is_not_there_is_one_line(tmp_path, ask):
    told = ask("collection", "export", tmp_path / "mine", tmp_path / "mine.zip", code=2).err
    assert "no such index; `signtalk enroll` makes one" in " ".join(told.split())
    assert list(tmp_path.iterdir()) == []
