"""Texts, tokens and beam search of the page's engine are those of Python."""

from __future__ import annotations

from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from made.web import Ask, needs_node
from signtalk.data.records import text_key
from signtalk.data.tokenizer import SentenceTokenizer, TokenizerConfig, split_words
from signtalk.recognition.beam_search import DecodingOptions, beam_search
from signtalk.recognition.critical_words import critical_words, keeps_critical_words, spelled_texts
from signtalk.recognition.spelling_decoder import JointStepDecoder


@needs_node
@pytest.mark.parametrize("kind", ["word", "bpe"])
def test_texts_are_those_of_python(kind: Any, node: Ask) -> None:
    known = ["Where does it hurt?", "I don't know.", "My head hurts", "Où est la douleur", "null and void"]
    odd = ["X-ray, please!", "  STRASSE  straße ", "日本 語", "hurts ▁head", "<pad> unk", "thé\u0301 q!q", "..."]
    texts = known + odd
    tokenizer = SentenceTokenizer.fit(known, config=TokenizerConfig(kind=kind, vocabulary=40 if kind == "bpe" else 0))
    pairs = [(a, b) for a in texts[:6] for b in texts[:6]] + [("a b c d", "b c a d b c"), ("", "")]
    answered = node("texts", vocabulary=tokenizer.to_dict(), texts=texts, pairs=pairs)
    assert answered["keys"] == [text_key(text) for text in texts]
    ids = [tokenizer.encode(text, add_special=False) for text in texts]
    assert answered["ids"] == ids
    assert answered["words"] == [[[word, list(places)] for word, places in tokenizer.decode_words(i)] for i in ids]
    ratios = [SequenceMatcher(None, split_words(a), split_words(b), autojunk=False).ratio() for a, b in pairs]
    assert answered["agreements"] == pytest.approx(ratios)


@needs_node
def test_negations_and_numbers_are_those_of_python(node: Ask) -> None:
    texts = [
        "No pain", "pain", "not pain, none", "I don\u2019t know", "I don't know", "take 2 tablets", "two tablets",
        "12 mg", "\u0663 tablets", "the constructor", "first, twice, half", "twenty-one",
        "not\u2011yet", "-5 to \u22127", "5-10", "two--three", "\u00bd", "\u4e00",
    ]  # fmt: skip
    answered = node("critical", texts=texts)
    assert answered["said"] == [sorted(critical_words(text).elements()) for text in texts]
    assert answered["kept"] == [[keeps_critical_words(a, b) for b in (*texts, None)] for a in texts]


@needs_node
@pytest.mark.parametrize("kind", ["word", "bpe"])
def test_words_that_frames_spell_are_those_of_python(kind: Any, node: Ask, tmp_path: Path) -> None:
    tokenizer = SentenceTokenizer.fit(["no pain here in two arms"], config=TokenizerConfig(kind=kind))
    rng = np.random.default_rng(3)
    words = rng.standard_normal((40, tokenizer.vocabulary_size)).astype(np.float32).repeat(2, axis=0)
    valid = np.arange(80)[None] < 71
    words.astype("<f8").tofile(tmp_path / "words.bin")
    files = {"words": str(tmp_path / "words.bin"), "vocabulary": tokenizer.to_dict(), "num_valid": 71}
    assert (node("spelled", **files),) == spelled_texts(words[None], valid, tokenizer)


class TableDecoder:
    """The next word follows from the last one alone."""

    sos_id, eos_id = 1, 2

    def __init__(self, table: np.ndarray[Any, Any]) -> None:
        self.table, self.vocabulary_size = table, len(table)

    def start(self, memory: Any, memory_valid: Any) -> TableDecoder:
        return self

    def select(self, rows: Any) -> TableDecoder:
        return self

    def step(self, tokens: Any, state: Any) -> tuple[Any, Any]:
        return self.table[tokens], self


@needs_node
@pytest.mark.parametrize(("vocabulary", "weight"), [(12, 0.0), (12, 0.7), (12, 1.0), (140, 0.6)])
def test_decoding_is_that_of_python(vocabulary: int, weight: float, node: Ask, tmp_path: Path) -> None:
    rng = np.random.default_rng(vocabulary)

    def log_probs(rows: int, sharpness: float) -> np.ndarray[Any, Any]:
        logits = sharpness * rng.standard_normal((rows, vocabulary))
        return np.asarray(logits - np.log(np.exp(logits).sum(axis=1, keepdims=True)), dtype=np.float32)

    table, words = log_probs(vocabulary, 2.0), log_probs(20, 3.0)
    table.astype("<f8").tofile(tmp_path / "table.bin")
    words.astype("<f8").tofile(tmp_path / "words.bin")
    valid = np.arange(20)[None] < 17
    for options in (DecodingOptions(max_tokens=9), DecodingOptions(num_beams=2, max_tokens=5, min_tokens=3)):
        decoder: Any = TableDecoder(table)
        if weight:
            decoder = JointStepDecoder(decoder, words[None], weight)
        truth = beam_search(decoder, np.zeros((1, 20, 4), dtype=np.float32), valid, options)[0][0]
        files = {"table": str(tmp_path / "table.bin"), "words": str(tmp_path / "words.bin")}
        settings = {"vocabulary": vocabulary, "weight": weight, "num_valid": 17}
        text = node("decode", options=options.model_dump(), **files, **settings)
        assert (tuple(text["tokens"]), text["finished"]) == (truth.tokens, truth.finished)
        assert text["score"] == pytest.approx(truth.score, abs=1e-5)
        assert text["tokenLogProbs"] == pytest.approx(truth.token_log_probs, abs=1e-5)
