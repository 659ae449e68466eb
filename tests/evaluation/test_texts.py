"""Text measures against a plain edit-distance loop, sacrebleu's own corpus scores and brute-force resampling."""

from __future__ import annotations

import sys

import jiwer
import numpy as np
import pytest
from sacrebleu.metrics import BLEU, CHRF

from signtalk.data.tokenizer import split_words
from signtalk.errors import MissingExtraError
from signtalk.evaluation.intervals import bootstrap_statistic
from signtalk.evaluation.texts import score_texts, word_error_rate

WORDS = ["where", "does", "it", "hurt", "here", "the", "doctor", "will", "see", "you", "now", "ɛyɛ"]


def edit_distance(hypothesis, reference):
    table = np.zeros((len(hypothesis) + 1, len(reference) + 1), dtype=int)
    table[:, 0], table[0, :] = range(len(hypothesis) + 1), range(len(reference) + 1)
    for i, said in enumerate(hypothesis, 1):
        for j, wanted in enumerate(reference, 1):
            change = table[i - 1, j - 1] + (said != wanted)
            table[i, j] = min(change, table[i - 1, j] + 1, table[i, j - 1] + 1)
    return int(table[-1, -1])


def random_texts(seed, num_texts, max_references=3):
    rng = np.random.default_rng(seed)
    hypotheses, references = [], []
    for _ in range(num_texts):
        texts = [list(rng.choice(WORDS, rng.integers(1, 9))) for _ in range(rng.integers(1, max_references + 1))]
        said = [word if rng.random() < 0.7 else str(rng.choice(WORDS)) for word in texts[-1] if rng.random() < 0.8]
        hypotheses.append(" ".join(said))
        references.append([" ".join(words).capitalize() + "?" for words in texts])
    return hypotheses, references


def sacrebleu_scores(hypotheses, references):
    said = [" ".join(split_words(text)) for text in hypotheses]
    width = max(map(len, references))
    streams = [
        [" ".join(split_words(texts[k])) if k < len(texts) else None for texts in references] for k in range(width)
    ]
    bleu, chrf = BLEU(lowercase=True), CHRF(lowercase=True)
    return bleu.corpus_score(said, streams).score, chrf.corpus_score(said, streams).score


@pytest.mark.parametrize("seed", range(5))
def test_word_errors_equal_a_plain_loop(seed):
    hypotheses, references = random_texts(seed, 40)
    scores = score_texts(hypotheses, references)
    errors, words = [], []
    for said, texts in zip(hypotheses, references, strict=True):
        distances = [edit_distance(split_words(said), split_words(text)) for text in texts]
        best = distances.index(min(distances))
        errors.append(distances[best])
        words.append(len(split_words(texts[best])))
    np.testing.assert_array_equal(scores.word_errors, errors)
    np.testing.assert_array_equal(scores.reference_words, words)
    assert scores.wer == word_error_rate(hypotheses, references) == sum(errors) / sum(words)
    assert scores.num_texts == 40


@pytest.mark.parametrize("seed", range(3))
def test_several_references_as_jiwer_and_sacrebleu_themselves_have_them(seed):
    hypotheses, references = random_texts(seed, 25)
    scores = score_texts(hypotheses, references)
    best = []
    for said, texts in zip(hypotheses, references, strict=True):
        measured = [jiwer.process_words(" ".join(split_words(text)), " ".join(split_words(said))) for text in texts]
        found = [each.substitutions + each.deletions + each.insertions for each in measured]
        best.append(texts[found.index(min(found))])
    chosen = [" ".join(split_words(text)) for text in best]
    assert scores.wer == pytest.approx(jiwer.wer(chosen, [" ".join(split_words(said)) for said in hypotheses]))
    assert (scores.bleu, scores.chrf) == sacrebleu_scores(hypotheses, references)
    alone = score_texts(hypotheses, [texts[:1] for texts in references])
    assert scores.wer < alone.wer  # a paraphrase is as right as the canonical sentence
    assert scores.bleu > alone.bleu
    assert scores.chrf > alone.chrf


@pytest.mark.parametrize("seed", range(5))
def test_counts_of_the_texts_add_up_to_the_corpus_scores(seed):
    hypotheses, references = random_texts(seed, 30)
    scores = score_texts(hypotheses, references)
    intervals = scores.intervals(None, np.random.default_rng(0), resamples=2)
    assert (scores.bleu, scores.chrf) == sacrebleu_scores(hypotheses, references)
    assert intervals.bleu.estimate == pytest.approx(scores.bleu, abs=1e-9)
    assert intervals.chrf.estimate == pytest.approx(scores.chrf, abs=1e-9)
    assert intervals.wer.estimate == scores.wer
    assert intervals.exact_match.estimate == scores.exact_match


def test_intervals_equal_scoring_every_resample_anew():
    hypotheses, references = random_texts(7, 12)
    groups = np.array([0, 0, 1, 1, 1, 2, 2, 3, 4, 4, 5, 5])
    intervals = score_texts(hypotheses, references).intervals(groups, np.random.default_rng(3), resamples=40, level=0.8)

    def statistic(which):
        return lambda rows: sacrebleu_scores([hypotheses[i] for i in rows], [references[i] for i in rows])[which]

    rng = np.random.default_rng(3)
    rng.multinomial(6, np.full(6, 1 / 6), size=40)  # what the word error rate draws first
    for which, found in enumerate([intervals.bleu, intervals.chrf]):
        expected = bootstrap_statistic(statistic(which), groups, rng, resamples=40, level=0.8)
        np.testing.assert_allclose([found.low, found.high], [expected.low, expected.high], rtol=0, atol=1e-9)
        assert found.low < found.estimate < found.high
        assert found.level == 0.8


def test_case_and_punctuation_do_not_count():
    scores = score_texts(["WHERE does it, hurt"], [["Where does it hurt?"]])
    assert (scores.wer, scores.exact_match) == (0.0, 1.0)
    assert scores.bleu == pytest.approx(100)
    assert scores.chrf == pytest.approx(100)
    assert scores.bleu_signature.startswith("nrefs:1|case:lc|eff:no|tok:13a|smooth:exp|version:")
    assert scores.chrf_signature.startswith("nrefs:1|case:lc|eff:yes|nc:6|nw:0|space:no|version:")


def test_rates_are_over_the_corpus_and_not_averaged_over_texts():
    scores = score_texts(["a", "a b c d e f g h x"], [["b"], ["a b c d e f g h i"]])
    assert scores.wer == 2 / 10
    np.testing.assert_array_equal(scores.word_errors, [1, 1])


def test_word_errors_take_the_reference_with_the_fewest_and_the_first_of_equals():
    scores = score_texts(["a b", "q"], [["a c d", "a b c"], ["x y", "q r", "z q"]])
    np.testing.assert_array_equal(scores.word_errors, [1, 1])
    np.testing.assert_array_equal(scores.reference_words, [3, 2])
    assert score_texts(["p q"], [["a b", "p q"]]).exact_match == 1.0
    assert score_texts(["p q", "x"], [["a b", "p q"], ["y"]]).bleu_signature.startswith("nrefs:var")


def test_more_errors_than_words_and_no_answer_at_all():
    assert score_texts(["a b c d"], [["x"]]).wer == 4.0
    silent = score_texts(["", "?!"], [["a b"], ["c"]])
    assert (silent.wer, silent.bleu, silent.chrf, silent.exact_match) == (1.0, 0.0, 0.0, 0.0)
    intervals = silent.intervals(None, np.random.default_rng(0), resamples=5)
    assert (intervals.wer.high, intervals.bleu.high, intervals.chrf.high) == (1.0, 0.0, 0.0)


def test_texts_of_a_single_letter_and_of_none():
    hypotheses, references = ["a", "ab", "", "abc def"], [["a"], ["a", "ac"], ["a"], ["abc deg", "x"]]
    scores = score_texts(hypotheses, references)
    assert (scores.bleu, scores.chrf) == sacrebleu_scores(hypotheses, references)
    assert scores.intervals(None, np.random.default_rng(0), resamples=1).chrf.estimate == pytest.approx(scores.chrf)


@pytest.mark.parametrize(
    ("hypotheses", "references", "message"),
    [
        ([], [], "0 texts"),
        (["a"], [], "1 texts and 0 reference lists"),
        (["a", "b"], [["a"], []], "of text 1"),
        (["a"], [["a", "?!"]], "each with a word"),
    ],
)
def test_what_cannot_be_compared_is_refused(hypotheses, references, message):
    with pytest.raises(ValueError, match=message):
        score_texts(hypotheses, references)


def test_intervals_need_two_groups():
    with pytest.raises(ValueError, match="one group"):
        score_texts(["a"], [["a"]]).intervals(None, np.random.default_rng(0))


@pytest.mark.parametrize("module", ["jiwer", "sacrebleu.metrics.bleu"])
def test_a_missing_library_is_named_with_its_remedy(monkeypatch, module):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtraError, match=r"pip install 'signtalk\[train\]'"):
        score_texts(["a"], [["a"]])
