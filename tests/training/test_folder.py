"""Who may train in which folder, on which texts, from which state: all told before anything is written."""

from pathlib import Path

import pytest

from made.records import full_grid, made_manifest, made_record
from made.small_run import SmallRun
from signtalk.data.manifest import load_manifest
from signtalk.data.packed import pack_clips
from signtalk.data.splits import SplitConfig, make_split
from signtalk.data.tokenizer import SentenceTokenizer, TokenizerConfig
from signtalk.errors import ArtifactError, ConfigError, DataError
from signtalk.training.folder import check_run_folder, check_texts, checked_last, claim_folder, wait_for_store
from signtalk.training.recipe import Recipe
from signtalk.training.run import RunFolder
from signtalk.training.train import PACKED_ROLES

SPLIT = make_split(made_manifest(full_grid(4, "AB")), SplitConfig(test_signers=("B",)))


def test_a_folder_is_claimed_for_one_recipe_and_split(tmp_path: Path) -> None:
    out = tmp_path / "run"
    check_run_folder(out, Recipe(), SPLIT, resume=False)
    with pytest.raises(ArtifactError, match=f"^{out}: no run to resume; leave out --resume$"):
        check_run_folder(out, Recipe(), SPLIT, resume=True)
    assert not out.exists()
    claim_folder(out, Recipe(), SPLIT)
    check_run_folder(out, Recipe(), SPLIT, resume=True)
    with pytest.raises(ArtifactError, match=f"^{out}: holds a run; add --resume to go on with it, or choose another"):
        check_run_folder(out, Recipe(), SPLIT, resume=False)
    with pytest.raises(ArtifactError, match=r"holds a run of another recipe or split; give the recipe.*, or choose"):
        check_run_folder(out, Recipe(seed=1), SPLIT, resume=True)
    (out / "split.json").write_text("[]")
    with pytest.raises(ArtifactError, match="another recipe or split"):
        check_run_folder(out, Recipe(), SPLIT, resume=True)


def test_a_run_may_be_made_longer_and_is_told_what_follows(tmp_path: Path) -> None:
    recipe = Recipe().changed(["optimiser.epochs=4"])
    claim_folder(tmp_path, recipe, SPLIT)
    assert check_run_folder(tmp_path, recipe, SPLIT, resume=True) == ""
    longer = check_run_folder(tmp_path, recipe.changed(["optimiser.epochs=6"]), SPLIT, resume=True)
    assert longer.startswith("the run is made longer: 6 epochs in place of 4; the learning rate falls over all 6 now")
    with pytest.raises(ArtifactError, match=r"optimiser.epochs 3, and the run was begun for 4.*longer, not shorter"):
        check_run_folder(tmp_path, recipe.changed(["optimiser.epochs=3"]), SPLIT, resume=True)
    with pytest.raises(ArtifactError, match="another recipe or split"):
        check_run_folder(tmp_path, recipe.changed(["optimiser.epochs=6", "seed=1"]), SPLIT, resume=True)
    with pytest.raises(ArtifactError, match="add --resume"):
        check_run_folder(tmp_path, recipe.changed(["optimiser.epochs=6"]), SPLIT, resume=False)
    for schedule, more in (("constant", "the warm-up is a share of all 6"), ("warm-restarts", "warm-up")):
        claim_folder(tmp_path, recipe.changed([f"optimiser.schedule={schedule}"]), SPLIT)
        changed = recipe.changed([f"optimiser.schedule={schedule}", "optimiser.epochs=6"])
        assert more in check_run_folder(tmp_path, changed, SPLIT, resume=True)


def test_a_run_that_was_stopped_while_it_packed_goes_on(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    check_run_folder(tmp_path, Recipe(), SPLIT, resume=True)
    check_run_folder(tmp_path, Recipe(), SPLIT, resume=False)


def test_a_file_is_no_run_folder(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("")
    with pytest.raises(DataError, match="is a file"):
        check_run_folder(tmp_path / "run", Recipe(), SPLIT, resume=False)


def test_a_text_that_the_decoder_cannot_write_is_named() -> None:
    records = [made_record("short", "A"), made_record(" ".join(["word"] * 80), "B")]
    words = SentenceTokenizer.fit(record.sentence for record in records)
    with pytest.raises(
        ConfigError, match=r"clip word.*-B-0: .*80 tokens, 81 with.*takes 64; set network.max_tokens=81"
    ):
        check_texts(records, words, 64)
    check_texts(records, words, 81)
    check_texts([], words, 2)
    letters = SentenceTokenizer.fit(["drow"], config=TokenizerConfig(kind="bpe", vocabulary=5))
    with pytest.raises(ConfigError, match=r"set network\.max_tokens=401"):  # a mark and four letters a word
        check_texts(records, letters, 81)


def test_no_state_is_no_error_and_junk_is(tmp_path: Path) -> None:
    assert checked_last(tmp_path, {}) is None
    for content in (b"", b"PK\x03\x04", b"\x80\x02}q\x00."):
        (tmp_path / "last.ckpt").write_bytes(content)
        with pytest.raises(ArtifactError, match="not a readable checkpoint"):
            checked_last(tmp_path, {})


def test_waiting_for_a_store_ends(small_run: SmallRun, tmp_path: Path) -> None:
    manifest = load_manifest(small_run.data)
    run = RunFolder.open(small_run.run)
    records = run.split(manifest).records(manifest, *PACKED_ROLES)
    found = wait_for_store(small_run.run, run.checkpoint.features, records, timeout_s=0)
    assert found.clips == run.store().clips
    pack_clips(records[:2], run.checkpoint.features, tmp_path / "store")
    with pytest.raises(ArtifactError, match=r"no store that fits after 0 s; the process with LOCAL_RANK 0"):
        wait_for_store(tmp_path, run.checkpoint.features, records, timeout_s=0)
