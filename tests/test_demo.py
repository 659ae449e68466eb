from pathlib import Path

from conftest import SmallRun
from signtalk.demo import SMALL, demo_queries, demo_split
from signtalk.files import read_json
from signtalk.manifest import load_manifest
from signtalk.splits import make_split


def test_the_demo_answers_each_kind_and_the_bundle_agrees(small_run: SmallRun) -> None:
    result = small_run.result
    assert set(result.answers) == {"known", "unknown", "idle"}
    assert result.same_without_torch
    assert [path for path in result.paths if not Path(path).exists()] == []
    assert set(read_json(small_run.out / "answers.json")) == {"known", "unknown", "idle"}


def test_the_demo_can_be_run_again_over_what_is_there(small_run: SmallRun) -> None:
    from signtalk.demo import run_demo

    history = (small_run.run / "training_history.csv").read_text()
    again = run_demo(small_run.out, SMALL, lambda _: None, progress=False)
    assert (small_run.run / "training_history.csv").read_text() == history  # nothing was trained again
    assert again.answers == small_run.result.answers


def test_the_demo_split_holds_out_a_signer_and_sentences(small_run: SmallRun) -> None:
    manifest = load_manifest(small_run.data)
    split = make_split(manifest, demo_split(manifest))
    asked = manifest.select(demo_queries(split).values())
    assert {record.signer_id for record in asked} == {manifest.signers[-1]}
    trained = {record.text_key for record in split.records(manifest, "train")}
    assert asked[0].text_key in trained
    assert asked[1].text_key not in trained
    assert asked[2].is_idle
