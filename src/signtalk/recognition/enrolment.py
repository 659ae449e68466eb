"""Sentences that are usable at once: enrolled from one to three clips, without training.

    clips -> encode_clips (refuses what shows no signing) -> enroll_encoded (a personal index) -> Enrolled

What is not bad enough to be refused is a warning: clips that contradict each other, and other sentences that the
new one may be taken for. `index.personal` tells where enrolled clips lie and how queries meet them.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from signtalk.arrays import FloatArray, IntArray
from signtalk.data.records import text_key
from signtalk.data.tokenizer import split_words
from signtalk.errors import ClipError, ConfigError, DataError, printable
from signtalk.files import sha256_text
from signtalk.index.encoded import Encoded
from signtalk.index.files import IndexEntry, locked
from signtalk.index.index import SentenceIndex
from signtalk.index.personal import ENROLLED_ID, load_layer, refuse_bundle
from signtalk.index.said import drop_said, read_said, said_id
from signtalk.index.takes import Consent, Take, check_told
from signtalk.index.text_search import refuse_endless
from signtalk.landmarks.clip import LandmarkClip
from signtalk.landmarks.features import LEAST_HAND_SHARE, ClipFeatures, FeatureConfig, extract_features, hand_share
from signtalk.recognition.recognizer import Recognizer

SAME_COSINE = 0.9999
SAME_TOLERANCE = 5e-3
"""Of frame projections: half precision and another library round less, no two recordings are as near."""
CONFUSED = 0.5
"""From this confidence another sentence is more probably the answer than not."""
SHOWN_NEAREST = 3


@dataclass(frozen=True)
class NewSentence:
    """What enrolled clips say.

    Attributes:
        text: the sentence; one that the index knows gets further clips.
        category: "" = that of the sentence where it is known.
        signer_id: who signs; "" = not told.
        language: of the text, a tag such as "fr"; "" = not told.
        consent: what the signer agreed to; where it is told, the clips are kept beside the vectors.
        date: of the day, as "2026-11-28"; "" = not told.

    Raises:
        ConfigError: the text holds no word or is no sentence by its length, or one of the six cannot be used.
    """

    text: str
    category: str = ""
    signer_id: str = ""
    language: str = ""
    consent: Consent = ""
    date: str = ""

    def __post_init__(self) -> None:
        check_told(self.language, self.consent, self.date)
        for name in ("text", "category", "signer_id"):
            value = " ".join(getattr(self, name).split())
            try:
                value.encode("utf-8")
            except UnicodeEncodeError as error:
                raise ConfigError(f"{name} {value!r} is no Unicode text; give it as UTF-8") from error
            refuse_control_characters(name, value)
            object.__setattr__(self, name, value)
        if not split_words(self.text):
            raise ConfigError(f"the text '{self.text}' holds no word; give the sentence that the clips say")
        refuse_endless(self.text)  # beside written sentences every text of an index is placed among the signs


def refuse_control_characters(name: str, value: str) -> None:
    """No such character is part of a text, and a terminal that shows it would obey it.

    Raises:
        ConfigError: there is one.
    """
    if any(unicodedata.category(character) == "Cc" for character in value):
        raise ConfigError(f"{name} {value!r} holds control characters; give it without")


@dataclass(frozen=True)
class NearSentence:
    """Another sentence, and how near it lies to the clips that were enrolled.

    Attributes:
        sentence: its text.
        score: fused score of the clip that is nearest to it, as answers are ranked by.
        similarity: cosine to its closest reference.
        confidence: 0-1, how probably it would have been the answer to that clip; None where it was not the first.
    """

    sentence: str
    score: float
    similarity: float
    confidence: float | None

    def __str__(self) -> str:
        """The sentence and how near it lies."""
        return f"{self.sentence} ({self.similarity:.2f})"


@dataclass(frozen=True)
class Enrolled:
    """What was enrolled, and what to know about it.

    Attributes:
        sentence: as it stands in the index.
        sentence_id: likewise.
        category: likewise.
        clip_ids: of the new clips, in the order they were given.
        num_references: clips of the sentence that a query now meets, in all layers.
        agreement: cosine of the clip that is least like the sentence's other clips to the closest of them; None
            where there is no other.
        nearest: the other sentences that lie nearest, nearest first.
        confused_with: those that a new clip is nearer to than to its own, or would surely be taken for without it.
        warnings: what may go wrong; empty = nothing found.
    """

    sentence: str
    sentence_id: str
    category: str
    clip_ids: tuple[str, ...]
    num_references: int
    agreement: float | None
    nearest: tuple[NearSentence, ...]
    confused_with: tuple[str, ...]
    warnings: tuple[str, ...]

    def __str__(self) -> str:
        """One line of what was enrolled, and one for each warning."""
        clips = "1 clip" if len(self.clip_ids) == 1 else f"{len(self.clip_ids)} clips"
        line = f"enrolled: '{self.sentence}', {clips}, now {self.num_references} in all"
        return "\n".join([line, *(f"warning: {warning}" for warning in self.warnings)])

    def to_dict(self) -> dict[str, Any]:
        """All fields by name; plain values, as JSON has them."""
        return asdict(self)


@dataclass(frozen=True, eq=False)
class EncodedClips:
    """Clips to be enrolled, encoded.

    Attributes:
        names: of their files.
        encoded: the clips, in this order.
        motions: (B,) float32 hand speeds, shoulder widths a second.
        clips: their landmarks, to be kept where that is agreed to; empty = they are not at hand.
    """

    names: tuple[str, ...]
    encoded: Encoded
    motions: FloatArray
    clips: tuple[LandmarkClip, ...] = ()


def encode_clips(recognizer: Recognizer, clips: Mapping[str, LandmarkClip]) -> EncodedClips:
    """Encode clips that are to be enrolled.

    Args:
        recognizer: gives the encoder, and the motion floor of its gate.
        clips: by file name.

    Raises:
        ClipError: a clip has no frame, shows no shoulders or hardly a hand, or nobody signs in it.
        ConfigError: there is no clip.
    """
    if not clips:
        raise ConfigError("no clip to enroll; give at least one, better two or three")
    config, floor = recognizer.encoder.feature_config, recognizer.decision.gate.motion_floor
    features = [checked_features(name, clip, config, floor) for name, clip in clips.items()]
    encoded = recognizer.encoder.encode(
        np.stack([each.features for each in features]), np.stack([each.valid for each in features])
    )
    motions = np.array([each.motion for each in features], dtype=np.float32)
    return EncodedClips(tuple(clips), encoded, motions, tuple(clips.values()))


def checked_features(name: str, clip: LandmarkClip, config: FeatureConfig, motion_floor: float) -> ClipFeatures:
    """What a network reads of a clip that shall be a reference.

    Args:
        name: by which errors tell the clip.
        clip: its landmarks.
        config: how features are made.
        motion_floor: shoulder widths a second that signing hands exceed.

    Raises:
        ClipError: it has no frame, shows no shoulders or hardly a hand, or nobody signs in it.
    """
    try:
        features = extract_features(clip, config)
    except ClipError as error:
        raise ClipError(f"{name}: {error}") from error
    share = hand_share(clip, config)
    if share < LEAST_HAND_SHARE:
        raise ClipError(
            f"{name}: {share:.0%} of the frames show a hand, expected at least {LEAST_HAND_SHARE:.0%}; film again "
            "with the hands in view"
        )
    if not features.motion >= motion_floor:
        raise ClipError(
            f"{name}: hand speed {features.motion:.2f} shoulder widths a second, signing has at least "
            f"{motion_floor:.2f}; the hands rest, so film the signing"
        )
    return features


def enroll(
    recognizer: Recognizer,
    folder: Path,
    sentence: NewSentence,
    clips: Mapping[str, LandmarkClip],
    strict: bool = False,
) -> Enrolled:
    """Enroll a sentence from one to three clips, or as many as there are; all of them or none.

    Args:
        recognizer: its model encodes, its index is the base, which is read and never changed.
        folder: the personal index; made where it is not there.
        sentence: what the clips say.
        clips: by file name.
        strict: what would be a warning is an error, and nothing is enrolled.

    Returns:
        What was enrolled: it is on disk, and the next query that reads the folder meets it.

    Raises:
        ClipError: a clip cannot be used, or is enrolled already.
        DataError: `strict`, and there is a warning; or the place cannot be written.
        ArtifactError: the folder is damaged, of another model or part of a bundle.
        ConfigError: there is no clip.
    """
    return enroll_encoded(recognizer, folder, sentence, encode_clips(recognizer, clips), strict)


def enroll_encoded(
    recognizer: Recognizer, folder: Path, sentence: NewSentence, clips: EncodedClips, strict: bool = False
) -> Enrolled:
    """As `enroll`, of clips that are encoded already.

    Args:
        recognizer: its index is the base.
        folder: the personal index.
        sentence: what the clips say.
        clips: of `encode_clips`.
        strict: what would be a warning is an error.
    """
    refuse_bundle(folder)
    with locked(folder):
        layer = load_layer(folder, recognizer.index.encoder_id)
        before = recognizer.index.with_layer(layer)
        _refuse_known(before, clips.names, clips.encoded)
        entries = _new_entries(before, sentence, clips.names, clips.encoded)
        after = layer.add(clips.encoded, entries)
        enrolled = _looked_at(recognizer.changed(index=before), entries, clips.encoded, clips.motions)
        if strict and enrolled.warnings:
            raise DataError(f"'{sentence.text}' is not enrolled: {'; '.join(enrolled.warnings)}")
        kept = _kept(entries, sentence, clips)
        after.save(folder, [_take(entry, sentence) for entry in entries], kept)
        said = set(map(said_id, kept.values())) & set(read_said(folder))
        if said:  # it answers now, and trains no model twice
            drop_said(folder, said)
    return enrolled


def _take(entry: IndexEntry, sentence: NewSentence) -> Take:
    return Take(
        clip_id=entry.clip_id, sentence_id=entry.sentence_id, sentence=entry.sentence, category=entry.category,
        signer_id=entry.signer_id, language=sentence.language, consent=sentence.consent, date=sentence.date,
    )  # fmt: skip


def _kept(entries: Sequence[IndexEntry], sentence: NewSentence, clips: EncodedClips) -> dict[str, LandmarkClip]:
    if not sentence.consent:
        return {}
    if len(clips.clips) != len(entries):
        raise ValueError(f"{len(clips.clips)} clips of {len(entries)} to be kept; give the landmarks of each")
    return {entry.clip_id: clip for entry, clip in zip(entries, clips.clips, strict=True)}


def _refuse_known(index: SentenceIndex, names: Sequence[str], encoded: Encoded) -> None:
    """No clip may be there under whatever name: it would find itself, and count as a second opinion."""
    frames = [each[valid] for each, valid in zip(encoded.projections, encoded.memory_valid, strict=True)]
    for new, name in enumerate(names):
        for other in range(new):
            if len(frames[new]) == len(frames[other]) and _same(frames[new], frames[other]):
                raise ClipError(f"{name}: the same clip as {names[other]}; give it once")
        known = same_clip(index, encoded.embeddings[new], frames[new])
        if known is not None:
            raise ClipError(f"{name}: is there already, as clip {known.clip_id} of '{known.sentence}'")


def same_clip(index: SentenceIndex, embedding: FloatArray, frames: FloatArray) -> IndexEntry | None:
    """The reference that is this very clip, whatever its name; None where it is new.

    Args:
        index: what may hold it.
        embedding: (D,) float32 of the clip.
        frames: (T, P) its projections, valid frames alone.
    """
    near = index.all_similarities(embedding[None])[0] >= SAME_COSINE
    rows = np.flatnonzero(near & (index.projection_lengths == len(frames)))
    return next((index.entries[row] for row in rows if _same(frames, index.projections[row])), None)


def _same(frames: FloatArray, projections: FloatArray | Any) -> bool:
    """Whether (T, P) frames are those of (T', P) projections, padded or not, of as many frames."""
    others = np.asarray(projections[: len(frames)], dtype=np.float32)
    return np.allclose(frames, others, rtol=SAME_TOLERANCE, atol=SAME_TOLERANCE)


def _new_entries(
    index: SentenceIndex, sentence: NewSentence, names: Sequence[str], encoded: Encoded
) -> list[IndexEntry]:
    """A sentence that is known keeps its text and id; a clip is named after its file and what it holds."""
    key = text_key(sentence.text)
    rows = index.sentences.get(key)
    known = index.entries[_canonical_row(index, rows)] if rows is not None else None
    entries = []
    for name, frames in zip(map(printable, names), encoded.projections, strict=True):
        content = sha256_text(frames.astype(np.float16).tobytes().hex())[:8]
        entries.append(
            IndexEntry(
                clip_id=f"{Path(name).stem}-{content}",
                video_file="",
                feature_path=Path(name).name,
                sentence_id=sentence_id_of(index, key),
                sentence=known.sentence if known else sentence.text,
                category=sentence.category or (known.category if known else ""),
                signer_id=sentence.signer_id,
                text_key=key,
            )
        )
    return entries


def sentence_id_of(index: SentenceIndex, key: str) -> str:
    """The id of a taught sentence: that by which an index knows its text, else one that tells that it was taught.

    Args:
        index: what it is taught over.
        key: the sentence's `text_key`.
    """
    rows = index.sentences.get(key)
    return own_sentence_id(key) if rows is None else index.entries[_canonical_row(index, rows)].sentence_id


def own_sentence_id(key: str) -> str:
    """The id of a sentence that belongs to no model.

    Args:
        key: the sentence's `text_key`.
    """
    return f"{ENROLLED_ID}{sha256_text(key)[:16]}"


def _canonical_row(index: SentenceIndex, rows: IntArray) -> int:
    return int(index.groups.canonical_rows[index.groups.class_of_row[rows[0]]])


def _looked_at(
    recognizer: Recognizer, entries: Sequence[IndexEntry], encoded: Encoded, motions: FloatArray
) -> Enrolled:
    """Compare new clips with each other and with an index that does not hold them yet."""
    index, named = recognizer.index, entries[0]
    own = index.sentences.get(named.text_key, np.zeros(0, dtype=np.int64))
    own = own[~index.written[own]]
    agreement, unlike = _agreement(index, own, [entry.feature_path for entry in entries], encoded.embeddings)
    nearest, confused = _nearest(recognizer, entries, encoded, motions)
    return Enrolled(
        sentence=named.sentence,
        sentence_id=named.sentence_id,
        category=named.category,
        clip_ids=tuple(entry.clip_id for entry in entries),
        num_references=len(own) + len(entries),
        agreement=agreement,
        nearest=nearest,
        confused_with=tuple(dict.fromkeys([*unlike.values(), *confused.values()])),
        warnings=(*unlike, *confused),
    )


def _agreement(
    index: SentenceIndex, own: IntArray, names: Sequence[str], embeddings: FloatArray
) -> tuple[float | None, dict[str, str]]:
    """The `agreement` of `Enrolled`, and by warning the sentence whose clip is nearer than the clip's own."""
    others = index.all_similarities(embeddings)
    companions = np.concatenate([embeddings @ embeddings.T, others[:, own]], axis=1)
    np.fill_diagonal(companions[:, : len(embeddings)], -np.inf)
    if companions.shape[1] == 1:
        return None, {}
    closest = companions.max(axis=1)
    others[:, own] = -np.inf
    others[:, index.written] = -np.inf
    warnings = {}
    for clip in np.flatnonzero(closest < others.max(axis=1, initial=-np.inf)).tolist():
        other = index.entries[int(others[clip].argmax())]
        warning = (
            f"{names[clip]} is less like the sentence's other clips ({closest[clip]:.2f}) than like clip "
            f"{other.clip_id} of '{other.sentence}' ({others[clip].max():.2f}); see whether it says the same"
        )
        warnings[warning] = other.sentence
    return float(closest.min()), warnings


def _nearest(
    recognizer: Recognizer, entries: Sequence[IndexEntry], encoded: Encoded, motions: FloatArray
) -> tuple[tuple[NearSentence, ...], dict[str, str]]:
    """What the clips would have been taken for without their own sentence; the sentence of a warning where surely."""
    index = recognizer.index
    own_ids = index.clips_of(entries[0].text_key)
    untranslated = recognizer.changed(decision=recognizer.decision.model_copy(update={"translate": False}))
    answers = untranslated.answer(encoded, motions, [own_ids] * len(entries), SHOWN_NEAREST).answers
    nearest, warnings = dict[str, NearSentence](), dict[str, str]()
    for entry, answer in zip(entries, answers, strict=True):
        for candidate in answer.candidates:
            figures = (candidate.similarity, candidate.raw_similarity, candidate.confidence)
            near = NearSentence(candidate.sentence, *figures)
            if candidate.text_key not in nearest or near.score > nearest[candidate.text_key].score:
                nearest[candidate.text_key] = near
        if answer.accepted or answer.reason == "not_proven" or (answer.candidates and answer.confidence >= CONFUSED):
            other = answer.candidates[0].sentence
            warning = (
                f"'{entry.sentence}' and '{other}' are easily confused: without the first, "
                f"{entry.feature_path} would be taken for the second (confidence {answer.confidence:.2f})"
            )
            warnings[warning] = other
    return tuple(sorted(nearest.values(), key=lambda near: -near.score)[:SHOWN_NEAREST]), warnings
