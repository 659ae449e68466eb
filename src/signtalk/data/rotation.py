"""A split turned: a part of the people who train stand aside each time, so that a model meets them as new signers.

    Split + number of turns -> rotated_splits -> one Split a turn, whose val and val_unknown clips are by those aside

A gate that is fitted on people whom the model knows promises too much, and one that is fitted on two people may have
met two odd ones. In turns everybody who trains is a new signer once.
"""

from __future__ import annotations

from dataclasses import replace

from signtalk.data.manifest import ClipRecord, Manifest
from signtalk.data.roles import Role
from signtalk.data.splits import Split
from signtalk.errors import ConfigError

_UNASKED = "not asked in this turn of the rotation"
_LEARNT_FROM: tuple[Role, ...] = ("train", "val")


def rotated_splits(split: Split, manifest: Manifest, turns: int) -> tuple[Split, ...]:
    """The splits of so many turns, or of as many as people train.

    Whoever stands aside is asked: sentences that others train are `val`, those that nobody else signs or that the split
    holds out are `val_unknown`. All other clips of `train` and `val` train, those of validation signers as well. What
    the split keeps for its test is in none of them.

    Args:
        split: of the run.
        manifest: its data.
        turns: 2 or more.

    Raises:
        ConfigError: fewer than two people train, or clips name no signer.
    """
    training = [record for record in split.records(manifest, "train") if record.signer_id]
    signers = sorted({record.signer_id for record in training})
    if len(signers) < 2 or split.config.protocol != "unseen_signer":
        raise ConfigError(
            f"{manifest.root}: {len(signers)} people train; a rotation leaves each of them out once and needs two or "
            "more, in a split that tests people (`signtalk data split --test-signer`)"
        )
    aside = [tuple(signers[turn::turns]) for turn in range(min(turns, len(signers)))]
    return tuple(_turned(split, manifest, people) for people in aside)


def _turned(split: Split, manifest: Manifest, aside: tuple[str, ...]) -> Split:
    others = {record.text_key for record in split.records(manifest, *_LEARNT_FROM) if record.signer_id not in aside}
    roles = {
        record.clip_id: _role(record, split.roles[record.clip_id], record.signer_id in aside, others)
        for record in manifest.records
    }
    turned = replace(
        split,
        config=split.config.model_copy(update={"val_signers": aside}),
        roles=roles,
        unused_reasons={_UNASKED: sum(role == "unused" for role in roles.values())},
    )
    turned.verify(manifest)
    return turned


def _role(record: ClipRecord, role: Role, is_aside: bool, trained: set[str]) -> Role:
    """What a clip is for in a turn; `trained` are the sentences of the people who train in it."""
    if role in _LEARNT_FROM:
        if not is_aside:
            return "train"
        return "val" if record.text_key in trained else "val_unknown"
    if role in ("train_idle", "val_idle"):
        return "val_idle" if is_aside else "train_idle"
    return "val_unknown" if role == "val_unknown" and is_aside else "unused"
