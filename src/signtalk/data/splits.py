"""A split: the role of every clip, made once, written to a file with a hash, the same for every model compared.

    Manifest + SplitConfig -> make_split -> Split -> split.json -> training, calibration, evaluation

`roles` holds the rules by which clips are dealt out. This file keeps what they must guarantee (`Split.verify`,
which deals nothing itself), and the file, which is refused when it was edited or when the data changed.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from signtalk.data.manifest import ClipRecord, Manifest
from signtalk.data.roles import ROLES, Role, Side, SplitConfig, deal_roles
from signtalk.errors import ArtifactError, ConfigError, DataError, first_fault
from signtalk.files import read_json, sha256_text, write_json

__all__ = ["ROLES", "Role", "Split", "SplitConfig", "leave_one_signer_out", "make_split"]

SPLIT_FORMAT_VERSION = 1

_IDLE_ROLES: tuple[Role, ...] = ("train_idle", "val_idle", "test_idle")
_TEST_ROLES: tuple[Role, ...] = ("test", "test_new_clip", "test_unknown")


@dataclass(frozen=True)
class Split:
    """A role for every clip of a manifest.

    Attributes:
        config: what the split was made with.
        roles: clip_id -> role, every clip of the manifest exactly once.
        unused_reasons: how many clips are unused, by reason.
        data_hash: hash of the clip ids, sentences, signers and idle marks that were split.
    """

    config: SplitConfig
    roles: Mapping[str, Role]
    unused_reasons: Mapping[str, int]
    data_hash: str

    def clips(self, *roles: Role) -> tuple[str, ...]:
        """Ids of the clips that have one of the roles, sorted.

        Raises:
            ValueError: there is no such role.
        """
        unknown = sorted(set(roles) - set(ROLES))
        if unknown:
            raise ValueError(f"no role {unknown}; roles are {', '.join(ROLES)}")
        return tuple(sorted(clip_id for clip_id, role in self.roles.items() if role in roles))

    def records(self, manifest: Manifest, *roles: Role) -> tuple[ClipRecord, ...]:
        """The manifest's records that have one of the roles, sorted by clip id.

        Raises:
            ValueError: there is no such role.
            DataError: the manifest lacks one of the clips.
        """
        return manifest.select(self.clips(*roles))

    @property
    def counts(self) -> dict[Role, int]:
        """Clips of each role, zeros included."""
        counted = Counter(self.roles.values())
        return {role: counted[role] for role in ROLES}

    @property
    def hash(self) -> str:
        """SHA-256 of the canonical content, equal for equal splits whatever machine made them."""
        return _content_hash(self._content())

    def verify(self, manifest: Manifest) -> None:
        """Check that the split fits the data and keeps every law of its protocol.

        Raises:
            DataError: the data changed since, or a clip has a role that it must not have.
        """
        by_id = {record.clip_id: record for record in manifest.records}
        gone, added = sorted(self.roles.keys() - by_id.keys()), sorted(by_id.keys() - self.roles.keys())
        if gone or added:
            raise DataError(
                f"{manifest.root}: {len(gone)} clips of the split are not there (first {gone[:3]}) and {len(added)} "
                f"have no role in it (first {added[:3]}); restore the data that was split, or make a new split"
            )
        if self.data_hash != _data_hash(manifest.records):
            raise DataError(
                f"{manifest.root}: sentences, signers or idle marks changed since the split was made; make a new split"
            )
        violation = next(_violations(self, by_id), None)
        if violation is not None:
            raise DataError(f"{manifest.root}: the split breaks its protocol: {violation}; make a new split")

    def save(self, path: Path, replace: bool = True) -> None:
        """Write the split as JSON with its hash, atomically.

        Args:
            path: of the file.
            replace: another file that is there already; an equal split may always be written again.

        Raises:
            DataError: the file is there, holds anything else, and may not be replaced.
        """
        if not replace and path.exists() and self._is_other(path):
            raise DataError(
                f"{path}: is there and holds another split or something else, which runs may rest on; choose another "
                "file, or replace it with --force"
            )
        write_json(path, self._content() | {"hash": self.hash})

    def _is_other(self, path: Path) -> bool:
        try:
            return bool(read_json(path) != self._content() | {"hash": self.hash})
        except ArtifactError:
            return True

    @classmethod
    def load(cls, path: Path, manifest: Manifest) -> Split:
        """Read a split and verify it against the data.

        Raises:
            ArtifactError: the file is missing, damaged, edited or of another version.
            DataError: it does not fit `manifest`.
        """
        raw = read_json(path)
        if not isinstance(raw, dict) or "format_version" not in raw:
            raise ArtifactError(f"{path}: not a split file; expected an object with format_version")
        if raw["format_version"] != SPLIT_FORMAT_VERSION:
            version = raw["format_version"]
            raise ArtifactError(f"{path}: split format {version!r}; this SignTalk reads {SPLIT_FORMAT_VERSION}")
        content = {name: value for name, value in raw.items() if name != "hash"}
        if _content_hash(content) != raw.get("hash"):
            raise ArtifactError(f"{path}: its hash does not fit its content; make the split again, do not edit it")
        split = _from_content(path, content)
        split.verify(manifest)
        return split

    def _content(self) -> dict[str, Any]:
        return {
            "format_version": SPLIT_FORMAT_VERSION,
            # A setting that is not used leaves the hashes of older splits as they are.
            "config": self.config.model_dump(mode="json", exclude_none=True),
            "data_hash": self.data_hash,
            "counts": dict(self.counts),
            "unused_reasons": dict(sorted(self.unused_reasons.items())),
            "roles": dict(sorted(self.roles.items())),
        }


class _Content(BaseModel, extra="forbid"):
    """What a split file holds besides its hash."""

    format_version: int
    config: SplitConfig
    data_hash: str
    counts: dict[Role, int]
    unused_reasons: dict[str, int]
    roles: dict[str, Role]


def make_split(manifest: Manifest, config: SplitConfig) -> Split:
    """Give every clip its role; the same for the same clips, config and seed in whatever order they come.

    Raises:
        ConfigError: no signer is to be tested, or a signer of the config is not in the data.
        DataError: clips lack a signer, or nothing is left to train or to test.
    """
    if config.protocol == "unseen_signer":
        _check_signers(manifest, config)
    dealt = deal_roles(manifest.records, config)
    split = Split(
        config=config,
        roles=dict(sorted(dealt.roles.items())),
        unused_reasons=dict(sorted(dealt.reasons.items())),
        data_hash=_data_hash(manifest.records),
    )
    _check_not_empty(split, manifest)
    split.verify(manifest)
    return split


def leave_one_signer_out(manifest: Manifest, config: SplitConfig) -> list[Split]:
    """One split for each signer who signs anything, with that signer tested, by signer id.

    In the fold that tests one of `config.val_signers`, the other validation signers remain.

    Raises:
        ValueError: the config names test signers or another protocol.
        DataError: fewer than two signers, or a fold leaves nothing to train or to test.
    """
    if config.protocol != "unseen_signer" or config.test_signers:
        raise ValueError("leave_one_signer_out takes protocol 'unseen_signer' without test_signers; it fills them in")
    signers = sorted({record.signer_id for record in manifest.records if record.signer_id and not record.is_idle})
    if len(signers) < 2:
        raise DataError(f"{manifest.root}: {len(signers)} signers; leaving one out needs two or more")
    fixed = config.model_dump(exclude={"test_signers", "val_signers"})
    folds = []
    for signer in signers:
        others = tuple(other for other in config.val_signers if other != signer)
        folds.append(make_split(manifest, SplitConfig(**fixed, test_signers=(signer,), val_signers=others)))
    return folds


def _check_signers(manifest: Manifest, config: SplitConfig) -> None:
    nameless = sorted(record.clip_id for record in manifest.records if not record.signer_id)
    if nameless:
        raise DataError(
            f"{manifest.root}: {len(nameless)} of {len(manifest.records)} clips name no signer (first {nameless[0]}); "
            "add a `signer` column to the metadata, or split with protocol unseen_sentence"
        )
    known = sorted({record.signer_id for record in manifest.records})
    if not config.test_signers:
        raise ConfigError(f"test_signers: empty; name who is to be tested, known signers: {', '.join(known)}")
    for name, wanted in (("test_signers", config.test_signers), ("val_signers", config.val_signers)):
        unknown = sorted(set(wanted) - set(known))
        if unknown:
            raise ConfigError(f"{name}: no clip by {', '.join(unknown)}; known signers: {', '.join(known)}")


def _check_not_empty(split: Split, manifest: Manifest) -> None:
    tested = ", ".join(split.config.test_signers) or "nobody"
    why = "; ".join(f"{count} unused: {reason}" for reason, count in split.unused_reasons.items()) or "none unused"
    counts = f"of {len(manifest.records)} clips ({tested} tested; {why})"
    if not split.clips("train"):
        raise DataError(f"{manifest.root}: nothing left to train {counts}; test fewer signers or hold out less")
    if not split.clips(*_TEST_ROLES):
        advice = "test signers must share trained sentences"
        if split.config.protocol == "unseen_sentence":
            advice = "give test_size above 0 and sentences of two clips or more: one asks, the other is enrolled"
        raise DataError(f"{manifest.root}: nothing left to test {counts}; {advice}")


def _content_hash(content: Mapping[str, Any]) -> str:
    return sha256_text(json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False))


def _data_hash(records: Iterable[ClipRecord]) -> str:
    rows = sorted((record.clip_id, record.text_key, record.signer_id, record.is_idle) for record in records)
    return sha256_text(json.dumps(rows, separators=(",", ":"), ensure_ascii=False))


def _from_content(path: Path, content: Mapping[str, Any]) -> Split:
    try:
        stored = _Content.model_validate(content)
    except ValidationError as error:
        raise ArtifactError(f"{path}: not a usable split ({first_fault(error)}); make a new split") from error
    split = Split(stored.config, stored.roles, stored.unused_reasons, stored.data_hash)
    if split._content() != content:
        raise ArtifactError(f"{path}: its parts do not fit each other; make a new split")
    return split


def _allowed_roles(side: Side, config: SplitConfig) -> set[Role]:
    """The roles that a clip may have by who signs it."""
    if config.protocol == "unseen_sentence":
        return set(ROLES) - {"test"}
    if side == "test":
        return {"test", "test_unknown", "test_idle", "unused"}
    choosing: set[Role] = {"val", "val_unknown", "val_idle"}
    if side == "val":
        return choosing | {"unused"}
    training: set[Role] = {"train", "test_new_clip", "enroll", "train_idle", "unused"}
    return training if config.val_signers else training | choosing


def _violations(split: Split, by_id: Mapping[str, ClipRecord]) -> Iterator[str]:
    """What the split does against its protocol, one line each; nothing when it is sound."""
    texts: dict[str, set[str]] = {role: set() for role in ROLES}
    for clip_id, role in split.roles.items():
        record = by_id[clip_id]
        if role not in ROLES:
            yield f"clip {clip_id} has role {role!r}, which does not exist"
        elif role not in _allowed_roles(split.config.side(record), split.config):
            yield f"clip {clip_id} by signer {record.signer_id!r} has role {role}"
        elif role != "unused" and (role in _IDLE_ROLES) != record.is_idle:
            yield f"clip {clip_id} has role {role} and shows {'nothing' if record.is_idle else 'a sentence'}"
        else:
            texts[role].add(record.text_key)
    explained = sum(split.unused_reasons.values())
    if explained != split.counts["unused"]:
        yield f"{split.counts['unused']} clips are unused and {explained} of them have a reason"
    yield from _text_violations(texts)


def _text_violations(texts: Mapping[str, set[str]]) -> Iterator[str]:
    for role in ("val", "test", "test_new_clip"):
        yield from (f"sentence {text!r} is {role} and not trained" for text in sorted(texts[role] - texts["train"]))
    for role in ("val_unknown", "test_unknown", "enroll"):
        yield from (f"sentence {text!r} is {role} and trained" for text in sorted(texts[role] & texts["train"]))
    for text in sorted(texts["val_unknown"] & (texts["test_unknown"] | texts["enroll"])):
        yield f"sentence {text!r} is held out for validation and for the test"
    for text in sorted(texts["test_unknown"] ^ texts["enroll"]):
        yield f"sentence {text!r} is held out for the test without both a query and a clip to enrol"
