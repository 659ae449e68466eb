"""The tokenizer against a plain-Python reading of the contract, the library's own trainer, and damaged files."""

from __future__ import annotations

import itertools
import json
import pickle
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from signtalk.data.tokenizer import (
    EOS_ID,
    PAD_ID,
    SOS_ID,
    SPECIAL_TOKENS,
    UNK_ID,
    SentenceTokenizer,
    TokenizerConfig,
    split_words,
)
from signtalk.errors import ArtifactError

TEXTS = ["Where does it hurt?", "It hurts here.", "Does it hurt here, or here?", "Wo ho te sɛn? Ɔyɛ. Ŋkɔ!"]
SENTENCES = st.text(st.sampled_from("abcdɛɔŋƐ ,.?!\"'-"), max_size=20)


def plain_words(text):
    lowered = text.lower()
    for character in ",.?!\"'":
        lowered = lowered.replace(character, "")
    return lowered.split()


@given(SENTENCES)
def test_words_follow_the_contract(text):
    assert split_words(text) == plain_words(text)


def test_punctuation_inside_a_word_is_dropped_without_a_cut():
    assert split_words('The doctor\'s "X-ray" costs 1,000.50!') == ["the", "doctors", "x-ray", "costs", "100050"]
    assert split_words("?! ...") == []


def test_letters_of_other_scripts_survive_in_either_composition():
    assert split_words("ƐYƐ Ɔkɔ Ŋ") == ["ɛyɛ", "ɔkɔ", "ŋ"]
    assert split_words("cafe\u0301") == split_words("caf\u00e9") == ["caf\u00e9"]
    tokenizer = SentenceTokenizer.fit(TEXTS)
    assert tokenizer.decode(tokenizer.encode("WO HO TE SƐN")) == "wo ho te sɛn"


def test_ids_go_by_frequency_and_then_by_alphabet():
    tokenizer = SentenceTokenizer.fit(["b a", "c b", "d"])
    assert list(tokenizer.to_dict()["token2id"].items()) == [
        ("<pad>", 0),
        ("<sos>", 1),
        ("<eos>", 2),
        ("<unk>", 3),
        ("b", 4),
        ("a", 5),
        ("c", 6),
        ("d", 7),
    ]
    assert (PAD_ID, SOS_ID, EOS_ID, UNK_ID) == (0, 1, 2, 3)
    assert tokenizer.vocabulary_size == 8


def test_vocabulary_equals_the_library_trainers():
    oracle = Tokenizer(models.WordLevel(unk_token="<unk>"))
    oracle.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    trainer = trainers.WordLevelTrainer(special_tokens=list(SPECIAL_TOKENS), min_frequency=2, show_progress=False)
    oracle.train_from_iterator([" ".join(plain_words(text)) for text in TEXTS], trainer)
    assert SentenceTokenizer.fit(TEXTS, min_count=2).to_dict()["token2id"] == oracle.get_vocab()


def test_encode_marks_both_ends_and_unknown_words():
    tokenizer = SentenceTokenizer.fit(["a b"])
    assert tokenizer.encode("A, b? z") == [SOS_ID, 4, 5, UNK_ID, EOS_ID]
    assert tokenizer.encode("A b", add_special=False) == [4, 5]
    assert tokenizer.encode("") == [SOS_ID, EOS_ID]


def test_a_text_cannot_smuggle_in_a_special_token():
    tokenizer = SentenceTokenizer.fit(["a <pad> <eos>"])
    assert tokenizer.vocabulary_size == 5
    assert tokenizer.encode("<eos> a <pad> <SOS> <unk>", add_special=False) == [UNK_ID, 4, UNK_ID, UNK_ID, UNK_ID]


def test_batch_is_padded_at_the_end():
    tokenizer = SentenceTokenizer.fit(["a b"])
    ids, lengths = tokenizer.encode_batch(["a b", "", "b"])
    np.testing.assert_array_equal(ids, [[1, 4, 5, 2], [1, 2, 0, 0], [1, 5, 2, 0]])
    np.testing.assert_array_equal(lengths, [4, 2, 3])
    assert ids.dtype == lengths.dtype == np.int64
    empty, none = tokenizer.encode_batch([])
    assert empty.shape == (0, 0)
    assert none.shape == (0,)


def test_decode_stops_at_eos_and_drops_specials():
    tokenizer = SentenceTokenizer.fit(["a b"])
    assert tokenizer.decode(np.array([1, 4, 3, 0, 5, 2, 4])) == "a b"
    assert tokenizer.decode([]) == ""
    for bad in (-1, 6):
        with pytest.raises(ValueError, match="ids 0 to 5"):
            tokenizer.decode([bad])


@given(st.lists(SENTENCES, max_size=5))
def test_known_texts_come_back_word_for_word(texts):
    tokenizer = SentenceTokenizer.fit(texts)
    for text in texts:
        assert tokenizer.decode(tokenizer.encode(text)) == " ".join(plain_words(text))


def test_file_holds_token2id_and_nothing_else(tmp_path):
    tokenizer = SentenceTokenizer.fit(TEXTS)
    path = tmp_path / "tokenizer_vocab.json"
    tokenizer.save(path)
    content = json.loads(path.read_text(encoding="utf-8"))
    assert set(content) == {"token2id"}
    assert "sɛn" in path.read_text(encoding="utf-8")
    loaded = SentenceTokenizer.load(path)
    assert loaded.to_dict() == tokenizer.to_dict() == content
    assert pickle.loads(pickle.dumps(loaded)).encode(TEXTS[0]) == tokenizer.encode(TEXTS[0])


@pytest.mark.parametrize("names", [["[PAD]", "[SOS]", "[EOS]", "[UNK]"], ["pad", "sos", "eos", "unk"]])
def test_other_spellings_of_the_special_tokens_are_kept(names):
    vocabulary = {"token2id": {name: i for i, name in enumerate([*names, "a"])}}
    tokenizer = SentenceTokenizer.from_dict(vocabulary)
    assert tokenizer.encode("a z pad") == [SOS_ID, 4, UNK_ID, UNK_ID, EOS_ID]
    assert tokenizer.to_dict() == vocabulary


SPECIALS = {"<pad>": 0, "<sos>": 1, "<eos>": 2, "<unk>": 3}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([], "found list"),
        ({}, "token2id"),
        ({"token2id": SPECIALS, "id2token": {}}, "nothing else"),
        ({"token2id": ["a"]}, "token2id"),
        ({"token2id": {}}, "expected .'<pad>'"),
        ({"token2id": {**SPECIALS, "a": 5}}, "id 5 follows a gap or repeats; expected each of 0 to 4"),
        ({"token2id": {**SPECIALS, "a": 3}}, "id 3 follows a gap or repeats"),
        ({"token2id": {**SPECIALS, "a": -1}}, "id -1"),
        ({"token2id": {**SPECIALS, "a": "4"}}, "'a' has id '4'; expected an integer"),
        ({"token2id": {**SPECIALS, "a": True}}, "'a' has id True"),
        ({"token2id": {"<sos>": 0, "<pad>": 1, "<eos>": 2, "<unk>": 3}}, "in this order"),
    ],
)
def test_a_damaged_vocabulary_is_refused_with_its_file(tmp_path, content, message):
    path = tmp_path / "tokenizer_vocab.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(ArtifactError, match=message) as caught:
        SentenceTokenizer.load(path)
    assert str(path) in str(caught.value)


def test_a_missing_file_is_named_once(tmp_path):
    path = tmp_path / "none.json"
    with pytest.raises(ArtifactError, match="no such file") as caught:
        SentenceTokenizer.load(path)
    assert str(caught.value).count(str(path)) == 1


def bpe(texts, vocabulary=0):
    return SentenceTokenizer.fit(texts, config=TokenizerConfig(kind="bpe", vocabulary=vocabulary))


@given(st.lists(SENTENCES, min_size=1, max_size=5), st.sampled_from([0, 5, 12, 40]))
def test_known_texts_come_back_word_for_word_from_parts(texts, vocabulary):
    tokenizer = bpe(texts, vocabulary)
    for text in texts:
        assert tokenizer.decode(tokenizer.encode(text)) == " ".join(plain_words(text))


@given(st.lists(st.sampled_from("abcdɛ"), min_size=1, max_size=12))
def test_parts_spell_words_that_training_never_saw(letters):
    tokenizer = bpe(["ab cd", "abc ɛd"], vocabulary=14)
    word = "".join(letters)
    assert tokenizer.decode(tokenizer.encode(f"{word} ab")) == f"{word} ab"
    assert UNK_ID not in tokenizer.encode(word)


def reference_merges(words, num_merges):
    """The textbook loop: join the most frequent pair, of equal ones the one whose parts are the older tokens."""
    parts = [["\u2581", *word] for word in words]
    known = sorted({part for word in parts for part in word})
    merges = []
    for _ in range(num_merges):
        pairs = {}
        for word in parts:
            for pair in itertools.pairwise(word):
                pairs[pair] = pairs.get(pair, 0) + 1
        best = min(pairs, key=lambda pair: (-pairs[pair], known.index(pair[0]), known.index(pair[1])))
        merges.append(best)
        known.append("".join(best))
        for word in parts:
            for i in range(len(word) - 1, 0, -1):
                if (word[i - 1], word[i]) == best:
                    word[i - 1 : i + 1] = ["".join(best)]
    return tuple(merges)


def test_parts_are_those_of_the_textbook_loop():
    words = [word for text in TEXTS for word in plain_words(text)]
    alphabet = {"\u2581", *"".join(words)}
    tokenizer = bpe(TEXTS, vocabulary=4 + len(alphabet) + 8)
    assert tokenizer.merges == reference_merges(words, 8)
    assert tokenizer.vocabulary_size == 4 + len(alphabet) + 8


def test_parts_know_their_words_and_unknown_letters_are_unk():
    tokenizer = bpe(["hurt hurts", "here"], vocabulary=12)
    ids = tokenizer.encode("hurts zzz here", add_special=False)
    assert ids.count(UNK_ID) == 1
    words = tokenizer.decode_words([SOS_ID, *ids, EOS_ID, ids[0]])
    assert [word for word, _ in words] == ["hurts", "here"]
    places = [place for _, of_word in words for place in of_word]
    assert places == sorted(set(places))
    assert all(ids[place - 1] > UNK_ID for place in places)
    assert tokenizer.encode("a\u2581b") == tokenizer.encode("a b")
    assert bpe(["a <pad> x<pad> x<pad>"]).encode("x<pad>", add_special=False).count(PAD_ID) == 0


def test_a_bound_keeps_the_most_frequent_words_and_too_small_a_one_is_refused():
    tokenizer = SentenceTokenizer.fit(["b a", "c b", "d"], config=TokenizerConfig(vocabulary=6))
    assert list(tokenizer.to_dict()["token2id"])[4:] == ["b", "a"]
    assert bpe(["ab ab"], vocabulary=10**9).decode([*bpe(["ab ab"]).encode("ab")]) == "ab"
    with pytest.raises(ValueError, match="vocabulary 4 leaves no room"):
        TokenizerConfig(vocabulary=4)


def test_a_file_of_parts_holds_its_merges_and_loads_the_same(tmp_path, capfd, monkeypatch):
    monkeypatch.delenv("TOKENIZERS_PARALLELISM", raising=False)
    tokenizer, path = bpe(TEXTS, vocabulary=40), tmp_path / "tokenizer_vocab.json"
    tokenizer.save(path)
    loaded = SentenceTokenizer.load(path)
    assert set(json.loads(path.read_text(encoding="utf-8"))) == {"token2id", "merges"}
    assert loaded.to_dict() == tokenizer.to_dict() == bpe(TEXTS, vocabulary=40).to_dict()
    assert loaded.encode("Does it hurt, ɔyɛ?") == tokenizer.encode("Does it hurt, ɔyɛ?")
    assert pickle.loads(pickle.dumps(loaded)).merges == tokenizer.merges
    subprocess.run([sys.executable, "-c", ""], check=True)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("merges", ["ab", [["a"]], [["a", 1]], [["a", "b"]], {"a": "b"}])
def test_damaged_merges_are_refused(merges):
    with pytest.raises(ArtifactError, match="merge"):
        SentenceTokenizer.from_dict({"token2id": {**SPECIALS, "a": 4, "b": 5}, "merges": merges})


@pytest.mark.parametrize("token", ["", "\ud800"])
def test_a_token_that_is_no_text_is_refused(token: str) -> None:
    content = {"token2id": {"<pad>": 0, "<sos>": 1, "<eos>": 2, "<unk>": 3, token: 4}}
    with pytest.raises(ArtifactError, match="no valid text"):
        SentenceTokenizer.from_dict(content)
