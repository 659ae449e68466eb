from dataclasses import replace

import numpy as np
import pytest

from made.small_run import SmallRun
from signtalk.data.manifest import load_manifest
from signtalk.recognition.asked import encode_all
from signtalk.training.checkpoint import TorchEncoder
from signtalk.training.run import RunFolder
from signtalk.training.validation import ValidationSet, validate


def validation_set(small_run: SmallRun) -> tuple[RunFolder, ValidationSet]:
    manifest, run = load_manifest(small_run.data), RunFolder.open(small_run.run)
    split = run.split(manifest)
    records = [split.records(manifest, role) for role in ("train", "val")]
    return run, ValidationSet(run.store(), records[0], records[1], run.checkpoint.tokenizer, split.hash)


def test_validation_is_repeatable_and_leaves_the_mode_alone(small_run: SmallRun) -> None:
    run, data = validation_set(small_run)
    model = run.checkpoint.model.train()
    first = validate(model, data)
    assert model.training
    assert validate(model, data) == first
    model.eval()
    assert validate(model, data) == first
    assert first.retrieval_mrr == pytest.approx(run.checkpoint.origin["val_retrieval_mrr"])


def test_the_top1_is_that_of_the_served_ranking(small_run: SmallRun) -> None:
    from signtalk.recognition.asked import index_records
    from signtalk.recognition.scoring import ScoringConfig, score_sentences

    run, data = validation_set(small_run)
    encoder = TorchEncoder(run.checkpoint.model, data.store.config)
    index = index_records(encoder, data.store, data.train_records, "x")
    encoded = encode_all(encoder, data.store, data.store.positions_of([r.clip_id for r in data.val_records]))
    scores = score_sentences(encoded, index, ScoringConfig())
    first = [index.groups.text_keys[row] for row in scores.classes[:, 0]]
    hits = np.mean([key == record.text_key for key, record in zip(first, data.val_records, strict=True)])
    assert validate(run.checkpoint.model, data).retrieval_top1 == pytest.approx(hits)


def test_without_validation_clips_the_training_clips_ask(small_run: SmallRun) -> None:
    run, data = validation_set(small_run)
    found = validate(run.checkpoint.model, replace(data, val_records=()))
    assert 0 <= found.retrieval_top1 <= 1


def test_of_many_clips_the_same_part_is_measured(small_run: SmallRun, monkeypatch: pytest.MonkeyPatch) -> None:
    run, data = validation_set(small_run)
    assert (data.queries, data.references) == (data.val_records, data.train_records)  # of few nothing is left out
    monkeypatch.setattr("signtalk.training.validation.MOST_QUERIES", 3)
    monkeypatch.setattr("signtalk.training.validation.MOST_REFERENCES", 10)
    part, again = replace(data), replace(data)
    assert part.queries == again.queries
    assert part.references == again.references
    assert len(part.queries) == 3
    assert len(part.references) == 10
    asked = {record.text_key for record in part.queries}
    assert {r for r in data.train_records if r.text_key in asked} <= set(part.references)  # each can be found
    assert validate(run.checkpoint.model, part) == validate(run.checkpoint.model, again)


def test_every_clip_of_an_asked_sentence_is_met(small_run: SmallRun, monkeypatch: pytest.MonkeyPatch) -> None:
    _, data = validation_set(small_run)
    monkeypatch.setattr("signtalk.training.validation.MOST_REFERENCES", 1)
    asked = {record.text_key for record in data.queries}
    assert data.references == tuple(r for r in data.train_records if r.text_key in asked)
