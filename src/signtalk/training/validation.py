"""How good is the model now: the task's own measure on the validation clips, while training.

Validation clips are asked against an index of the training clips through the very code that serves;
nothing is augmented, and texts are scored against the canonical sentence with the others as references.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from signtalk.data.manifest import ClipRecord
from signtalk.data.packed import PackedClips
from signtalk.data.tokenizer import SentenceTokenizer
from signtalk.evaluation.answered import ranks_asked
from signtalk.evaluation.retrieval import mean_reciprocal_rank, recall_at_k, view_alignment
from signtalk.evaluation.texts import score_texts
from signtalk.index.encoded import Encoded
from signtalk.landmarks.features import derive
from signtalk.models.model import SignModel
from signtalk.models.text_decoder import TorchStepDecoder
from signtalk.recognition.asked import Asked, encode_all, index_records
from signtalk.recognition.beam_search import DecodingOptions
from signtalk.recognition.recognizer import DecisionConfig, Recognizer
from signtalk.training.batches import even_odd_positions
from signtalk.training.checkpoint import TorchEncoder


@dataclass(frozen=True, eq=False)
class ValidationSet:
    """What a model is measured on while it is trained.

    Attributes:
        store: packed clips.
        train_records: the references.
        val_records: the queries; empty where a data set has none to spare.
        tokenizer: of the texts.
        split_hash: of the split they come from.
    """

    store: PackedClips
    train_records: tuple[ClipRecord, ...]
    val_records: tuple[ClipRecord, ...]
    tokenizer: SentenceTokenizer
    split_hash: str


@dataclass(frozen=True)
class ValidationMeasures:
    """Measures of one evaluation; NaN where there is nothing to measure.

    Attributes:
        retrieval_top1: part of the val clips whose sentence ranks first.
        retrieval_mrr: mean reciprocal rank of the right sentence; the measure that models are chosen by.
        inst_top1: diagnostic only: part of the clips whose odd frames are nearest to their even frames.
        pos_sim: mean similarity of the two.
        neg_sim: mean similarity to the nearest other clip.
        decoder_wer: corpus word error rate of greedy decoding.
        decoder_bleu: corpus BLEU.
        decoder_exact: part of the texts that are right word for word.
    """

    retrieval_top1: float
    retrieval_mrr: float
    inst_top1: float
    pos_sim: float
    neg_sim: float
    decoder_wer: float
    decoder_bleu: float
    decoder_exact: float


def validate(model: SignModel, data: ValidationSet) -> ValidationMeasures:
    """Measure a model; its training mode is restored.

    Without validation clips the training clips ask for each other, which flatters, but still tells.
    """
    training = model.training
    model.eval()
    try:
        encoder = TorchEncoder(model, data.store.config)
        index = index_records(encoder, data.store, data.train_records, "validation")
        queries = data.val_records or data.train_records
        which = data.store.positions_of([record.clip_id for record in queries])
        encoded = encode_all(encoder, data.store, which)
        decoder = TorchStepDecoder(model.decoder)
        greedy = DecodingOptions(num_beams=1, max_tokens=model.config.decoder.max_tokens)
        recognizer = Recognizer(
            encoder=encoder,
            index=index,
            decision=DecisionConfig(decoding=greedy),
            decoder=decoder,
            tokenizer=data.tokenizer,
        )
        ranks = ranks_asked(recognizer, Asked(queries, encoded, data.store.motions[which]))
        ranks = ranks[np.isfinite(ranks)] if np.isfinite(ranks).any() else np.full(1, np.inf)
        alignment = _alignment(encoder, data.store, which)
        return ValidationMeasures(
            recall_at_k(ranks, 1), mean_reciprocal_rank(ranks), *alignment, *_texts(recognizer, encoded, queries)
        )
    finally:
        model.train(training)


def _alignment(encoder: TorchEncoder, store: PackedClips, which: npt.NDArray[np.int64]) -> tuple[float, float, float]:
    if len(which) < 2:
        return (float("nan"),) * 3
    views = []
    for parity in (0, 1):
        positions, valid = even_odd_positions(store, which, parity)
        features = derive(store.gather(which, positions), valid, store.config)
        views.append(encoder.encode(features, valid).embeddings)
    alignment = view_alignment(*views)
    return alignment.inst_at_1, alignment.positive_similarity, alignment.hardest_negative_similarity


def _texts(recognizer: Recognizer, encoded: Encoded, queries: tuple[ClipRecord, ...]) -> tuple[float, float, float]:
    texts = [text.text if text else "" for text in recognizer.translate(encoded)]
    scores = score_texts(texts, [record.variations or (record.sentence,) for record in queries])
    return scores.wer, scores.bleu, scores.exact_match
