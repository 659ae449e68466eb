import pytest

from made.small_run import SmallRun
from signtalk.data.manifest import Manifest, clip_of_record, load_manifest
from signtalk.data.splits import SplitConfig, make_split
from signtalk.errors import DataError
from signtalk.evaluation.stress_sources import choose_sources
from signtalk.training.run import RunFolder


@pytest.fixture
def run(small_run: SmallRun):
    manifest, run = load_manifest(small_run.data), RunFolder.open(small_run.run)
    return manifest, run.split(manifest), run.sentence_index()


def ids(records) -> list[str]:
    return [record.clip_id for record in records]


def test_test_clips_are_asked_and_never_references(run) -> None:
    manifest, split, index = run
    found = choose_sources(manifest, split, index)
    assert set(ids(found.known)) == set(split.clips("test"))
    assert set(ids(found.unknown)) == set(split.clips("test_unknown"))
    assert set(ids(found.idle)) == set(split.clips("test_idle"))
    assert found.indexed == set(index.sentences)
    assert found.notes == ()
    assert found.made_up is not None
    clip = found.read(found.known[0])
    assert clip.num_frames == clip_of_record(found.known[0]).num_frames


def test_a_split_that_calls_references_test_clips_gets_none_of_them(run) -> None:
    manifest, _, index = run
    references = {entry.clip_id for entry in index.entries}
    other = make_split(manifest, SplitConfig(test_signers=("A",)))
    assert references & set(other.clips("test"))
    found = choose_sources(manifest, other, index)
    assert references.isdisjoint(ids((*found.known, *found.unknown)))


def test_without_a_split_all_that_is_not_indexed_is_asked(run) -> None:
    manifest, split, index = run
    found = choose_sources(manifest, None, index)
    assert {*split.clips("test", "val", "test_new_clip")} == set(ids(found.known))
    assert {*split.clips("test_unknown", "val_unknown", "enroll")} <= set(ids(found.unknown))
    assert len(found.notes) == 1 and "no split" in found.notes[0]


def test_validation_clips_are_asked_with_a_warning(run) -> None:
    manifest, split, index = run
    found = choose_sources(manifest, split, index, role="val")
    assert set(ids(found.known)) == set(split.clips("val"))
    assert set(ids(found.unknown)) == set(split.clips("val_unknown"))
    assert "gate was fitted" in found.notes[0]


def test_few_are_drawn_by_the_seed(run) -> None:
    manifest, split, index = run
    drawn = [ids(choose_sources(manifest, split, index, limit=3, seed=seed).known) for seed in (0, 0, 1)]
    assert [len(part) for part in drawn] == [3, 3, 3]
    assert drawn[0] == drawn[1] != drawn[2]


def test_the_other_language_is_none_of_ours(run) -> None:
    manifest, split, index = run
    found = choose_sources(manifest, split, index, other=manifest)
    assert found.other
    assert all(record.text_key not in index.sentences and not record.is_idle for record in found.other)


def test_nothing_to_ask_says_what_there_is(run) -> None:
    manifest, split, index = run
    idle = Manifest(manifest.root, tuple(record for record in manifest.records if record.is_idle))
    with pytest.raises(DataError, match=r"role test.*no split"):
        choose_sources(idle, None, index)
    empty = index.without_sentences(set(index.sentences))
    with pytest.raises(DataError, match=r"role test.*train \d+"):
        choose_sources(manifest, split, empty)
