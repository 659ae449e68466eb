"""From clips to answers: features, encoder, search, scores, gate and translation in one call.

Evaluation, command line and (with a bundle instead of torch) the service all answer through `Recognizer`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, get_args

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, Field

from signtalk.arrays import FloatArray, IntArray
from signtalk.data.tokenizer import SentenceTokenizer
from signtalk.errors import ArtifactError, ConfigError
from signtalk.index.encoded import ClipEncoder, Encoded
from signtalk.index.index import SentenceIndex
from signtalk.index.references import References
from signtalk.index.text_search import TextSpace
from signtalk.landmarks.clip import LandmarkClip
from signtalk.landmarks.features import ClipFeatures, extract_features
from signtalk.recognition.answer import Answer, AnsweredClips
from signtalk.recognition.asked import Asked
from signtalk.recognition.beam_search import DecodingOptions, StepDecoder, beam_search
from signtalk.recognition.candidate_sets import CandidateSets
from signtalk.recognition.comparison import LeftOut
from signtalk.recognition.critical_words import keeps_critical_words, spelled_texts
from signtalk.recognition.evidence import Evidence, words_of_first
from signtalk.recognition.gate import Decision, GateConfig, confidences, decide
from signtalk.recognition.measured import MeasuredPairs
from signtalk.recognition.prepared import PreparedIndex
from signtalk.recognition.promise import Policy, Population, Promise, held_back, population_of, promise_to, promises_of
from signtalk.recognition.ranking import Candidate, Ranking
from signtalk.recognition.scoring import ScoringConfig, score_sentences
from signtalk.recognition.signer_transform import SignerEncoder, SignerTransform
from signtalk.recognition.spelling_decoder import JointStepDecoder
from signtalk.recognition.translation import Translation, TranslationRule, translation_figures

RANKED_AT_ONCE = 256
"""Queries whose lists of all sentences are held together: 56 MB with 4,000 sentences."""
_CLIPS_AT_ONCE = 64
_LEAST_NARROWED = 30
"""Sentences by their clips, and as many by their words, that a query meets where a source holds more."""
_NARROWED_AT_ONCE = 8
"""Queries that share the sentences found for them; more would each be compared with those of all."""
_NO_TEXT = ("low_motion", "not_proven")
"""Whoever does not move says nothing, in whatever words; and a text is no way around a sentence that is held back."""
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
        policy: what becomes of an answer whose promise validation did not prove.
    """

    scoring: ScoringConfig = ScoringConfig()
    gate: GateConfig = GateConfig()
    sets: CandidateSets = CandidateSets()
    decoding: DecodingOptions = DecodingOptions()
    spelling_weight: float = Field(default=0.7, ge=0, le=1)
    translate: bool = True
    translation: TranslationRule = TranslationRule()
    policy: Policy = "strict"

    @classmethod
    def prototype(cls) -> DecisionConfig:
        """Ranking and gate of the prototype (docs/contract.md 1.9), its known faults included, for comparison."""
        return cls(
            scoring=ScoringConfig(mode="prototype"), gate=GateConfig(mode="prototype"), spelling_weight=0.0,
            policy="research",
        )  # fmt: skip

    @property
    def promises(self) -> dict[Population, Promise]:
        """What answers of each population promise."""
        return promises_of(self.gate, self.translation)

    def under(self, policy: Policy | None) -> DecisionConfig:
        """The same under another policy; None = its own.

        Raises:
            ConfigError: there is no such policy.
        """
        if policy not in (None, *get_args(Policy)):
            raise ConfigError(f"policy {policy!r}; expected one of {', '.join(get_args(Policy))}")
        return self if policy is None else self.model_copy(update={"policy": policy})


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Recognizer:
    """Answers clips from an index.

    Attributes:
        encoder: torch or ONNX Runtime.
        index: the references; beside a source those that stand over it, such as one signer's own.
        decision: scoring, gate and decoding.
        decoder: writes texts; None = no translation.
        tokenizer: of the texts; None for a model that neither writes nor spells.
        text_space: where texts lie among signs; None for a model without a text encoder.
        source: further references, too many to be compared with every query, or on another machine; None = none.
        prepared: what queries need of the index's sentences, kept as long as the index is the same.
    """

    encoder: ClipEncoder
    index: SentenceIndex
    decision: DecisionConfig
    decoder: StepDecoder | None = None
    tokenizer: SentenceTokenizer | None = None
    text_space: TextSpace | None = None
    source: References | None = None
    prepared: PreparedIndex = field(init=False)

    def __post_init__(self) -> None:
        prepared = PreparedIndex(self.index, self.tokenizer, self.text_space, self.source)
        object.__setattr__(self, "prepared", prepared)

    def changed(
        self,
        index: SentenceIndex | None = None,
        decision: DecisionConfig | None = None,
        encoder: ClipEncoder | None = None,
    ) -> Recognizer:
        """The same model with other parts; None = its own.

        Args:
            index: the references.
            decision: how clips become an answer.
            encoder: another one of the same vectors.
        """
        changed = replace(
            self,
            encoder=self.encoder if encoder is None else encoder,
            index=self.index if index is None else index,
            decision=self.decision if decision is None else decision,
        )
        object.__setattr__(changed, "prepared", self.prepared.changed(changed.index))  # only the index changes that
        return changed

    def knowing(self, signer: SignerTransform) -> Recognizer:
        """The same for clips of one person alone; what it encodes is not for an index that others share.

        Raises:
            ArtifactError: the person was learned for another model.
        """
        if signer.encoder_id != self.index.encoder_id:
            theirs = f"a signer learned for encoder {signer.encoder_id[:12]}"
            raise ArtifactError(f"{theirs}; expected {self.index.encoder_id[:12]}, that of the references")
        return self.changed(encoder=SignerEncoder(self.encoder, signer))

    def over(self, source: References) -> Recognizer:
        """The same, with the references of a source below those of its index.

        Raises:
            ArtifactError: the source is of another model.
        """
        if source.encoder_id != self.index.encoder_id:
            theirs = f"references of encoder {source.encoder_id[:12]}"
            raise ArtifactError(f"{theirs}; expected those of {self.index.encoder_id[:12]}, which makes the queries")
        return replace(self, source=source)

    def rank(
        self,
        encoded: Encoded,
        exclude_clip_ids: LeftOut | None = None,
        measured: MeasuredPairs | None = None,
    ) -> Ranking:
        """The ranked sentences of encoded clips under this decision.

        Args:
            encoded: as `answer`.
            exclude_clip_ids: likewise.
            measured: what is known of these clips and what they meet; more is put there.
        """
        spells = self.tokenizer is not None and encoded.word_log_probs.shape[2] > 0
        num_sentences = max(self.decision.scoring.rerank_sentences, _LEAST_NARROWED)
        prepared = self.prepared.narrowed(encoded, num_sentences, spells)
        return score_sentences(
            encoded,
            prepared.index,
            self.decision.scoring,
            exclude_clip_ids,
            spellings=prepared.words if spells else None,
            text_embeddings=prepared.text_embeddings,
            sketches=prepared.sketches,
            measured=measured,
        )

    def rankings(self, asked: Asked, exclude_clip_ids: LeftOut | None = None) -> Iterator[tuple[slice, Ranking]]:
        """As `rank`, some clips after the other: which of them, and their ranking. None meets itself, unless told.

        Lists of all sentences are long: 2,000 queries and 4,000 sentences take 400 MB. Whoever takes from each list
        what is needed and lets go of it holds no more than a part.
        """
        exclude = self.left_out(asked, exclude_clip_ids)
        for start in range(0, len(asked.records), RANKED_AT_ONCE):
            block = slice(start, start + RANKED_AT_ONCE)
            measured = None if asked.measured is None else asked.measured.select(block)
            yield block, self.rank(asked.encoded.select(block), exclude[block], measured)

    def left_out(self, asked: Asked, exclude: LeftOut | None) -> LeftOut:
        """What clips must not meet, None = themselves; by ids over a source, of whose references no flags are."""
        if exclude is None:
            return asked.own_ids
        if self.source is None or not isinstance(exclude, np.ndarray):
            return exclude
        ids = np.array([entry.clip_id for entry in self.index.entries], dtype=np.str_)
        return [(*own, *ids[flags].tolist()) for own, flags in zip(asked.own_ids, exclude, strict=True)]

    @property
    def clips_at_once(self) -> int:
        """Queries that are best answered together; over a source each is compared with what was found for all."""
        return _CLIPS_AT_ONCE if self.source is None else _NARROWED_AT_ONCE

    def recognize(self, clips: Sequence[LandmarkClip], num_candidates: int = 5) -> tuple[Answer, ...]:
        """Answer raw clips.

        Raises:
            ClipError: a clip has no frame or shows no shoulders.
        """
        answers: list[Answer] = []
        for start in range(0, len(clips), self.clips_at_once):
            block = clips[start : start + self.clips_at_once]
            features = [extract_features(clip, self.encoder.feature_config) for clip in block]
            answers += self.answer_features(features, num_candidates).answers
        return tuple(answers)

    def answer_features(self, features: Sequence[ClipFeatures], num_candidates: int = 5) -> AnsweredClips:
        """Answer clips, at least one, whose features are made as `encoder.feature_config` says."""
        encoded = self.encoder.encode(
            np.stack([each.features for each in features]), np.stack([each.valid for each in features])
        )
        motions = np.array([each.motion for each in features], dtype=np.float32)
        return self.answer(encoded, motions, num_candidates=num_candidates)

    def answer(
        self,
        encoded: Encoded,
        motions: FloatArray,
        exclude_clip_ids: LeftOut | None = None,
        num_candidates: int = 5,
    ) -> AnsweredClips:
        """Answer encoded clips.

        Args:
            encoded: B queries, encoded by this recognizer's encoder; over a source better a few at a time, for
                each is compared with the sentences found for all of them.
            motions: (B,) hand speeds, shoulder widths a second.
            exclude_clip_ids: for each query the references it must not meet, such as itself.
            num_candidates: how many sentences an answer lists.
        """
        ranking = self.rank(encoded, exclude_clip_ids)
        evidence = Evidence.from_ranking(ranking)
        populations = [self._population_of_first(ranking, query) for query in range(encoded.num_clips)]
        enrolled = np.array([each == "enrolled" for each in populations], dtype=np.bool_)
        gate = self.decision.gate
        sureness = np.where(enrolled, confidences(evidence, gate.for_enrolled), confidences(evidence, gate))
        decisions = zip(decide(evidence, motions, gate), decide(evidence, motions, gate.for_enrolled), strict=True)
        texts = self.translate(encoded) if self.decision.translate else [None] * encoded.num_clips
        text_sureness = self.translation_confidences(texts, ranking, sureness)
        keeps = self.keep_critical_words(texts, encoded)
        sizes = self.decision.sets.sizes(ranking.scores)
        offered = num_offered(sizes)
        promises, words = self.decision.promises, words_of_first(ranking)
        answers = []
        for query, (of_trained, of_enrolled) in enumerate(decisions):
            decided, population = of_enrolled if enrolled[query] else of_trained, populations[query]
            promise = None
            if population is not None:
                promise = promise_to(population, int(words[query]), self._num_sentences, promises, gate)
                decided = held_back(decided, promise, self.decision.policy)
            translated = self._translated(texts[query], float(text_sureness[query]), decided, keeps[query])
            if translated["translation_shown"] and not decided.accepted:
                promise = promises["translated"]
            answers.append(
                Answer(
                    accepted=decided.accepted,
                    reason=decided.reason,
                    confidence=decided.confidence,
                    motion_mean=float(motions[query]),
                    attention_mean=float(encoded.attention_mean[query]),
                    candidates=self._candidates(ranking, query, num_candidates, sureness[query]),
                    num_possible=int(sizes[query]),
                    choices=self._candidates(ranking, query, int(offered[query]), sureness[query])
                    if decided.offered
                    else (),
                    **translated,
                    promise=promise if decided.accepted or decided.offered or translated["translation_shown"] else None,
                )
            )
        return AnsweredClips(tuple(answers), ranking, sureness)

    @property
    def _num_sentences(self) -> int:
        """Among which a query's sentence is found; further references are many."""
        return len(self.index.sentences) if self.source is None else sys.maxsize

    def _population_of_first(self, ranking: Ranking, query: int) -> Population | None:
        """Where the first sentence of a query comes from; None without one."""
        first = ranking.candidates(query, 1)
        if not first:
            return None
        return population_of(first[0], self.source is None or first[0].text_key in self.index.sentences)

    def _candidates(self, ranking: Ranking, query: int, limit: int, sureness: np.floating) -> tuple[Candidate, ...]:
        """The first lines; the gate knows how sure the first one is, the prototype's softmax tells of every clip."""
        if self.decision.scoring.mode == "prototype":
            return ranking.candidates(query, limit)
        first_alone = np.full(limit, np.nan, dtype=np.float32)
        first_alone[:1] = sureness
        return ranking.candidates(query, limit, first_alone)

    def _translated(self, text: Translation | None, sureness: float, decided: Decision, keeps: bool) -> dict[str, Any]:
        """The fields of `Answer` that tell of the translation; `keeps` as `keep_critical_words` tells it."""
        if text is None:
            names = ("translation", "translation_score", "translation_confidence")
            return {**dict.fromkeys(names), "translation_words": (), "translation_shown": False}
        return {
            "translation": text.text,
            "translation_score": text.score,
            "translation_words": text.words,
            "translation_confidence": sureness,
            "translation_shown": keeps
            and decided.reason not in _NO_TEXT
            and self.decision.translation.shows(sureness, proven_only=self.decision.policy == "strict"),
        }

    def keep_critical_words(self, texts: Sequence[Translation | None], encoded: Encoded) -> list[bool]:
        """Whether each text holds the negations and numbers that the frames spell; False without a text."""
        if not any(texts):
            return [False] * len(texts)
        spelled = spelled_texts(encoded.word_log_probs, encoded.memory_valid, self.tokenizer)
        return [
            text is not None and keeps_critical_words(text.text, words)
            for text, words in zip(texts, spelled, strict=True)
        ]

    def translation_confidences(
        self, texts: Sequence[Translation | None], ranking: Ranking, sureness: npt.NDArray[np.floating]
    ) -> npt.NDArray[np.float64]:
        """(B,) how probably each text is right word for word; 0 without a text.

        Args:
            texts: B texts.
            ranking: the ranked sentences of the same clips.
            sureness: (B,) how probably the first sentence of each is right.
        """
        figures = self.translation_figures(texts, ranking, sureness)
        probabilities = self.decision.translation.logistic.confidences(figures)
        return np.where(np.isfinite(figures[:, 0]), probabilities, 0.0)

    def translation_figures(
        self, texts: Sequence[Translation | None], ranking: Ranking, sureness: npt.NDArray[np.floating]
    ) -> npt.NDArray[np.float64]:
        """(B, 4) what `translation.translation_figures` says of texts beside ranked sentences.

        Args:
            texts: B texts.
            ranking: the ranked sentences of the same clips.
            sureness: (B,) how probably the first sentence of each is right.
        """
        first = [ranking.candidates(query, 1) for query in range(len(texts))]
        sentences = [candidates[0].sentence if candidates else None for candidates in first]
        return translation_figures(texts, sentences, sureness)

    def translate(self, encoded: Encoded) -> list[Translation | None]:
        """Text of each clip by beam search; None without a decoder."""
        if self.decoder is None or self.tokenizer is None:
            return [None] * encoded.num_clips
        texts: list[Translation | None] = []
        for start in range(0, encoded.num_clips, _CLIPS_AT_ONCE):  # bounds memory: each open text keeps its frames
            block = encoded.select(slice(start, start + _CLIPS_AT_ONCE))
            decoder: StepDecoder = self.decoder
            if block.word_log_probs.shape[2] and self.decision.spelling_weight:
                decoder = JointStepDecoder(decoder, block.word_log_probs, self.decision.spelling_weight)
            results = beam_search(decoder, block.memory, block.memory_valid, self.decision.decoding)
            texts += [Translation.from_result(best[0], self.tokenizer) for best in results]
        return texts
