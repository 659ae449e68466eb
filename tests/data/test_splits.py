"""The split file: made, verified, saved, refused."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from made.records import full_grid, made_manifest, made_record
from signtalk.data.manifest import Manifest
from signtalk.data.splits import ROLES, Split, SplitConfig, leave_one_signer_out, make_split
from signtalk.errors import ArtifactError, ConfigError, DataError
from signtalk.files import sha256_text

CONFIG = SplitConfig(test_signers=("D",), val_signers=("C",), holdout_sentences=0.2, new_clip_fraction=0.1)


@pytest.fixture
def manifest() -> Manifest:
    return made_manifest(full_grid(20, "ABCD", idle=2))


def test_the_file_holds_the_split(manifest: Manifest, tmp_path: Path) -> None:
    split = make_split(manifest, CONFIG)
    split.save(tmp_path / "split.json")
    loaded = Split.load(tmp_path / "split.json", manifest)
    assert loaded == split
    assert loaded.hash == split.hash
    raw = json.loads((tmp_path / "split.json").read_text())
    assert raw["format_version"] == 1
    assert raw["hash"] == split.hash
    assert raw["counts"] == {role: list(split.roles.values()).count(role) for role in ROLES}
    assert raw["config"]["test_signers"] == ["D"]


def test_another_split_is_not_replaced_unless_that_was_asked_for(manifest: Manifest, tmp_path: Path) -> None:
    path = tmp_path / "split.json"
    split, other = make_split(manifest, CONFIG), make_split(manifest, CONFIG.model_copy(update={"seed": 1}))
    split.save(path, replace=False)
    split.save(path, replace=False)  # the same one
    with pytest.raises(DataError, match=r"split\.json: is there and holds another split or something else.*--force"):
        other.save(path, replace=False)
    assert Split.load(path, manifest) == split
    other.save(path)
    assert Split.load(path, manifest) == other
    for content in ("", "[1]", "not a split"):
        path.write_text(content)
        with pytest.raises(DataError, match="--force"):
            split.save(path, replace=False)
        assert path.read_text() == content


def test_the_hash_is_of_the_content_alone(manifest: Manifest) -> None:
    split = make_split(manifest, CONFIG)
    backwards = make_split(made_manifest(reversed(manifest.records)), CONFIG)
    assert backwards.hash == split.hash
    assert make_split(manifest, CONFIG.model_copy(update={"seed": 1})).hash != split.hash
    shuffled = replace(split, roles=dict(reversed(split.roles.items())))
    assert shuffled.hash == split.hash


def test_a_hash_made_on_another_day_is_still_the_same() -> None:
    split = make_split(made_manifest(full_grid(3, "AB")), SplitConfig(test_signers=("B",)))
    assert split.roles == {
        "s0-A-0": "train", "s0-B-0": "test", "s1-A-0": "train", "s1-B-0": "test", "s2-A-0": "train", "s2-B-0": "test",
    }  # fmt: skip
    assert split.data_hash == sha256_text(
        '[["s0-A-0","s0","A",false],["s0-B-0","s0","B",false],["s1-A-0","s1","A",false],'
        '["s1-B-0","s1","B",false],["s2-A-0","s2","A",false],["s2-B-0","s2","B",false]]'
    )


def test_clips_and_records_by_role(manifest: Manifest) -> None:
    split = make_split(manifest, CONFIG)
    assert split.clips("train_idle") == ("rest-A-0", "rest-A-1", "rest-B-0", "rest-B-1")
    assert split.clips("val_idle", "test_idle") == ("rest-C-0", "rest-C-1", "rest-D-0", "rest-D-1")
    assert [r.clip_id for r in split.records(manifest, "train", "test")] == list(split.clips("train", "test"))
    assert split.counts["test"] == len(split.clips("test")) == 16
    assert sum(split.counts.values()) == len(manifest.records)
    with pytest.raises(ValueError, match=r"no role \['dev'\]; roles are train, val"):
        split.clips("dev")  # type: ignore[arg-type]


def test_leave_one_signer_out_tests_each_signer_once(manifest: Manifest) -> None:
    resting = made_record("", "Z", idle=True)
    folds = leave_one_signer_out(made_manifest([*manifest.records, resting]), SplitConfig(holdout_sentences=0.1))
    assert [fold.config.test_signers for fold in folds] == [("A",), ("B",), ("C",), ("D",)]
    assert {fold.config.holdout_sentences for fold in folds} == {0.1}
    tested = [clip for fold in folds for clip in fold.clips("test", "test_unknown", "unused")]
    assert sorted(tested) == sorted(r.clip_id for r in manifest.records if not r.is_idle)


def test_leave_one_signer_out_keeps_the_other_validation_signers(manifest: Manifest) -> None:
    folds = leave_one_signer_out(manifest, SplitConfig(val_signers=("A", "B")))
    assert [fold.config.val_signers for fold in folds] == [("B",), ("A",), ("A", "B"), ("A", "B")]


def test_leave_one_signer_out_refuses_what_it_fills_in_itself(manifest: Manifest) -> None:
    with pytest.raises(ValueError, match="fills them in"):
        leave_one_signer_out(manifest, SplitConfig(test_signers=("A",)))
    with pytest.raises(ValueError, match="unseen_signer"):
        leave_one_signer_out(manifest, SplitConfig(protocol="unseen_sentence"))
    with pytest.raises(DataError, match="1 signers"):
        leave_one_signer_out(made_manifest(full_grid(3, "A")), SplitConfig())


@pytest.mark.parametrize(
    ("config", "error", "message"),
    [
        (SplitConfig(), ConfigError, "test_signers: empty.*known signers: A, B, C, D"),
        (SplitConfig(test_signers=("X", "D")), ConfigError, "test_signers: no clip by X; known signers: A, B, C, D"),
        (SplitConfig(test_signers=("A",), val_signers=("Y",)), ConfigError, "val_signers: no clip by Y"),
        (SplitConfig(test_signers=("A", "B", "C", "D")), DataError, "nothing left to train.*A, B, C, D tested"),
        (SplitConfig(test_signers=("A", "B"), val_signers=("C", "D")), DataError, "nothing left to train"),
        (SplitConfig(protocol="unseen_sentence", test_size=0), DataError, "nothing left to test.*give test_size above"),
    ],
)
def test_a_split_that_cannot_be_made_says_why(
    manifest: Manifest, config: SplitConfig, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        make_split(manifest, config)


def test_a_test_signer_who_shares_no_sentence_is_refused() -> None:
    records = [*full_grid(3, "AB"), made_record("other", "T")]
    with pytest.raises(DataError, match=r"nothing left to test.*1 unused: no training signer signs this sentence"):
        make_split(made_manifest(records), SplitConfig(test_signers=("T",)))


def test_clips_without_a_signer_are_named() -> None:
    manifest = made_manifest([*full_grid(3, "AB"), made_record("s9", "")])
    with pytest.raises(DataError, match="1 of 7 clips name no signer \\(first s9--0\\); add a `signer` column"):
        make_split(manifest, SplitConfig(test_signers=("A",)))
    split = make_split(manifest, SplitConfig(protocol="unseen_sentence"))
    assert split.counts["test_unknown"] == 1


def swapped(split: Split, role: str, new_role: str) -> Split:
    """The split with the role of the first clip that has `role` changed."""
    clip_id = split.clips(role)[0]  # type: ignore[arg-type]
    roles = split.roles | {clip_id: new_role}  # type: ignore[operator]
    return replace(split, roles=roles)


@pytest.mark.parametrize(
    ("role", "new_role", "message"),
    [
        ("test", "train", "by signer 'D' has role train"),
        ("test", "val", "by signer 'D' has role val"),
        ("test_unknown", "enroll", "by signer 'D' has role enroll"),
        ("val", "train", "by signer 'C' has role train"),
        ("train", "val", "by signer '[AB]' has role val"),
        ("train", "train_idle", "role train_idle and shows a sentence"),
        ("train_idle", "train", "role train and shows nothing"),
        ("enroll", "train", "is test_unknown and trained"),
        ("train", "enroll", "is enroll and trained"),
        ("test_unknown", "test", "is test and not trained"),
        ("val_unknown", "val", "is val and not trained"),
        ("val", "val_unknown", "is val_unknown and trained"),
        ("test", "test_unknown", "is test_unknown and trained"),
        ("test_unknown", "unused", "0 clips are unused and|unused and .* have a reason"),
        ("train", "dev", "role 'dev', which does not exist"),
    ],
)
def test_verify_finds_every_breach(manifest: Manifest, role: str, new_role: str, message: str) -> None:
    split = make_split(manifest, CONFIG)
    split.verify(manifest)
    with pytest.raises(DataError, match=f"breaks its protocol.*({message})"):
        swapped(split, role, new_role).verify(manifest)


def test_verify_finds_a_sentence_that_cannot_be_enrolled(manifest: Manifest) -> None:
    split = make_split(manifest, CONFIG)
    text = split.records(manifest, "enroll")[0].text_key
    left_out = [r.clip_id for r in split.records(manifest, "enroll") if r.text_key == text]
    reasons = dict(split.unused_reasons) | {"by hand": len(left_out)}
    changed = replace(split, roles=split.roles | dict.fromkeys(left_out, "unused"), unused_reasons=reasons)
    with pytest.raises(DataError, match=f"'{text}' is held out for the test without both"):
        changed.verify(manifest)


def test_verify_finds_a_sentence_held_out_twice(manifest: Manifest) -> None:
    split = make_split(manifest, SplitConfig(test_signers=("D",), holdout_sentences=0.2))
    with pytest.raises(DataError, match="held out for validation and for the test"):
        swapped(split, "enroll", "val_unknown").verify(manifest)


def test_unseen_sentence_has_no_headline(manifest: Manifest) -> None:
    split = make_split(manifest, SplitConfig(protocol="unseen_sentence"))
    with pytest.raises(DataError, match="has role test;"):
        swapped(split, "val", "test").verify(manifest)


def test_data_that_changed_since_is_refused(manifest: Manifest, tmp_path: Path) -> None:
    path = tmp_path / "split.json"
    make_split(manifest, CONFIG).save(path)
    fewer = made_manifest(manifest.records[1:])
    with pytest.raises(DataError, match=r"1 clips of the split are not there \(first \['s0-A-0'\]\) and 0 have"):
        Split.load(path, fewer)
    more = made_manifest([*manifest.records, made_record("new", "A")])
    with pytest.raises(DataError, match=r"1 have no role in it \(first \['new-A-0'\]\)"):
        Split.load(path, more)
    renamed = replace(manifest.records[0], sentence="s1", sentence_id="s1")
    with pytest.raises(DataError, match="sentences, signers or idle marks changed"):
        Split.load(path, made_manifest([renamed, *manifest.records[1:]]))


def resealed(raw: dict) -> dict:
    content = {name: value for name, value in raw.items() if name != "hash"}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return content | {"hash": sha256_text(text)}


def test_an_edited_file_is_refused(manifest: Manifest, tmp_path: Path) -> None:
    path = tmp_path / "split.json"
    make_split(manifest, CONFIG).save(path)
    raw = json.loads(path.read_text())
    assert resealed(raw) == raw
    raw["roles"]["s0-D-0"] = "train"
    path.write_text(json.dumps(raw))
    with pytest.raises(ArtifactError, match="hash does not fit"):
        Split.load(path, manifest)
    path.write_text(json.dumps(resealed(raw)))
    with pytest.raises(ArtifactError, match="parts do not fit each other"):  # the counts
        Split.load(path, manifest)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format_version": 2}, "split format 2; this SignTalk reads 1"),
        ({"config": {"test_signer": ["A"]}}, r"config\.test_signer: Extra inputs"),
        ({"config": {"test_signers": ["A"]}}, "parts do not fit"),
        ({"config": ["A"]}, "not a usable split .config: "),
        ({"roles": 7}, "not a usable split .roles: "),
        ({"roles": {"s0-A-0": "dev"}}, r"roles\.s0-A-0: Input should be 'train'"),
        ({"roles": {"s0-A-0": "train"}}, "parts do not fit"),
        ({"unused_reasons": {"odd": "many"}}, r"unused_reasons\.odd: "),
        ({"more": 1}, "more: Extra inputs"),
    ],
)
def test_a_file_of_another_shape_is_refused(manifest: Manifest, tmp_path: Path, change: dict, message: str) -> None:
    path = tmp_path / "split.json"
    make_split(manifest, CONFIG).save(path)
    path.write_text(json.dumps(resealed(json.loads(path.read_text()) | change)))
    with pytest.raises(ArtifactError, match=message):
        Split.load(path, manifest)


@pytest.mark.parametrize("text", ["[]", "{}", "{", ""])
def test_what_is_no_split_is_refused(manifest: Manifest, tmp_path: Path, text: str) -> None:
    path = tmp_path / "split.json"
    path.write_text(text)
    with pytest.raises(ArtifactError, match=str(path)):
        Split.load(path, manifest)
    with pytest.raises(ArtifactError, match="no such file"):
        Split.load(tmp_path / "none.json", manifest)
