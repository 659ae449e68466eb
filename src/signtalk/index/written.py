"""Sentences that are only written: into the index without a clip, and how they are scored beside those with clips.

    sentences.txt | table -> read_sentences -> write_sentences(SentenceIndex, TextSpace) -> SentenceIndex
    `scoring` -> equated_stage, stand_in_dtw, clip_parts

A written sentence has two figures of the four: how near its text lies to the query, and how well the frames spell
it. It must be comparable all the same with sentences that have clips, whose "clip part" is what embeddings and DTW
give to the fused score. Its own clip part follows from what is known of all sentences for the same query, without
any fitted number:

* **By its text** (`equated_stage`). Cosines to texts have another scale than cosines to clips. Every sentence with
  clips has a text too, so both scales are known over the same sentences; the written sentence's cosine is moved to
  the clips' scale by equal mean and spread (linear equating, Kolen & Brennan 2014, section 2.3). This also chooses
  whether it is looked at more closely at all. For DTW it gets the best score among the looked-at sentences with
  clips that the frames spell no better, and the worst of all if there is none.
* **By its spelling** (`clip_parts`). The best clip part among the looked-at sentences with clips that the frames
  spell no better: nothing is known that would put the written sentence below them.

Its clip part is the mean of the two; the spelling itself counts beside it as for all. By the text alone, written
sentences were rarely found; by the spelling alone, known ones were lost to them (docs/experiments.md). Neither is
ever below its own equated stage plus the worst measured DTW score, which `scoring` needs.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from signtalk.arrays import BoolArray, FloatArray
from signtalk.data.columns import spellings
from signtalk.data.records import text_key
from signtalk.data.tables import TABLE_SUFFIXES, guessed_encoding, read_table
from signtalk.data.tokenizer import split_words
from signtalk.errors import ConfigError, DataError
from signtalk.files import decode_text, sha256_text
from signtalk.index.files import IndexEntry
from signtalk.index.index import SentenceIndex
from signtalk.index.text_search import TextSpace

WRITTEN_ID = "written-"
"""Begins the sentence_id of every written sentence that was given none."""
MIN_SIGNED_SENTENCES = 3
"""With fewer sentences that have clips there is no spread to be equated with."""


@dataclass(frozen=True)
class WrittenSentence:
    """A sentence to be recognised although nobody has signed it.

    Attributes:
        sentence: its text.
        sentence_id: "" = one is made from the text.
        category: of the sentence; may be "".
    """

    sentence: str
    sentence_id: str = ""
    category: str = ""


@dataclass(frozen=True)
class Writing:
    """What became of sentences that were to be written, as their texts.

    Attributes:
        index: the new index.
        written: those that were added.
        already: those that the index knew, by clips or in writing; they are left as they were.
        unknown_words: those that were added although they hold a word that the model never learned: they cannot be
            spelled, so that their text alone speaks for them.
    """

    index: SentenceIndex
    written: tuple[str, ...]
    already: tuple[str, ...]
    unknown_words: tuple[str, ...]


def read_sentences(path: Path) -> tuple[tuple[WrittenSentence, ...], tuple[str, ...]]:
    """Read sentences: of a table its column of texts, and `sentence_id` and `category` if there; else a line each.

    Empty lines do not count.

    Returns:
        The sentences, and what is odd about the file.

    Raises:
        DataError: the file cannot be read, holds no sentence, one without a word, or an error of a spreadsheet.
        MissingExtraError: it is an `.xlsx`, and openpyxl is not installed.
    """
    names = ("sentence", "sentence_id", "category")
    notes: tuple[str, ...]
    if path.suffix.lower() in TABLE_SUFFIXES:
        table = read_table(path, names)
        if "sentence" not in table.columns:
            raise DataError(f"{path}: columns {', '.join(table.titles)}; expected one of {spellings('sentence')}")
        faults = [row.fault for row in table.rows if row.fault]
        if faults:
            raise DataError(faults[0])
        sentences = [
            WrittenSentence(**{name: " ".join(row.cells.get(name, "").split()) for name in names}) for row in table.rows
        ]
        notes = table.notes
    else:
        lines, notes = _lines(path)
        sentences = [WrittenSentence(" ".join(line.split())) for line in lines if line.strip()]
    odd = [sentence.sentence for sentence in sentences if _has_control(sentence.sentence)]
    if odd:
        raise DataError(f"{path}: {odd[0]!r} holds control characters; write it without")
    wordless = [sentence.sentence for sentence in sentences if not split_words(sentence.sentence)]
    if wordless or not sentences:
        raise DataError(f"{path}: '{wordless[0]}' holds no word" if wordless else f"{path}: no sentence in it")
    return tuple(sentences), notes


def _lines(path: Path) -> tuple[list[str], tuple[str, ...]]:
    try:
        text, encoding = decode_text(path.read_bytes(), path)
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such file; give one sentence a line") from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); give one sentence a line") from error
    is_guess = encoding == "cp1252"
    return text.splitlines(), (guessed_encoding(path),) if is_guess else ()


def write_sentences(index: SentenceIndex, sentences: Sequence[WrittenSentence], space: TextSpace) -> Writing:
    """Add sentences without clips to an index; those that it knows already are left as they are.

    Args:
        index: what they are added to; it is not changed.
        sentences: texts with ids and categories.
        space: where texts lie among signs.

    Raises:
        ConfigError: the index holds no clip, beside which written sentences could be scored.
        DataError: a sentence_id belongs to another sentence.
        ValueError: a sentence holds no word.
    """
    if index.written.all():
        raise ConfigError("the index holds no clip; written sentences are scored beside signed ones, so index some")
    known, new = set(index.sentences), dict[str, WrittenSentence]()
    for sentence in sentences:
        if text_key(sentence.sentence) not in known:
            new.setdefault(text_key(sentence.sentence), sentence)
    already = dict.fromkeys(s.sentence for s in sentences if text_key(s.sentence) in known)
    if not new:
        return Writing(index, (), tuple(already), ())
    _check_ids(index, new)
    texts = [sentence.sentence for sentence in new.values()]
    entries = [_entry(key, sentence) for key, sentence in new.items()]
    return Writing(
        index=index.with_written(space.embed(texts), entries),
        written=tuple(texts),
        already=tuple(already),
        unknown_words=tuple(text for text in texts if space.unknown_words(text)),
    )


def _has_control(text: str) -> bool:
    """Format characters, such as joiners, are part of some scripts; control characters are of none."""
    return any(unicodedata.category(letter) in ("Cc", "Cs") for letter in text)


def _check_ids(index: SentenceIndex, new: dict[str, WrittenSentence]) -> None:
    """A sentence_id stands for one sentence: whoever looks up what it names would show a wrong one."""
    owner = {entry.sentence_id: entry.text_key for entry in index.entries}
    for key, sentence in new.items():
        other = owner.setdefault(sentence.sentence_id, key) if sentence.sentence_id else key
        if other != key:
            raise DataError(
                f"sentence_id '{sentence.sentence_id}' of '{sentence.sentence}' is that of '{other}'; give it another, "
                "or none"
            )


def _entry(key: str, sentence: WrittenSentence) -> IndexEntry:
    name = f"{WRITTEN_ID}{sha256_text(key)[:16]}"
    return IndexEntry(
        clip_id=name,
        video_file="",
        feature_path="",
        sentence_id=sentence.sentence_id or name,
        sentence=sentence.sentence,
        category=sentence.category,
        signer_id="",
        text_key=key,
        kind="written",
    )


def equated_stage(stage: FloatArray, text_similarities: FloatArray, written: BoolArray, highest: float) -> FloatArray:
    """The stage scores with those of written sentences on the clips' scale.

    Args:
        stage: (B, C) what embeddings give to the fused score; -inf for a sentence that is left out.
        text_similarities: (B, C) cosine of each query to each sentence's text.
        written: (C,) which sentences are only written.
        highest: largest stage score that a sentence with clips can have.

    Returns:
        (B, C) float32; where too few sentences have clips, `highest` times the cosine.
    """
    signed = ~written & np.isfinite(stage)
    counts = signed.sum(axis=1, keepdims=True)
    moments = []
    for values in (np.where(signed, stage, 0.0), np.where(signed, text_similarities, 0.0)):
        mean = values.sum(axis=1, keepdims=True) / np.maximum(counts, 1)
        spread = np.sqrt((np.where(signed, values - mean, 0.0) ** 2).sum(axis=1, keepdims=True) / np.maximum(counts, 1))
        moments.append((mean, spread))
    (mean, spread), (text_mean, text_spread) = moments
    moved = mean + (text_similarities - text_mean) * spread / np.maximum(text_spread, 1e-6)
    moved = np.where(counts >= MIN_SIGNED_SENTENCES, np.minimum(moved, highest), highest * text_similarities)
    return np.where(written & np.isfinite(stage), moved, stage).astype(np.float32)


def stand_in_dtw(dtw_scores: FloatArray, text_scores: FloatArray, written: BoolArray, present: BoolArray) -> FloatArray:
    """The DTW scores of looked-at sentences with something in place of those that written ones cannot have.

    Args:
        dtw_scores: (B, R) of the sentences that are looked at more closely.
        text_scores: (B, R) how well the frames spell them; NaN everywhere where nothing is spelled.
        written: (B, R) which are only written.
        present: (B, R) False where there is no sentence.

    Returns:
        (B, R) float32; the worst measured score where nothing is spelled, 0 where none was measured.
    """
    signed = present & ~written
    worst = np.where(signed, dtw_scores, np.inf).min(axis=1, initial=np.inf)
    worst = np.where(np.isfinite(worst), worst, 0.0)
    best = _best_spelled_no_better(dtw_scores, text_scores, signed)
    return np.where(written & present, np.maximum(best, worst[:, None]), dtw_scores).astype(np.float32)


def clip_parts(parts: FloatArray, text_scores: FloatArray, written: BoolArray, present: BoolArray) -> FloatArray:
    """What embeddings and DTW give to the scores of looked-at sentences, those of written ones by text and spelling.

    Args:
        parts: (B, R) of the sentences with clips, and by their text those of the written ones.
        text_scores: (B, R) how well the frames spell them; NaN everywhere where nothing is spelled.
        written: (B, R) which are only written.
        present: (B, R) False where there is no sentence.

    Returns:
        (B, R) float32; a written sentence that no sentence with clips is spelled as badly as keeps its own.
    """
    best = _best_spelled_no_better(parts, text_scores, present & ~written)
    mean = np.where(np.isfinite(best), (parts + np.maximum(best, parts)) / 2, parts)
    return np.where(written & present, mean, parts).astype(np.float32)


def _best_spelled_no_better(values: FloatArray, text_scores: FloatArray, signed: BoolArray) -> FloatArray:
    """(B, R) for each place the largest value among the sentences with clips spelled no better; -inf without one."""
    # (B, R, R): for the place r, axis 2 runs over those that it is compared with. NaN is never <= NaN.
    no_better = signed[:, None, :] & (text_scores[:, None, :] <= text_scores[:, :, None])
    return np.asarray(np.where(no_better, values[:, None, :], -np.inf).max(axis=2, initial=-np.inf), dtype=np.float32)
