"""Learning how one person signs from a few sentences whose text is known; nothing is trained, and no torch is needed.

    encoded clips + their texts + the references -> fit_signer -> SignerTransform

Two closed questions. Where does each frame lie in the references of the same sentence? A ridge regression moves the
person's frames there. Which words do the frames hold, given the sentence? A few steps of CTC on a linear layer beside
the model's own, drawn towards nothing, answer that. Both see words, not sentences, so other sentences with the same
signs become easier, too (docs/signers.md).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from pydantic import BaseModel, Field

from signtalk.arrays import Float64Array, IntArray
from signtalk.data.records import text_key
from signtalk.data.tokenizer import UNK_ID, SentenceTokenizer
from signtalk.errors import DataError
from signtalk.index.encoded import Encoded, valid_lengths
from signtalk.index.index import SentenceIndex
from signtalk.recognition.ctc import SpelledSentences
from signtalk.recognition.ctc_alignment import align_words, is_spelled
from signtalk.recognition.dtw import warping_path
from signtalk.recognition.signer_transform import SignerTransform, frame_inputs, normalised


class SignerFitConfig(BaseModel, frozen=True, extra="forbid"):
    """How much a few clips may change.

    Attributes:
        frames_ridge: weight that holds frames where they are.
        words_ridge: weight that holds words as they are read.
        words_steps: of gradient descent with momentum.
        references_per_sentence: references of its sentence that a clip is laid beside, at most.
    """

    frames_ridge: float = Field(default=1.0, gt=0)
    words_ridge: float = Field(default=0.1, gt=0)
    words_steps: int = Field(default=60, ge=0)
    references_per_sentence: int = Field(default=8, ge=1)


def fit_signer(
    encoded: Encoded,
    texts: Sequence[str],
    index: SentenceIndex,
    tokenizer: SentenceTokenizer | None = None,
    config: SignerFitConfig | None = None,
) -> SignerTransform:
    """Learn a person from clips whose text is known.

    A clip counts in so far as its sentence has references by clips, and in so far as the model spells its words.

    Args:
        encoded: B clips of one person, as the model's own encoder gives them.
        texts: what each says.
        index: the references; clips of the person among them do no harm.
        tokenizer: of the model's words; None for a model that does not spell.
        config: how much they may change.

    Raises:
        DataError: there is no clip, or of none of them is the sentence known or spelled.
    """
    config = config or SignerFitConfig()
    if len(texts) != encoded.num_clips or not texts:
        raise DataError(f"{encoded.num_clips} clips and {len(texts)} texts; expected one text a clip, and a clip")
    valid = encoded.memory_valid
    own = encoded.memory[valid].astype(np.float64)
    centre = own.mean(axis=0)
    scale = max(float(np.sqrt(own.var(axis=0).mean())), 1e-6)
    inputs = frame_inputs(encoded.memory, centre, scale)
    frames, num_laid = _frames_map(encoded, inputs, _rows_of(texts, index, config), index, config)
    words, num_read = _words_map(encoded, inputs, texts, tokenizer, config)
    if not num_laid and not num_read:
        raise DataError(
            f"'{texts[0]}' and {len(texts) - 1} more: none is a sentence of the model, and no word of them is; "
            "sign sentences that the model knows (`signtalk list`)"
        )
    return SignerTransform(index.encoder_id, len(texts), centre, scale, frames, words)


def _rows_of(texts: Sequence[str], index: SentenceIndex, config: SignerFitConfig) -> list[IntArray]:
    """The references that each clip is laid beside: clips of its sentence, the first of them."""
    rows = (np.array(index.sentences.get(text_key(text), ()), dtype=np.int64) for text in texts)
    return [each[~index.written[each]][: config.references_per_sentence] for each in rows]


def _frames_map(
    encoded: Encoded, inputs: Float64Array, rows: Sequence[IntArray], index: SentenceIndex, config: SignerFitConfig
) -> tuple[Float64Array, int]:
    """(M + 1, P) that moves frames to where references hold the same, and how many clips told it."""
    lengths = valid_lengths(encoded.memory_valid)
    own, moves = [inputs[0, :0]], [encoded.projections[0, :0].astype(np.float64)]
    for clip, references in enumerate(rows):
        if len(references):
            projections = encoded.projections[clip, : lengths[clip]].astype(np.float64)
            own.append(inputs[clip, : lengths[clip]])
            moves.append(_laid_beside(projections, index, references) - projections)
    seen, target = np.concatenate(own), np.concatenate(moves)
    held = seen.T @ seen + config.frames_ridge * np.eye(inputs.shape[2])
    return np.asarray(np.linalg.solve(held, seen.T @ target), dtype=np.float64), len(own) - 1


def _laid_beside(projections: Float64Array, index: SentenceIndex, references: IntArray) -> Float64Array:
    """(T, P): the mean of the references' frames that DTW lays beside each frame."""
    total, count = np.zeros_like(projections), np.zeros(len(projections))
    for row in references.tolist():
        reference = index.projections[row, : index.projection_lengths[row]].astype(np.float64)
        squares = (projections**2).sum(axis=1)[:, None] + (reference**2).sum(axis=1) - 2 * projections @ reference.T
        frame, beside = warping_path(np.sqrt(np.maximum(squares, 0)))
        np.add.at(total, frame, reference[beside])
        np.add.at(count, frame, 1)
    return np.asarray(total / count[:, None])


def _words_map(
    encoded: Encoded,
    inputs: Float64Array,
    texts: Sequence[str],
    tokenizer: SentenceTokenizer | None,
    config: SignerFitConfig,
) -> tuple[Float64Array, int]:
    """(M + 1, V) that is added to what frames say of words, and how many clips told it.

    Nesterov's method on the sum of the clips' CTC losses and half the ridge; the step is that of the loss's steepest
    curvature, a softmax bending by 1/2 at most.
    """
    vocabulary = encoded.word_log_probs.shape[2]
    words = np.zeros((inputs.shape[2], vocabulary))
    if tokenizer is None or not vocabulary:
        return words, 0
    sentences = SpelledSentences.of([tokenizer.encode(text, add_special=False) for text in texts])
    spelled = np.flatnonzero(is_spelled(sentences, vocabulary, UNK_ID))
    if len(spelled):
        as_read = encoded.select(spelled)
        alignment = align_words(as_read.word_log_probs, as_read.memory_valid, sentences.select(spelled))
        spelled = spelled[np.isfinite(alignment.log_likelihoods)]  # more words than frames cannot be placed
    if not len(spelled):
        return words, 0
    sentences, valid = sentences.select(spelled), encoded.memory_valid[spelled]
    own, log_probs = inputs[spelled], encoded.word_log_probs[spelled].astype(np.float64)
    used = own[valid]
    step = 1 / (0.5 * float(np.linalg.eigvalsh(used.T @ used)[-1]) + config.words_ridge)
    ahead, weight = words, 1.0
    for _ in range(config.words_steps):
        read = normalised(log_probs + own @ ahead)
        wrong = np.exp(read[valid]) - align_words(read, valid, sentences).occupation[valid]
        moved = ahead - step * (used.T @ wrong + config.words_ridge * ahead)
        further = (1 + np.sqrt(1 + 4 * weight**2)) / 2
        ahead, words, weight = moved + (weight - 1) / further * (moved - words), moved, further
    return words, len(spelled)
