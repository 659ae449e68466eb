"""A person who signs "small" much as others sign "tea" is understood after a few sentences, others asked."""

import numpy as np
import pytest

from made.references import encoded as random_clips
from made.signers import SENTENCES, WORDS, SignWorld
from signtalk.data.records import text_key
from signtalk.errors import DataError
from signtalk.recognition.recognizer import DecisionConfig, Recognizer
from signtalk.recognition.scoring import ScoringConfig
from signtalk.recognition.signer_fit import SignerFitConfig, fit_signer
from signtalk.recognition.signer_prompts import next_sentences

WORLD = SignWorld.made()
PERSON = WORLD.own_way("small", "tea")
INDEX = WORLD.index()
WEIGHTS = {
    "words": ScoringConfig(similarity_weight=0, prototype_weight=0, dtw_weight=0.01, text_weight=0.99),
    "frames": ScoringConfig(similarity_weight=0, prototype_weight=0.01, dtw_weight=0.99, text_weight=0),
}


def part_right(clips, texts, scoring):
    decision = DecisionConfig(scoring=scoring, translate=False)
    recognizer = Recognizer(encoder=None, index=INDEX, decision=decision, tokenizer=WORLD.tokenizer)
    ranks = recognizer.rank(clips).ranks_of([text_key(text) for text in texts])
    return float((ranks == 1).mean())


@pytest.mark.parametrize("by", sorted(WEIGHTS))
def test_other_sentences_with_the_same_sign_are_found(by):
    known = next_sentences(INDEX, WORLD.tokenizer, (), 6)
    signer = fit_signer(PERSON.encoded(known, WORLD), known, INDEX, WORLD.tokenizer)
    asked = [text for text in SENTENCES if text not in known]
    clips = PERSON.encoded(asked, WORLD, seed=5)
    before, after = part_right(clips, asked, WEIGHTS[by]), part_right(signer.applied(clips), asked, WEIGHTS[by])
    with_small = sum("small" in text for text in asked) / len(asked)
    assert before <= 1 - with_small / 3  # the sign is taken for another, or there is nothing to learn
    assert after >= max(0.95, before + with_small / 4)


def test_whoever_signs_as_all_do_is_hardly_changed():
    known = SENTENCES[::6]
    signer = fit_signer(WORLD.encoded(known, seed=3), known, INDEX, WORLD.tokenizer)
    clips = WORLD.encoded(SENTENCES, seed=4)
    applied = signer.applied(clips)
    for weights in WEIGHTS.values():
        assert part_right(applied, SENTENCES, weights) >= part_right(clips, SENTENCES, weights)
    moved = np.linalg.norm(applied.projections - clips.projections, axis=2)[clips.memory_valid]
    assert np.median(moved) < 0.15


def test_strong_ridges_change_nothing_and_the_order_of_clips_does_not_count():
    known = list(SENTENCES[:5])
    clips = PERSON.encoded(known, WORLD)
    held = fit_signer(clips, known, INDEX, WORLD.tokenizer, SignerFitConfig(frames_ridge=1e9, words_ridge=1e9))
    assert np.abs(held.frames).max() < 1e-6
    assert np.abs(held.words).max() < 1e-6
    turned = fit_signer(clips.select(np.arange(5)[::-1]), known[::-1], INDEX, WORLD.tokenizer)
    straight = fit_signer(clips, known, INDEX, WORLD.tokenizer)
    np.testing.assert_allclose(turned.frames, straight.frames, atol=1e-8)
    np.testing.assert_allclose(turned.words, straight.words, atol=1e-8)
    assert straight.num_clips == 5


def test_what_the_model_does_not_know_tells_as_much_as_it_can():
    clips = PERSON.encoded(["small yes", "yes small"], WORLD)
    unindexed = fit_signer(clips, ["small small yes", "yes small small"], INDEX, WORLD.tokenizer)  # spelled, no clips
    assert not unindexed.frames.any()
    assert unindexed.words.any()
    unread = fit_signer(clips, ["small yes", "yes small"], INDEX)  # a model without words
    assert unread.frames.any()
    assert not unread.words.any()
    some = fit_signer(clips, ["small yes", "a new word"], INDEX, WORLD.tokenizer)
    alone = fit_signer(clips.select(np.array([0])), ["small yes"], INDEX, WORLD.tokenizer)
    assert some.words.shape == alone.words.shape
    assert some.words.any()


def test_nothing_to_learn_from_is_an_error():
    clips = PERSON.encoded([WORDS[0]], WORLD)
    with pytest.raises(DataError, match="none is a sentence of the model"):
        fit_signer(clips, ["nobody knows this"], INDEX, WORLD.tokenizer)
    with pytest.raises(DataError, match="1 clips and 0 texts"):
        fit_signer(clips, [], INDEX, WORLD.tokenizer)


def test_a_model_without_words_has_an_empty_map_of_them():
    clips = random_clips(2, words=0)
    world_index = WORLD.index()
    with pytest.raises(DataError, match="none is a sentence"):
        fit_signer(clips, ["what", "ever"], world_index)
