"""`signtalk signer`: what to ask a new person for, and a file by which other commands know the person."""

import pytest

from made.small_run import SmallRun
from signtalk.data.manifest import load_manifest


@pytest.mark.slow
def test_a_person_is_asked_learned_and_known(small_run: SmallRun, tmp_path, ask) -> None:
    bundle = ("--bundle", small_run.bundle)
    sentences = ask("signer", "ask", *bundle, "--limit", 3, "--json")["sentences"]
    assert len(sentences) == 3
    further = ask("signer", "ask", *bundle, "--signed", sentences[0], "--limit", 3, "--json")["sentences"]
    assert sentences[0] not in further
    assert sentences[1] in ask("signer", "ask", *bundle, "--limit", 2).out
    file = tmp_path / "c.npz"
    told = ask("signer", "learn", small_run.data, *bundle, "--signer", "C", "--out", file, "--json")
    records = [each for each in load_manifest(small_run.data).records if each.signer_id == "C" and not each.is_idle]
    assert (told["clips"], told["signer"]) == (len(records), str(file))
    clip = next(each.feature_path for each in records if each.sentence == sentences[0])
    plain = ask("recognize", clip, *bundle, "--json")[str(clip)]["candidates"]
    known = ask("recognize", clip, *bundle, "--signer", file, "--json")[str(clip)]["candidates"]
    assert known[0]["sentence"] == sentences[0]  # it was among those that taught
    was = next(each for each in plain if each["sentence"] == sentences[0])
    assert known[0]["dtw_distance"] < was["dtw_distance"]
    assert known[0]["raw_similarity"] == pytest.approx(was["raw_similarity"], abs=1e-5)


def test_what_cannot_be_learned_says_why(small_run: SmallRun, tmp_path, ask) -> None:
    bundle = ("--bundle", small_run.bundle)
    learn = ("signer", "learn", small_run.data, *bundle, "--out", tmp_path / "x.npz")
    assert "name one of A, B, C" in ask(*learn, code=2).err
    assert "no signer 'Z'" in ask(*learn, "--signer", "Z", code=2).err
    (tmp_path / "broken.npz").write_bytes(b"no archive")
    clip = load_manifest(small_run.data).records[0].feature_path
    assert "broken.npz" in ask("recognize", clip, *bundle, "--signer", tmp_path / "broken.npz", code=2).err
    assert not (tmp_path / "x.npz").exists()
