"""The tokenizer against a plain-Python reading of the contract, the library's own trainer, and damaged files."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from signtalk.errors import ArtifactError
from signtalk.tokenizer import EOS_ID, PAD_ID, SOS_ID, SPECIAL_TOKENS, UNK_ID, SentenceTokenizer, split_words

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
