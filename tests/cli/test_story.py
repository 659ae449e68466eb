from pathlib import Path

import numpy as np
import pytest

from made.small_run import SmallRun
from signtalk.cli.story import SMALL, demo_queries, demo_split
from signtalk.data.manifest import load_manifest
from signtalk.data.splits import make_split
from signtalk.files import read_json
from signtalk.recognition.answer import Answer


def test_the_demo_answers_each_kind_and_the_bundle_agrees(small_run: SmallRun) -> None:
    result = small_run.result
    assert {kind.split()[0] for kind in result.answers} == {"known", "unknown", "idle"}
    assert result.same_without_torch
    assert [path for path in result.paths if not Path(path).exists()] == []
    assert set(read_json(small_run.out / "answers.json")) == set(result.answers)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The dirpath has changed")  # Lightning, of a run that was copied
def test_the_demo_can_be_run_again_over_what_is_there(own_run: SmallRun) -> None:
    from signtalk.cli.story import run_demo

    history = (own_run.run / "training_history.csv").read_text()
    again = run_demo(own_run.out, SMALL, lambda _: None, progress=False)
    assert (own_run.run / "training_history.csv").read_text() == history  # nothing was trained again
    before = own_run.result.answers
    assert told(again.answers) == told(before)
    confidences = [[answer.confidence for answer in answers.values()] for answers in (again.answers, before)]
    np.testing.assert_allclose(*confidences, rtol=1e-5)  # sums of many numbers round as memory happens to lie


def told(answers: dict[str, Answer]) -> dict[str, tuple[object, ...]]:
    """What a person sees of the answers."""
    return {
        kind: (answer.text, answer.reason, answer.translation, [candidate.clip_id for candidate in answer.candidates])
        for kind, answer in answers.items()
    }


def test_the_demo_split_holds_out_a_signer_and_sentences(small_run: SmallRun) -> None:
    manifest = load_manifest(small_run.data)
    split = make_split(manifest, demo_split(manifest))
    queries = demo_queries(split)
    asked = dict(zip(queries, manifest.select(queries.values()), strict=True))
    assert {record.signer_id for record in asked.values()} == {manifest.signers[-1]}
    trained = {record.text_key for record in split.records(manifest, "train")}
    for kind, record in asked.items():
        assert record.is_idle == kind.startswith("idle")
        assert record.is_idle or (record.text_key in trained) == kind.startswith("known")
