"""How good decoded texts are: word error rate, BLEU, chrF and exact match, over a whole corpus.

    hypotheses and reference texts -> TextScores -> intervals

Every text is cut into words as the tokenizer does it, for all measures: the decoder cannot write
capitals or punctuation, and is not asked for them. The numbers are those of jiwer and sacrebleu; what
each clip adds to them is kept, so that an interval costs sums and not a new evaluation per resample.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise, zip_longest
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from signtalk.arrays import BoolArray, IntArray
from signtalk.data.tokenizer import split_words
from signtalk.errors import MissingExtraError
from signtalk.evaluation.intervals import Interval, bootstrap_mean, bootstrap_ratio, bootstrap_statistic

if TYPE_CHECKING:
    from sacrebleu.metrics.bleu import BLEU
    from sacrebleu.metrics.chrf import CHRF

BLEU_ORDER = 4
CHRF_ORDER = 6
CHRF_BETA = 2.0


@dataclass(frozen=True)
class TextIntervals:
    """The four measures with their intervals; units as in `TextScores`."""

    wer: Interval
    bleu: Interval
    chrf: Interval
    exact_match: Interval


@dataclass(frozen=True, eq=False)
class TextScores:
    """Corpus measures of N decoded texts, and what each text adds to them.

    Attributes:
        wer: word errors over reference words; 0 is perfect, and over 1 is possible.
        bleu: 0 to 100.
        chrf: 0 to 100.
        exact_match: part of the texts that equal a reference word for word.
        bleu_signature: how sacrebleu computed `bleu`.
        chrf_signature: how sacrebleu computed `chrf`.
        word_errors: (N,) substituted, deleted and inserted words of each text, against the reference
            with the fewest.
        reference_words: (N,) words of that reference.
        exact: (N,) bool.
        bleu_counts: (N, 10) hypothesis and reference length, then matching and all n-grams, n = 1 to 4.
        chrf_counts: (N, 18) n-grams of characters in the hypothesis, in the reference and in both, n = 1 to 6.
    """

    wer: float
    bleu: float
    chrf: float
    exact_match: float
    bleu_signature: str
    chrf_signature: str
    word_errors: IntArray
    reference_words: IntArray
    exact: BoolArray
    bleu_counts: IntArray
    chrf_counts: IntArray

    @property
    def num_texts(self) -> int:
        """Number of texts N."""
        return len(self.word_errors)

    def intervals(
        self,
        groups: npt.NDArray[np.integer] | npt.NDArray[np.str_] | None,
        rng: np.random.Generator,
        resamples: int = 1000,
        level: float = 0.95,
    ) -> TextIntervals:
        """Percentile bootstrap intervals of the four measures.

        Args:
            groups: (N,) what each text belongs to (signer, sentence): groups are drawn, with all their
                texts. None draws texts.
            rng: draws the resamples.
            resamples: how many.
            level: probability that an interval covers.

        Returns:
            The measures again, with their ranges.

        Raises:
            ValueError: shapes that differ, or fewer than two groups.
        """
        labels = np.arange(self.num_texts) if groups is None else groups
        return TextIntervals(
            wer=bootstrap_ratio(self.word_errors, self.reference_words, groups, rng, resamples=resamples, level=level),
            bleu=bootstrap_statistic(
                lambda rows: _corpus_bleu(self.bleu_counts[rows].sum(axis=0)),
                labels,
                rng,
                resamples=resamples,
                level=level,
            ),
            chrf=bootstrap_statistic(
                lambda rows: _corpus_chrf(self.chrf_counts[rows].sum(axis=0)),
                labels,
                rng,
                resamples=resamples,
                level=level,
            ),
            exact_match=bootstrap_mean(self.exact, groups, rng, resamples=resamples, level=level),
        )


def word_error_rate(hypotheses: Sequence[str], references: Sequence[Sequence[str]]) -> float:
    """The word error rate of `score_texts` alone, in a small part of its time; arguments and errors as there."""
    errors, words = _word_errors(*_compared(hypotheses, references))
    return float(errors.sum() / words.sum())


def score_texts(hypotheses: Sequence[str], references: Sequence[Sequence[str]]) -> TextScores:
    """Compare decoded texts with what was signed.

    Args:
        hypotheses: N decoded texts; "" is fine.
        references: for each of them the canonical sentence and, if they are to count, its paraphrases.
            They may differ in number.

    Returns:
        The measures over all N texts together. Word errors are counted against the reference that
        gives the fewest (the first of equals); BLEU and chrF use all of them as sacrebleu does.

    Raises:
        ValueError: no text, numbers that differ, or a reference without a word.
        MissingExtraError: jiwer or sacrebleu is not installed.
    """
    decoded, wanted = _compared(hypotheses, references)
    errors, words = _word_errors(decoded, wanted)
    exact = np.array([text in texts for text, texts in zip(decoded, wanted, strict=True)], dtype=bool)
    bleu, chrf = _sacrebleu_metrics()
    # sacrebleu takes one stream a reference position, with None where a text has no such reference.
    streams: Any = [list(stream) for stream in zip_longest(*wanted)]
    bleu_score, chrf_score = bleu.corpus_score(decoded, streams), chrf.corpus_score(decoded, streams)
    return TextScores(
        wer=float(errors.sum() / words.sum()),
        bleu=bleu_score.score,
        chrf=chrf_score.score,
        exact_match=float(exact.mean()),
        bleu_signature=str(bleu.get_signature()),
        chrf_signature=str(chrf.get_signature()),
        word_errors=errors,
        reference_words=words,
        exact=exact,
        bleu_counts=_bleu_counts(decoded, wanted),
        chrf_counts=np.array([_chrf_counts(text, texts) for text, texts in zip(decoded, wanted, strict=True)]),
    )


def _compared(hypotheses: Sequence[str], references: Sequence[Sequence[str]]) -> tuple[list[str], list[list[str]]]:
    """Texts and references as they are compared; ValueError as `score_texts` tells."""
    if not hypotheses or len(hypotheses) != len(references):
        raise ValueError(f"{len(hypotheses)} texts and {len(references)} reference lists; expected as many, and some")
    decoded = [_normal(text) for text in hypotheses]
    wanted = [[_normal(text) for text in texts] for texts in references]
    for i, texts in enumerate(wanted):
        if not all(texts) or not texts:
            raise ValueError(f"references {list(references[i])} of text {i}; expected one or more, each with a word")
    return decoded, wanted


def _normal(text: str) -> str:
    return " ".join(split_words(text))


def _word_errors(hypotheses: list[str], references: list[list[str]]) -> tuple[IntArray, IntArray]:
    """(N,) fewest word errors over each text's references, and (N,) the words of that reference."""
    try:
        import jiwer
    except ImportError as error:
        raise MissingExtraError("word error rates need jiwer: pip install 'signtalk[train]'") from error
    flat = [reference for texts in references for reference in texts]
    repeated = [text for text, texts in zip(hypotheses, references, strict=True) for _ in texts]
    aligned = jiwer.process_words(flat, repeated)
    # A chunk that is no match costs as many edits as its longer side has words.
    errors = [
        sum(
            max(chunk.ref_end_idx - chunk.ref_start_idx, chunk.hyp_end_idx - chunk.hyp_start_idx)
            for chunk in chunks
            if chunk.type != "equal"
        )
        for chunks in aligned.alignments
    ]
    words = [len(reference) for reference in aligned.references]
    starts = np.cumsum([0, *(len(texts) for texts in references)])
    best = [min(range(a, b), key=errors.__getitem__) for a, b in pairwise(starts)]
    return np.array([errors[i] for i in best]), np.array([words[i] for i in best])


def _sacrebleu_metrics() -> tuple[BLEU, CHRF]:
    try:
        from sacrebleu.metrics.bleu import BLEU
        from sacrebleu.metrics.chrf import CHRF
    except ImportError as error:
        raise MissingExtraError("BLEU and chrF need sacrebleu: pip install 'signtalk[train]'") from error
    # Texts are in lower case already; saying so puts it into the signature.
    return (
        BLEU(lowercase=True, max_ngram_order=BLEU_ORDER),
        CHRF(lowercase=True, char_order=CHRF_ORDER, beta=int(CHRF_BETA)),
    )


def _bleu_counts(hypotheses: list[str], references: list[list[str]]) -> IntArray:
    """(N, 2 + 2 * BLEU_ORDER) what each text adds to the corpus BLEU, as sacrebleu counts it."""
    from sacrebleu.metrics.bleu import BLEU

    # Effective order changes the sentence's score, not its counts; without it sacrebleu warns at each one.
    bleu = BLEU(lowercase=True, max_ngram_order=BLEU_ORDER, effective_order=True)
    scores = [bleu.sentence_score(text, texts) for text, texts in zip(hypotheses, references, strict=True)]
    return np.array([[score.sys_len, score.ref_len, *score.counts, *score.totals] for score in scores])


def _corpus_bleu(counts: IntArray) -> float:
    """Corpus BLEU of summed `bleu_counts`."""
    from sacrebleu.metrics.bleu import BLEU

    lengths, matches, totals = counts[:2].tolist(), counts[2 : 2 + BLEU_ORDER], counts[2 + BLEU_ORDER :]
    score = BLEU.compute_bleu(
        correct=matches.tolist(),
        total=totals.tolist(),
        sys_len=lengths[0],
        ref_len=lengths[1],
        smooth_method="exp",
        max_ngram_order=BLEU_ORDER,
    )
    return float(score.score)


def _ngrams(text: str, order: int) -> Counter[str]:
    return Counter(text[i : i + order] for i in range(len(text) - order + 1))


def _chrf_counts(hypothesis: str, references: list[str]) -> list[int]:
    """What a text adds to the corpus chrF: per order the n-grams of hypothesis, reference and both.

    Counted against the reference of the highest chrF, the first of equals, without blanks. sacrebleu
    counts the same but does not hand it out; a test holds both together.
    """
    letters = "".join(hypothesis.split())
    candidates = []
    for reference in references:
        text = "".join(reference.split())
        counts: list[int] = []
        for order in range(1, CHRF_ORDER + 1):
            said, wanted = _ngrams(letters, order), _ngrams(text, order)
            counts += [said.total() if wanted else 0, wanted.total(), (said & wanted).total()]
        candidates.append(counts)
    return max(candidates, key=lambda counts: _corpus_chrf(np.array(counts)))


def _corpus_chrf(counts: IntArray) -> float:
    """Corpus chrF of summed `chrf_counts`.

    Source:
        Popovic, "chrF: character n-gram F-score for automatic MT evaluation", 2015; orders of which
        one side has no n-gram are left out of the averages, as in sacrebleu 2.
    """
    said, wanted, both = counts.reshape(CHRF_ORDER, 3).T
    usable = (said > 0) & (wanted > 0)
    if not both[usable].any():
        return 0.0
    precision, recall = (both[usable] / said[usable]).mean(), (both[usable] / wanted[usable]).mean()
    return float(100 * (1 + CHRF_BETA**2) * precision * recall / (CHRF_BETA**2 * precision + recall))
