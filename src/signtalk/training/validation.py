"""How good is the model now: the task's own measure on the validation clips, while training.

Validation clips are asked against an index of the training clips through the very code that serves;
nothing is augmented, and texts are scored against the canonical sentence with the others as references.

Of a large data set a fixed part is measured, always the same one, so that training is what takes the time.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

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
from signtalk.recognition.asked import Asked, drawn_order, encode_all, index_records
from signtalk.recognition.beam_search import DecodingOptions
from signtalk.recognition.recognizer import DecisionConfig, Recognizer
from signtalk.training.batches import even_odd_positions
from signtalk.training.checkpoint import TorchEncoder

MOST_QUERIES = 300
"""Of more clips so many ask: a share of them has a standard error of 0.03 at most."""
MOST_REFERENCES = 2_000
"""Of more training clips so many are met. At 4,000 sentences the encoder's pass over all of them would take a sixth of
the time of training."""


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

    @cached_property
    def queries(self) -> tuple[ClipRecord, ...]:
        """The validation clips, or where there are none the training clips; of many MOST_QUERIES, drawn once."""
        records = self.val_records or self.train_records
        return tuple(records[row] for row in np.sort(drawn_order(len(records))[:MOST_QUERIES]))

    @cached_property
    def references(self) -> tuple[ClipRecord, ...]:
        """The training clips; of many all of the sentences that are asked, and others up to MOST_REFERENCES."""
        asked = {record.text_key for record in self.queries}
        order = drawn_order(len(self.train_records))
        is_asked = np.array([self.train_records[row].text_key in asked for row in order], dtype=np.bool_)
        first = np.concatenate([order[is_asked], order[~is_asked]])
        return tuple(self.train_records[row] for row in np.sort(first[: max(MOST_REFERENCES, int(is_asked.sum()))]))


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
        index = index_records(encoder, data.store, data.references, "validation")
        queries = data.queries
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
