"""`signtalk pack`, and `recognize --references`."""

import json
from dataclasses import replace

import pytest

from made.commands import run_cli
from made.references import MILVUS, small_index
from made.small_run import SmallRun
from signtalk.data.manifest import load_manifest
from signtalk.index.index import SentenceIndex


@pytest.mark.parametrize("place", ["packed", pytest.param("packed.db", marks=MILVUS.marks)])
def test_packed_references_are_met_below_those_of_the_run(place, small_run: SmallRun, tmp_path, monkeypatch, capsys):
    whole = SentenceIndex.load(small_run.run / "index")
    clip = next(record for record in load_manifest(small_run.data).records if record.clip_id in whole.row_of)
    renamed = [type(entry)(**{**vars(entry), "clip_id": f"far-{entry.clip_id}"}) for entry in whole.entries]
    further = SentenceIndex(
        whole.embeddings, whole.projections, whole.projection_lengths, tuple(renamed), whole.encoder_id
    ).without_sentences([key for key in whole.sentences if key != clip.text_key])
    further.save(tmp_path / "further")
    out = tmp_path / place
    assert run_cli(monkeypatch, "pack", tmp_path / "further", "--out", out, "--json") == 0
    assert json.loads(capsys.readouterr().out)["place"] == str(out)
    asked = ("recognize", clip.feature_path, "--run", small_run.run, "--references", out, "--json")
    assert run_cli(monkeypatch, *asked) == 0
    answer = next(iter(json.loads(capsys.readouterr().out).values()))
    assert answer["candidates"][0]["text_key"] == clip.text_key
    clips = len(whole.sentences[clip.text_key])
    assert answer["candidates"][0]["num_references"] == 2 * clips


@pytest.mark.parametrize("suffix", ["", pytest.param(".db", marks=MILVUS.marks)])
def test_references_of_another_model_or_nowhere_are_refused(suffix, small_run: SmallRun, tmp_path, monkeypatch, capsys):
    small_index().save(tmp_path / "index")
    assert run_cli(monkeypatch, "pack", tmp_path / "index", "--out", tmp_path / f"packed{suffix}") == 0
    clip = load_manifest(small_run.data).records[0].feature_path
    for place, expected in (("packed", "pack an index of this model"), ("nowhere", "no such file")):
        asked = ("recognize", clip, "--run", small_run.run, "--references", tmp_path / f"{place}{suffix}")
        assert run_cli(monkeypatch, *asked) == 2
        assert expected in capsys.readouterr().err
    assert not (tmp_path / f"nowhere{suffix}").exists()
    asked = ("recognize", clip, "--run", small_run.run, "--references", tmp_path / "index")
    assert run_cli(monkeypatch, *asked) == 2
    assert "no large index; `signtalk pack` makes one" in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize("place", ["packed", pytest.param("packed.db", marks=MILVUS.marks)])
def test_clips_of_further_references_are_found_by_text(place, small_run: SmallRun, tmp_path, ask):
    whole = SentenceIndex.load(small_run.run / "index")
    said = whole.entries[0]
    further = whole.without_sentences([key for key in whole.sentences if key != said.text_key])
    renamed = [replace(entry, clip_id=f"far-{entry.clip_id}", signer_id="Z") for entry in further.entries]
    replace(further, entries=tuple(renamed)).save(tmp_path / "further")
    ask("pack", tmp_path / "further", "--out", tmp_path / place)
    search = ("search", said.sentence.upper(), "--run", small_run.run, "--json", "-k", 500)
    own = ask(*search)["clips"]
    exact = {entry.clip_id for entry in whole.entries if entry.text_key == said.text_key}
    assert {hit["clip_id"] for hit in own[: len(exact)]} == exact
    both = ask(*search, "--references", tmp_path / place)["clips"]
    assert len(both) == len(own) + len(renamed)
    assert {hit["clip_id"] for hit in both[: 2 * len(exact)]} == exact | {entry.clip_id for entry in renamed}
    assert [hit["rank"] for hit in both] == list(range(1, len(both) + 1))
    only = ask(*search, "--references", tmp_path / place, "--signer", "z")["clips"]
    assert {hit["clip_id"] for hit in only} == {entry.clip_id for entry in renamed}


def test_a_signer_that_nobody_is_is_told_with_those_there_are(small_run: SmallRun, ask):
    search = ("search", "pain", "--run", small_run.run, "--signer", "nobody")
    assert "no signer 'nobody'; there are a, b" in ask(*search, code=2).err
