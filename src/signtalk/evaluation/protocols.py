"""Every protocol of docs/contract.md 3, measured through the code that serves.

    Recognizer + Manifest + Split + PackedClips -> evaluate -> EvaluationReport

Nothing is fitted here. A protocol that a split gives no clips for is absent, with the reason, never 0.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from signtalk.arrays import BoolArray
from signtalk.data.manifest import ClipRecord, Manifest
from signtalk.data.packed import PackedClips
from signtalk.data.roles import Role
from signtalk.data.splits import Split
from signtalk.evaluation.answered import AskedAnswers, answer_asked, ranks_asked
from signtalk.evaluation.intervals import Interval, Values, mean_of_groups, wilson_interval
from signtalk.evaluation.known_signer import measure_known_signer
from signtalk.evaluation.open_set import OpenSetAnswers, measure_gate, measure_open_set
from signtalk.evaluation.results import (
    EvaluationReport,
    GateResult,
    KnownSigner,
    OneAnswer,
    ReportArrays,
    Retrieval,
    TextResult,
    TextSearch,
)
from signtalk.evaluation.retrieval import (
    mean_reciprocal_rank,
    recall_at_k,
)
from signtalk.evaluation.texts import score_texts
from signtalk.index.index import SentenceIndex
from signtalk.index.written import WrittenSentence, write_sentences
from signtalk.recognition.answer import Answer
from signtalk.recognition.asked import Asked, asked_packed, enrolled_entries
from signtalk.recognition.recognizer import Recognizer
from signtalk.recognition.translation import is_right

_EXAMPLES = 10


def evaluate(
    recognizer: Recognizer,
    manifest: Manifest,
    split: Split,
    store: PackedClips,
    seed: int = 0,
    signer_sentences: Sequence[int] = (),
) -> EvaluationReport:
    """Run all protocols for which the split has clips.

    Args:
        recognizer: its index holds the clips of role `train` and nothing else.
        manifest: the data.
        split: whose roles decide what is asked.
        store: packed clips of at least the split's test roles.
        seed: of the bootstrap and of the choice of enrolled clips.
        signer_sentences: ask the test signers once more, after so many of their sentences are known; one of each.
    """
    # What somebody wrote into the index is no part of the protocols; among it may be what they hold out.
    written = [entry.clip_id for entry in recognizer.index.entries if entry.kind == "written"]
    if written:
        recognizer = recognizer.changed(index=recognizer.index.without(written))
    measured = _Measured(recognizer, manifest, split, store, seed)
    measured.retrieval("seen sentence, unseen signer", "test")
    measured.retrieval("seen sentence, new clip", "test_new_clip")
    measured.retrieval("validation", "val")
    for k in (1, 2):
        measured.enrolled(k)
    measured.written()
    measured.search("seen sentence, unseen signer", "test")
    measured.search("unseen sentence, unseen signer", "test_unknown")
    measured.text("seen sentence, unseen signer", "test")
    measured.text("unseen sentence, unseen signer", "test_unknown")
    measured.known_signer(signer_sentences)
    return measured.report()


class _Measured:
    """Results so far; one method a protocol."""

    def __init__(self, recognizer: Recognizer, manifest: Manifest, split: Split, store: PackedClips, seed: int) -> None:
        self.recognizer, self.manifest, self.split, self.store, self.seed = recognizer, manifest, split, store, seed
        self.retrievals: list[Retrieval] = []
        self.searches: list[TextSearch] = []
        self.texts: list[TextResult] = []
        self.answers: list[OneAnswer] = []
        self.enrolled_gates: list[GateResult] = []
        self.known_signers: tuple[KnownSigner, ...] = ()
        self.absent: dict[str, str] = {}
        self._cache: dict[Role, Asked | None] = {}

    def queries(self, role: Role) -> Asked | None:
        """Encoded clips of a role, encoded once; None when there are none."""
        if role not in self._cache:
            records = self.split.records(self.manifest, role)
            self._cache[role] = asked_packed(self.recognizer.encoder, self.store, records)
        return self._cache[role]

    def retrieval(self, name: str, role: Role) -> None:
        """Ask the clips of a role against the index."""
        queries = self.queries(role)
        if queries is None:
            self.absent[f"retrieval: {name}"] = f"the split has no clip of role {role}"
            return
        self.retrievals.append(self._retrieval(name, queries, self.recognizer.index))

    def _retrieval(self, name: str, queries: Asked, index: SentenceIndex) -> Retrieval:
        ranks = ranks_asked(self.recognizer.changed(index=index), queries)  # inf, not in the index: a miss
        first, keys = ranks == 1, np.array(queries.keys)
        return Retrieval(
            name=name,
            num_queries=len(ranks),
            num_sentences=len(index.sentences),
            recall_at_1=replace(self._mean(first, keys), estimate=recall_at_k(ranks, 1)),
            recall_at_5=self._mean(ranks <= 5, keys),
            mrr=replace(self._mean(1 / ranks, keys), estimate=mean_reciprocal_rank(ranks)),
            by_signer=_by_group(first, [record.signer_id for record in queries.records]),
            by_category=_by_group(first, [record.category for record in queries.records]),
        )

    def _mean(self, values: Values, groups: npt.NDArray[np.str_]) -> Interval:
        """Mean with an interval that resamples sentences: clips, or texts, of one sentence are not independent."""
        return mean_of_groups(values, groups, self.seed)

    def enrolled(self, k: int) -> None:
        """Enrol k clips of each sentence that training never saw, then ask for these sentences."""
        name = f"unseen sentence, enrolled from {k} clip{'s' if k > 1 else ''}"
        queries, pool = self.queries("test_unknown"), self.queries("enroll")
        if queries is None or pool is None:
            self.absent[f"retrieval: {name}"] = "the split holds no sentence out of training for the test signers"
            return
        chosen = first_of_each(pool.records, k, self.seed)
        rows = np.array(chosen, dtype=np.int64)
        entries = enrolled_entries([pool.records[row] for row in chosen])
        index = self.recognizer.index.add(pool.encoded.select(rows), entries)
        self.retrievals.append(self._retrieval(name, queries, index))
        self.enrolled_gates.append(measure_gate(name, self.recognizer.changed(index=index), queries))

    def written(self) -> None:
        """Write the sentences that training never saw into the index, without a clip, and ask for all sentences.

        The known sentences are asked beside them, so that the price of writing is seen.
        """
        name, beside = "unseen sentence, only written, unseen signer", "seen sentence, beside written ones"
        queries, known, space = self.queries("test_unknown"), self.queries("test"), self.recognizer.text_space
        if queries is None or space is None:
            why = "the split holds no sentence out of training for the test signers"
            self.absent[f"retrieval: {name}"] = why if queries is None else "the model has no text encoder"
            return
        sentences = [WrittenSentence(record.sentence) for record in queries.records]
        index = write_sentences(self.recognizer.index, sentences, space).index
        self.retrievals.append(self._retrieval(name, queries, index))
        answers = self._answered(queries, self.recognizer.changed(index=index))
        self.answers.append(_one_answer(name, answers, queries))
        if known is not None:
            self.retrievals.append(self._retrieval(beside, known, index))

    def search(self, name: str, role: Role) -> None:
        """Ask with the texts of a role's sentences, paraphrases too, for a clip of them among the test signers'."""
        queries, space = self.queries(role), self.recognizer.text_space
        if queries is None or space is None:
            why = f"the split has no clip of role {role}" if queries is None else "the model has no text encoder"
            self.absent[f"text search: {name}"] = why
            return
        pool = [part for part in (self.queries("test"), self.queries("test_unknown")) if part is not None]
        clips = np.concatenate([part.encoded.embeddings for part in pool])
        keys = np.array([key for part in pool for key in part.keys])
        texts = list(dict.fromkeys((text, r.text_key) for r in queries.records for text in (r.sentence, *r.variations)))
        order = np.argsort(-(space.embed([text for text, _ in texts]) @ clips.T), axis=1, kind="stable")
        own = np.array([key for _, key in texts])
        ranks = 1.0 + (keys[order] == own[:, None]).argmax(axis=1)
        canonical = np.array([text in {r.sentence for r in queries.records} for text, _ in texts])
        self.searches.append(
            TextSearch(
                name=name,
                num_queries=len(texts),
                num_clips=len(clips),
                recall_at_1=self._mean(ranks == 1, own),
                recall_at_5=self._mean(ranks <= 5, own),
                mrr=self._mean(1 / ranks, own),
                canonical=float((ranks == 1)[canonical].mean()),
            )
        )

    def text(self, name: str, role: Role) -> None:
        """Translate the clips of a role."""
        queries = self.queries(role)
        answers = () if queries is None else self._answered(queries)
        texts = [answer.translation for answer in answers]
        if queries is None or len(texts) < 2 or any(text is None for text in texts):
            why = f"the split has too few clips of role {role}, or the model no text decoder"
            self.absent[f"translation: {name}"] = why
            return
        self.answers.append(_one_answer(name, answers, queries))
        written = [text or "" for text in texts]
        scores = score_texts(written, [record.variations or (record.sentence,) for record in queries.records])
        rng = np.random.default_rng(self.seed)
        pairs = zip((record.sentence for record in queries.records), written, strict=True)
        self.texts.append(
            TextResult(
                name=name,
                num_clips=len(written),
                measures=scores.intervals(None, rng),
                signatures=(scores.bleu_signature, scores.chrf_signature),
                examples=tuple(pairs)[:_EXAMPLES],
            )
        )

    def known_signer(self, counts: Sequence[int]) -> None:
        """Ask the test signers before and after some of their other sentences are known."""
        queries = self.queries("test") if counts else None
        if queries is not None:
            self.known_signers = measure_known_signer(self.recognizer, queries, counts, self.seed)
        measured = {each.num_sentences for each in self.known_signers}
        for count in sorted({*counts} - measured):
            self.absent[f"known signer, {count} sentences"] = "no test signer signs more sentences than that"

    def _answered(self, queries: Asked, recognizer: Recognizer | None = None) -> tuple[Answer, ...]:
        recognizer = recognizer or self.recognizer
        return answer_asked(recognizer, queries).answers

    def report(self) -> EvaluationReport:
        """Put everything together; the open set and its arrays come from the test clips."""
        report = EvaluationReport(
            split_hash=self.split.hash,
            encoder_id=self.recognizer.index.encoder_id,
            retrieval=tuple(self.retrievals),
            searches=tuple(self.searches),
            open_set=None,
            texts=tuple(self.texts),
            answers=tuple(self.answers),
            enrolled_gates=tuple(self.enrolled_gates),
            known_signers=self.known_signers,
            confused=(),
            absent=self.absent,
        )
        known = self.queries("test") or self.queries("test_new_clip")
        if known is None:
            self.absent["open set"] = "the split has no clip of role test or test_new_clip"
            return report
        idle = self.queries("test_idle")
        if idle is None:
            self.absent["open set: idle clips"] = "the split has no clip of role test_idle"
        answered = measure_open_set(self.recognizer, known, self.queries("test_unknown"), idle)
        return replace(
            report,
            open_set=answered.result,
            confused=_confused(answered.known, known),
            wrong_clips=answered.wrong_clips,
            arrays=_arrays(known, answered, self.recognizer.index),
        )


def _one_answer(name: str, answers: Sequence[Answer], queries: Asked) -> OneAnswer:
    sources = np.array([answer.text_source for answer in answers])
    right = [
        bool(answer.text) and is_right(answer.text or "", (record.sentence, *record.variations))
        for answer, record in zip(answers, queries.records, strict=True)
    ]
    answered = int((sources != "").sum())
    return OneAnswer(
        name=name,
        num_clips=len(answers),
        by_sentence=float((sources == "sentence").mean()),
        by_translation=float((sources == "translation").mean()),
        precision=wilson_interval(sum(right), answered) if answered else None,
        wrong=float((answered - sum(right)) / len(answers)),
    )


def _arrays(known: Asked, answered: OpenSetAnswers, index: SentenceIndex) -> ReportArrays:
    answers, unknown = answered.known, answered.unknown
    return ReportArrays(
        confidences=answers.confidences,
        correct=answers.right,
        accepted=answers.accepted,
        ranks=answers.ranks,
        unknown_confidences=unknown.confidences,
        unknown_accepted=unknown.accepted,
        right_similarities=answers.own_scores,
        wrong_similarities=answers.other_scores,
        embeddings=known.encoded.embeddings,
        text_keys=tuple(known.keys),
        signers=tuple(record.signer_id for record in known.records),
        index=index,
    )


def _confused(answers: AskedAnswers, known: Asked) -> tuple[tuple[str, str, int], ...]:
    pairs = Counter(
        (record.sentence, answer.candidates[0].sentence)
        for record, answer in zip(known.records, answers.answers, strict=True)
        if answer.candidates and answer.candidates[0].text_key != record.text_key
    )
    return tuple((right, wrong, count) for (right, wrong), count in pairs.most_common(15))


def _by_group(hits: BoolArray, names: Sequence[str]) -> dict[str, tuple[float, int]]:
    groups = np.array(names)
    return {str(name): (float(hits[groups == name].mean()), int((groups == name).sum())) for name in np.unique(groups)}


def first_of_each(records: Sequence[ClipRecord], k: int, seed: int) -> list[int]:
    """Positions of at most k clips a sentence, drawn by the seed.

    Args:
        records: clips.
        k: at most so many a sentence.
        seed: of the drawing.
    """
    order = np.random.default_rng(seed).permutation(len(records))
    taken: Counter[str] = Counter()
    chosen = []
    for row in order.tolist():
        if taken[records[row].text_key] < k:
            taken[records[row].text_key] += 1
            chosen.append(row)
    return sorted(chosen)
