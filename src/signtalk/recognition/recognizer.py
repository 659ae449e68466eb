"""From clips to answers: features, encoder, search, scores, gate and translation in one call.

Evaluation, command line and (with a bundle instead of torch) the service all answer through `Recognizer`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, Field

from signtalk.arrays import FloatArray, IntArray
from signtalk.data.manifest import ClipRecord
from signtalk.data.packed import PackedClips
from signtalk.data.tokenizer import SentenceTokenizer
from signtalk.errors import ArtifactError
from signtalk.index.encoded import ClipEncoder, Encoded, concatenate
from signtalk.index.files import IndexEntry
from signtalk.index.index import SentenceIndex
from signtalk.index.references import References
from signtalk.index.text_search import TextSpace
from signtalk.landmarks.clip import LandmarkClip
from signtalk.landmarks.features import ClipFeatures, extract_features
from signtalk.recognition.beam_search import DecodingOptions, StepDecoder, beam_search
from signtalk.recognition.candidate_sets import CandidateSets
from signtalk.recognition.ctc import JointStepDecoder, SpelledSentences, most_shown
from signtalk.recognition.evidence import Evidence
from signtalk.recognition.gate import GateConfig, confidences, decide
from signtalk.recognition.scoring import Candidate, Scores, ScoringConfig, score_sentences
from signtalk.recognition.translation import Translation, TranslationRule, translation_figures

_CLIPS_AT_ONCE = 64
_LEAST_NARROWED = 30
"""Sentences by their clips, and as many by their words, that a query meets where a source holds more."""
_NARROWED_AT_ONCE = 8
"""Queries that share the sentences found for them; more would each be compared with those of all."""
MOST_OFFERED = 3
"""More sentences than a person takes in at a glance are no help."""


def num_offered(set_sizes: IntArray) -> IntArray:
    """(B,) how many sentences are offered to choose from: as many as are possible, but two or three."""
    return np.where(set_sizes == 0, MOST_OFFERED, np.clip(set_sizes, 2, MOST_OFFERED))


class DecisionConfig(BaseModel, frozen=True, extra="forbid"):
    """Everything fitted or chosen after training: how clips become an answer.

    Attributes:
        scoring: evidence to one score.
        gate: score to accepted or refused.
        sets: which sentences could be meant at all.
        decoding: translation.
        spelling_weight: how much translation listens to the frames' own words, 0 = to the text decoder alone; a
            model that does not spell leaves it out.
        translate: whether a text is decoded at all.
        translation: when a decoded text is shown although no known sentence is accepted.
    """

    scoring: ScoringConfig = ScoringConfig()
    gate: GateConfig = GateConfig()
    sets: CandidateSets = CandidateSets()
    decoding: DecodingOptions = DecodingOptions()
    spelling_weight: float = Field(default=0.7, ge=0, le=1)
    translate: bool = True
    translation: TranslationRule = TranslationRule()

    @classmethod
    def prototype(cls) -> DecisionConfig:
        """Scores and gate of the prototype (SPEC 1.9), its known faults included, for comparison."""
        return cls(scoring=ScoringConfig(mode="prototype"), gate=GateConfig(mode="prototype"), spelling_weight=0.0)


@dataclass(frozen=True)
class Recognition:
    """The answer to one clip.

    Attributes:
        accepted: whether the first candidate is the answer; otherwise SignTalk is not sure.
        reason: why not; empty when accepted.
        confidence: 0-1, how probably the first candidate is right.
        motion_mean: hand speed of the clip, shoulder widths a second.
        attention_mean: mean attention weight of a frame.
        candidates: the best sentences, best first; empty when nothing is indexed.
        num_possible: how many of the best sentences hold the right one as often as `sets.coverage` promises, if it is
            indexed at all; 0 when no set was fitted.
        choices: two or three of the candidates, to choose from where the first is not sure enough; else empty.
        translation: text of the decoder, whether or not the sentence is known; None when not asked for.
        translation_score: its length-penalised log probability.
        translation_words: each of its words with a probability 0-1, given the words before.
        translation_confidence: 0-1, how probably the text is right word for word; None without one.
        translation_shown: whether that suffices to show the text where no sentence is accepted.
    """

    accepted: bool
    reason: str
    confidence: float
    motion_mean: float
    attention_mean: float
    candidates: tuple[Candidate, ...]
    num_possible: int
    choices: tuple[Candidate, ...]
    translation: str | None
    translation_score: float | None
    translation_words: tuple[tuple[str, float], ...]
    translation_confidence: float | None
    translation_shown: bool

    @property
    def text(self) -> str | None:
        """The answer in words: the accepted sentence, else a translation that may be shown, else None = not sure."""
        return self.sentence or (self.translation if self.translation_shown else None)

    @property
    def text_source(self) -> Literal["sentence", "translation", ""]:
        """Where `text` comes from: a sentence that references back, the decoder alone, or nowhere."""
        if self.sentence:
            return "sentence"
        return "translation" if self.text else ""

    @property
    def outcome(self) -> Literal["answer", "choices", "not_sure"]:
        """What a person is shown: a text, sentences to choose from, or "not sure" with the reason."""
        if self.text is not None:
            return "answer"
        return "choices" if self.choices else "not_sure"

    @property
    def sentence(self) -> str | None:
        """The accepted sentence, or None."""
        return self.candidates[0].sentence if self.accepted and self.candidates else None

    def to_json(self) -> dict[str, Any]:
        """Fields of SPEC 1.9 under their names, one dict a candidate."""
        said = {"sentence": self.sentence, "text": self.text, "text_source": self.text_source}
        return {**asdict(self), **said, "outcome": self.outcome}


@dataclass(frozen=True, eq=False)
class Answers:
    """Answers with the evidence behind them, for evaluation.

    Attributes:
        recognitions: one a query.
        scores: full ranked lists.
        confidences: (B,) of the first candidate.
    """

    recognitions: tuple[Recognition, ...]
    scores: Scores
    confidences: npt.NDArray[np.floating]


class Recognizer:
    """Answers clips from an index.

    Attributes:
        encoder: torch or ONNX Runtime.
        index: the references; beside a source those that stand over it, such as one signer's own.
        decision: scoring, gate and decoding.
        text_space: where texts lie among signs; None for a model without a text encoder.
        source: further references, too many to be compared with every query, or on another machine; None = none.
    """

    def __init__(
        self,
        encoder: ClipEncoder,
        index: SentenceIndex,
        decision: DecisionConfig,
        decoder: StepDecoder | None = None,
        tokenizer: SentenceTokenizer | None = None,
        text_space: TextSpace | None = None,
        source: References | None = None,
    ) -> None:
        self.encoder, self.index, self.decision = encoder, index, decision
        self.text_space, self.source = text_space, source
        self._decoder, self._tokenizer = decoder, tokenizer
        self._words: tuple[SentenceIndex, SpelledSentences] | None = None
        self._source_words: SpelledSentences | None = None
        self._placed: tuple[SentenceIndex, FloatArray] | None = None

    def changed(self, index: SentenceIndex | None = None, decision: DecisionConfig | None = None) -> Recognizer:
        """The same model over another index, or under another decision."""
        index, decision = self.index if index is None else index, self.decision if decision is None else decision
        made = (self._decoder, self._tokenizer, self.text_space, self.source)
        return Recognizer(self.encoder, index, decision, *made)

    def over(self, source: References) -> Recognizer:
        """The same, with the references of a source below those of its index.

        Raises:
            ArtifactError: the source is of another model.
        """
        if source.encoder_id != self.index.encoder_id:
            found = f"references of encoder {source.encoder_id[:12]}"
            raise ArtifactError(f"{found}; expected those of {self.index.encoder_id[:12]}, which makes the queries")
        made = (self._decoder, self._tokenizer, self.text_space, source)
        return Recognizer(self.encoder, self.index, self.decision, *made)

    def scores(self, encoded: Encoded, exclude_clip_ids: Sequence[Iterable[str]] | None = None) -> Scores:
        """The ranked sentences of encoded clips under this decision; arguments as `answer`."""
        spells = self._tokenizer is not None and encoded.word_log_probs.shape[2] > 0
        index, words = self.index, None
        if self.source is not None:
            index, words = self._narrowed(self.source, encoded, spells)
        if spells and words is None:
            words = self._words_of(index)
        texts = self._text_embeddings(index)
        return score_sentences(encoded, index, self.decision.scoring, exclude_clip_ids, None, words, texts)

    def _narrowed(
        self, source: References, encoded: Encoded, spells: bool
    ) -> tuple[SentenceIndex, SpelledSentences | None]:
        """The references that these queries are compared with, and their words where they are laid out already."""
        num_sentences, shown = max(self.decision.scoring.rerank_sentences, _LEAST_NARROWED), None
        known = self._words_of_source(source) if spells else None
        if known is not None:
            shown = most_shown(encoded.word_log_probs, encoded.memory_valid, known, num_sentences)
        narrowed = source.narrowed(encoded.embeddings, num_sentences, shown)
        if len(self.index):
            return narrowed.index.with_layer(self.index), None
        return narrowed.index, None if known is None or narrowed.classes is None else known.select(narrowed.classes)

    def _words_of_source(self, source: References) -> SpelledSentences | None:
        """The words of all its sentences, laid out once; None where they are not listed."""
        if self._source_words is None and (texts := source.sentence_texts()) is not None:
            self._source_words = self._spelled_out(texts)
        return self._source_words

    def _words_of(self, index: SentenceIndex) -> SpelledSentences:
        """The words of an index's sentences, laid out once an index."""
        if self._words is None or self._words[0] is not index:
            self._words = (index, self._spelled_out(index.sentence_texts))
        return self._words[1]

    def _spelled_out(self, texts: Sequence[str]) -> SpelledSentences:
        assert self._tokenizer is not None
        return SpelledSentences.of([self._tokenizer.encode(text, add_special=False) for text in texts])

    def _text_embeddings(self, index: SentenceIndex) -> FloatArray | None:
        """(C, D) the index's sentences among the signs, made once an index; None where none is only written."""
        if self.text_space is None or not index.written.any():
            return None
        if self._placed is None or self._placed[0] is not index:
            self._placed = (index, self.text_space.embed(index.sentence_texts))
        return self._placed[1]

    def recognize(self, clips: Sequence[LandmarkClip], num_candidates: int = 5) -> tuple[Recognition, ...]:
        """Answer raw clips.

        Raises:
            ClipError: a clip has no frame or shows no shoulders.
        """
        at_once = _CLIPS_AT_ONCE if self.source is None else _NARROWED_AT_ONCE
        recognitions: list[Recognition] = []
        for start in range(0, len(clips), at_once):
            block = clips[start : start + at_once]
            made = [extract_features(clip, self.encoder.feature_config) for clip in block]
            recognitions += self.answer_features(made, num_candidates).recognitions
        return tuple(recognitions)

    def answer_features(self, made: Sequence[ClipFeatures], num_candidates: int = 5) -> Answers:
        """Answer clips, at least one, whose features are made as `encoder.feature_config` says."""
        encoded = self.encoder.encode(np.stack([m.features for m in made]), np.stack([m.valid for m in made]))
        motions = np.array([m.motion for m in made], dtype=np.float32)
        return self.answer(encoded, motions, num_candidates=num_candidates)

    def answer(
        self,
        encoded: Encoded,
        motions: FloatArray,
        exclude_clip_ids: Sequence[Iterable[str]] | None = None,
        num_candidates: int = 5,
    ) -> Answers:
        """Answer encoded clips.

        Args:
            encoded: B queries, encoded by this recognizer's encoder; over a source better a few at a time, for
                each is compared with the sentences found for all of them.
            motions: (B,) hand speeds, shoulder widths a second.
            exclude_clip_ids: for each query the references it must not meet, such as itself.
            num_candidates: how many sentences an answer lists.
        """
        scores = self.scores(encoded, exclude_clip_ids)
        evidence = Evidence.from_scores(scores)
        decisions = decide(evidence, motions, self.decision.gate)
        found = confidences(evidence, self.decision.gate)
        texts = self.translate(encoded) if self.decision.translate else [None] * encoded.num_clips
        surely = self.translation_confidences(texts, scores, found)
        sizes = self.decision.sets.sizes(scores.scores)
        offered = num_offered(sizes)
        recognitions = []
        for query, (decision, text) in enumerate(zip(decisions, texts, strict=True)):
            shown = np.full(max(num_candidates, MOST_OFFERED), np.nan, dtype=np.float32)
            shown[0] = found[query]
            given = None if self.decision.scoring.mode == "prototype" else shown
            # Whoever does not move says nothing, in whatever words.
            may_show = decision.reason != "low_motion" and self.decision.translation.shows(surely[query])
            recognitions.append(
                Recognition(
                    accepted=decision.accepted,
                    reason=decision.reason,
                    confidence=decision.confidence,
                    motion_mean=float(motions[query]),
                    attention_mean=float(encoded.attention_mean[query]),
                    candidates=scores.candidates(query, num_candidates, given),
                    num_possible=int(sizes[query]),
                    choices=scores.candidates(query, int(offered[query]), given) if decision.offered else (),
                    translation=text.text if text else None,
                    translation_score=text.score if text else None,
                    translation_words=text.words if text else (),
                    translation_confidence=float(surely[query]) if text else None,
                    translation_shown=may_show and text is not None,
                )
            )
        return Answers(tuple(recognitions), scores, found)

    def translation_confidences(
        self, texts: Sequence[Translation | None], scores: Scores, confidences: npt.NDArray[np.floating]
    ) -> npt.NDArray[np.float64]:
        """(B,) how probably each text is right word for word; 0 without a text."""
        figures = self.translation_figures(texts, scores, confidences)
        found = self.decision.translation.logistic.confidences(figures)
        return np.where(np.isfinite(figures[:, 0]), found, 0.0)

    def translation_figures(
        self, texts: Sequence[Translation | None], scores: Scores, confidences: npt.NDArray[np.floating]
    ) -> npt.NDArray[np.float64]:
        """(B, 4) what `translation.translation_figures` says of texts beside these scores."""
        best = [scores.candidates(query, 1) for query in range(len(texts))]
        return translation_figures(texts, [found[0].sentence if found else None for found in best], confidences)

    def translate(self, encoded: Encoded) -> list[Translation | None]:
        """Text of each clip by beam search; None without a decoder."""
        if self._decoder is None or self._tokenizer is None:
            return [None] * encoded.num_clips
        options = self.decision.decoding
        decoder: StepDecoder = self._decoder
        if encoded.word_log_probs.shape[2] and self.decision.spelling_weight:
            decoder = JointStepDecoder(decoder, encoded.word_log_probs, self.decision.spelling_weight)
        best = [found[0] for found in beam_search(decoder, encoded.memory, encoded.memory_valid, options)]
        return [Translation.from_result(result, self._tokenizer) for result in best]


@dataclass(frozen=True, eq=False)
class Asked:
    """Clips that are asked, at least one.

    Attributes:
        records: who signs what.
        encoded: the same clips, encoded.
        motions: (B,) hand speeds, shoulder widths a second.
    """

    records: tuple[ClipRecord, ...]
    encoded: Encoded
    motions: FloatArray

    @property
    def keys(self) -> list[str]:
        """Sentence of each clip."""
        return [record.text_key for record in self.records]

    @property
    def own_ids(self) -> list[tuple[str, ...]]:
        """For each clip the references that it must not meet: itself."""
        return [(record.clip_id,) for record in self.records]


def asked_packed(encoder: ClipEncoder, store: PackedClips, records: Iterable[ClipRecord]) -> Asked | None:
    """Those of some records that could be packed, encoded; None when none could."""
    packed = {clip.clip_id for clip in store.clips}
    kept = tuple(record for record in records if record.clip_id in packed)
    if not kept:
        return None
    which = store.positions_of([record.clip_id for record in kept])
    return Asked(kept, encode_all(encoder, store, which), store.motions[which])


def encode_packed(encoder: ClipEncoder, store: PackedClips, which: npt.NDArray[np.int64]) -> Iterator[Encoded]:
    """Encode packed clips in blocks, in order, without augmentation."""
    for start in range(0, len(which), _CLIPS_AT_ONCE):
        yield encoder.encode(*store.features(which[start : start + _CLIPS_AT_ONCE]))


def encode_all(encoder: ClipEncoder, store: PackedClips, which: npt.NDArray[np.int64]) -> Encoded:
    """As `encode_packed`, all in one.

    Raises:
        ValueError: there is no clip to encode.
    """
    return concatenate(list(encode_packed(encoder, store, which)))


def index_records(
    encoder: ClipEncoder,
    store: PackedClips,
    records: Sequence[ClipRecord],
    encoder_id: str,
    root: Path | None = None,
) -> SentenceIndex:
    """Make the index of some records; those that could not be packed are left out.

    `root` is the data folder that their paths are told from.
    """
    usable = {clip.clip_id for clip in store.clips}
    kept = [record for record in records if record.clip_id in usable and not record.is_idle]
    which = store.positions_of([record.clip_id for record in kept])
    return SentenceIndex.build(
        encode_packed(encoder, store, which), [IndexEntry.from_record(record, root) for record in kept], encoder_id
    )
