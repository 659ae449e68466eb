"""Which clip is trained on, chosen on and tested on: the rules of the protocols that every claim is made under.

    records + SplitConfig -> deal_roles -> clip_id -> role          (written down and hashed by `splits`)

Sentences are told apart by `ClipRecord.text_key`: two ids with the same text are one sentence. Sentences and
clips are drawn in the order of a hash of the seed and their names, so the outcome depends neither on the order
of the table nor on the platform or a library's random stream, and a clip that is added moves few others.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Literal, TypeVar, get_args

from pydantic import BaseModel, Field, model_validator

from signtalk.data.manifest import ClipRecord
from signtalk.files import sha256_text

Role = Literal[
    "train", "val", "val_unknown", "test", "test_new_clip", "test_unknown", "enroll",
    "train_idle", "val_idle", "test_idle", "unused",
]  # fmt: skip
"""What a clip is for.

train: training and reference index.
val: a trained sentence; the model is chosen and calibrated on it.
val_unknown: a sentence held out of everything, by the same people as val; the gate is fitted on it.
test: a trained sentence by a test signer (the headline).
test_new_clip: a trained sentence, another clip of a training signer.
test_unknown: a sentence neither trained nor, for the open set, enrolled; also the queries of the enrolment protocol.
enroll: the other clips of the test_unknown sentences; never trained, enrolled one or two a sentence.
train_idle, val_idle, test_idle: clips in which nothing is signed.
unused: cannot be asked fairly; the reason is counted.
"""
ROLES: tuple[Role, ...] = get_args(Role)

Side = Literal["train", "val", "test"]
_Sentences = Mapping[str, Sequence[ClipRecord]]
_T = TypeVar("_T")


class SplitConfig(BaseModel, frozen=True, extra="forbid"):
    """How clips are dealt out. A part above 0 takes at least one clip or sentence where there is one to take.

    Attributes:
        protocol: "unseen_signer" tests people whom training never saw. "unseen_sentence" divides by
            sentence alone, as the prototype did, and needs no signers.
        test_signers: who is tested under "unseen_signer".
        val_signers: who is chosen and calibrated on; empty: a part of the training signers' clips.
        val_fraction: part of the training signers' clips that goes to val, when val_signers is empty.
        new_clip_fraction: part of the training signers' clips that goes to test_new_clip.
        holdout_sentences: part of the sentences that training never sees. Under "unseen_signer" half
            become test_unknown and half val_unknown; under "unseen_sentence" all become val_unknown.
        holdout_validation: part of the sentences that become val_unknown instead, all of holdout_sentences then
            being test_unknown; None = the halves. Only under "unseen_signer".
        test_size: part of the sentences that become test_unknown and enroll under "unseen_sentence".
        seed: another seed draws other clips and sentences.
    """

    protocol: Literal["unseen_signer", "unseen_sentence"] = "unseen_signer"
    test_signers: tuple[str, ...] = ()
    val_signers: tuple[str, ...] = ()
    val_fraction: float = Field(0.1, ge=0, lt=1)
    new_clip_fraction: float = Field(0.0, ge=0, lt=1)
    holdout_sentences: float = Field(0.0, ge=0, lt=1)
    holdout_validation: float | None = Field(None, ge=0, lt=1)
    test_size: float = Field(0.15, ge=0, lt=1)
    seed: int = 42

    @model_validator(mode="after")
    def _check(self) -> SplitConfig:
        both = sorted(set(self.test_signers) & set(self.val_signers))
        if both:
            raise ValueError(f"signers {both} stand in test_signers and in val_signers; leave each in one of them")
        if self.protocol == "unseen_sentence" and (self.test_signers or self.val_signers):
            raise ValueError("protocol unseen_sentence divides by sentence alone; it takes no test or val signers")
        if self.protocol == "unseen_sentence" and self.holdout_validation is not None:
            raise ValueError("protocol unseen_sentence holds sentences out by test_size and holdout_sentences alone")
        return self

    def side(self, record: ClipRecord) -> Side:
        """On which side a clip's signer stands; everybody trains under "unseen_sentence"."""
        if record.signer_id in self.test_signers:
            return "test"
        return "val" if record.signer_id in self.val_signers else "train"

    @property
    def val_side(self) -> Side:
        """Whose clips val, val_unknown and val_idle are made of."""
        return "val" if self.val_signers else "train"


class Dealt:
    """Roles given so far, and how many clips were left out for which reason."""

    def __init__(self, config: SplitConfig) -> None:
        self.config = config
        self.roles: dict[str, Role] = {}
        self.reasons: Counter[str] = Counter()

    def give(self, clips: Iterable[ClipRecord], role: Role) -> None:
        """Give one role to clips."""
        for clip in clips:
            self.roles[clip.clip_id] = role

    def leave_out(self, clips: Iterable[ClipRecord], reason: str) -> None:
        """Make clips `unused` and count why."""
        for clip in clips:
            self.roles[clip.clip_id] = "unused"
            self.reasons[reason] += 1


def deal_roles(records: Iterable[ClipRecord], config: SplitConfig) -> Dealt:
    """Give every clip its role.

    Args:
        records: clips in any order, ids unique.
        config: the protocol and its parts; its signers are taken as they are.

    Returns:
        A role for each clip, and the reasons of the unused ones.
    """
    sentences: dict[str, list[ClipRecord]] = defaultdict(list)
    idle: list[ClipRecord] = []
    for record in records:
        (idle if record.is_idle else sentences[record.text_key]).append(record)
    dealt = Dealt(config)
    _deal_idle(idle, dealt)
    for_test, for_val = _held_out_sentences(sentences, config)
    for key in for_test:
        _deal_test_unknown(key, sentences.pop(key), dealt)
    for key in for_val:
        _deal_val_unknown(sentences.pop(key), dealt)
    _deal_seen(sentences, dealt)
    return dealt


def _drawn(things: Iterable[_T], config: SplitConfig, purpose: str, name: Callable[[_T], str]) -> list[_T]:
    """The things in an order that only their names, the purpose and the seed decide."""
    return sorted(things, key=lambda thing: (sha256_text(f"{config.seed}/{purpose}/{name(thing)}"), name(thing)))


def _drawn_keys(keys: Iterable[str], config: SplitConfig, purpose: str) -> list[str]:
    return _drawn(keys, config, purpose, lambda key: key)


def _drawn_clips(clips: Iterable[ClipRecord], config: SplitConfig, purpose: str) -> list[ClipRecord]:
    return _drawn(clips, config, purpose, lambda clip: clip.clip_id)


def _part(fraction: float, total: int) -> int:
    return max(1, round(fraction * total)) if fraction > 0 else 0


def _by_side(clips: Iterable[ClipRecord], config: SplitConfig) -> dict[Side, list[ClipRecord]]:
    sides: dict[Side, list[ClipRecord]] = {"train": [], "val": [], "test": []}
    for clip in clips:
        sides[config.side(clip)].append(clip)
    return sides


def _held_out_sentences(sentences: _Sentences, config: SplitConfig) -> tuple[list[str], list[str]]:
    """The sentences of test_unknown and those of val_unknown, none in both."""
    sides = {key: {config.side(clip) for clip in clips} for key, clips in sentences.items()}
    trainable = _drawn_keys((key for key in sentences if "train" in sides[key]), config, "held out")
    if config.protocol == "unseen_sentence":
        # A sentence of one clip has nothing to be enrolled with; it stays with training.
        askable = [key for key in trainable if len(sentences[key]) > 1]
        num_test, num_val = _part(config.test_size, len(trainable)), _part(config.holdout_sentences, len(trainable))
    else:
        askable = [key for key in trainable if "test" in sides[key]]
        num_test = num_val = _part(config.holdout_sentences / 2, len(trainable))
        if config.holdout_validation is not None:
            num_test = _part(config.holdout_sentences, len(trainable))
            num_val = _part(config.holdout_validation, len(trainable))
    for_test = askable[:num_test]
    left = set(trainable) - set(for_test)
    for_val = [key for key in trainable if key in left and config.val_side in sides[key]]
    # Sentences that no test signer signs go first: holding them out costs the headline no query.
    for_val.sort(key=lambda key: "test" in sides[key])
    return for_test, for_val[:num_val]


def _deal_idle(clips: Sequence[ClipRecord], dealt: Dealt) -> None:
    config = dealt.config
    sides = _by_side(clips, config)
    drawn = _drawn_clips(sides["train"], config, "idle")
    num_test = _part(config.test_size, len(drawn)) if config.protocol == "unseen_sentence" else 0
    num_val = 0 if config.val_signers else _part(config.val_fraction, len(drawn))
    dealt.give(sides["test"] + drawn[:num_test], "test_idle")
    dealt.give(sides["val"] + drawn[num_test : num_test + num_val], "val_idle")
    dealt.give(drawn[num_test + num_val :], "train_idle")


def _deal_test_unknown(key: str, clips: Sequence[ClipRecord], dealt: Dealt) -> None:
    config = dealt.config
    sides = _by_side(clips, config)
    if config.protocol == "unseen_signer":
        queries, enrolled = sides["test"], sides["train"]
    else:
        queries, enrolled = _asked_and_enrolled(key, clips, config)
    dealt.give(queries, "test_unknown")
    dealt.give(enrolled, "enroll")
    dealt.leave_out(sides["val"], "validation signer, sentence held out for the test")


def _asked_and_enrolled(
    key: str, clips: Sequence[ClipRecord], config: SplitConfig
) -> tuple[list[ClipRecord], list[ClipRecord]]:
    """Without test signers: one of a sentence's signers asks and the others are enrolled.

    Where one person, or nobody known, signs all of them, two clips are enrolled, or one if there are but two.
    """
    signers = _drawn_keys({clip.signer_id for clip in clips}, config, f"asks {key}")
    drawn = _drawn_clips(clips, config, "enrolled")
    if len(signers) == 1:
        num_enrolled = min(2, len(drawn) - 1)
        return drawn[num_enrolled:], drawn[:num_enrolled]
    queries = [clip for clip in drawn if clip.signer_id == signers[0]]
    return queries, [clip for clip in drawn if clip.signer_id != signers[0]]


def _deal_val_unknown(clips: Sequence[ClipRecord], dealt: Dealt) -> None:
    # The known and the unknown clips that the gate is fitted on come from the same people: otherwise it would
    # learn to tell people apart instead of sentences.
    sides = _by_side(clips, dealt.config)
    dealt.give(sides[dealt.config.val_side], "val_unknown")
    dealt.leave_out(sides["test"], "test signer, sentence held out for validation")
    if dealt.config.val_signers:
        dealt.leave_out(sides["train"], "training signer, sentence held out for validation")


def _deal_seen(sentences: _Sentences, dealt: Dealt) -> None:
    config = dealt.config
    pool: dict[str, list[ClipRecord]] = {}
    for key, clips in sentences.items():
        sides = _by_side(clips, config)
        if sides["train"]:
            pool[key] = _drawn_clips(sides["train"], config, "spare")
            dealt.give(sides["val"], "val")
            dealt.give(sides["test"], "test")
        else:
            dealt.leave_out(sides["val"] + sides["test"], "no training signer signs this sentence")
    num_clips = sum(len(clips) for clips in pool.values())
    if not config.val_signers:
        order = _drawn_keys(pool, config, "val")
        dealt.give(_take_spare(pool, order, _part(config.val_fraction, num_clips)), "val")
    order = _drawn_keys(pool, config, "new clip")
    dealt.give(_take_spare(pool, order, _part(config.new_clip_fraction, num_clips)), "test_new_clip")
    for clips in pool.values():
        dealt.give(clips, "train")


def _take_spare(pool: dict[str, list[ClipRecord]], order: Sequence[str], wanted: int) -> list[ClipRecord]:
    """Remove up to `wanted` clips from the pool, one a sentence in turn, and never a sentence's last clip.

    Clips whose sentence keeps a clip by another signer go first: asking for them is nearer to the headline.
    """
    taken: list[ClipRecord] = []
    for by_another in (True, False):
        while len(taken) < wanted:
            spare = [(key, clip) for key in order if (clip := _spare_clip(pool[key], by_another)) is not None]
            if not spare:
                break
            for key, clip in spare[: wanted - len(taken)]:
                pool[key].remove(clip)
                taken.append(clip)
    return taken


def _spare_clip(clips: Sequence[ClipRecord], by_another: bool) -> ClipRecord | None:
    can_spare = len({clip.signer_id for clip in clips}) > 1 if by_another else len(clips) > 1
    return clips[0] if can_spare else None
