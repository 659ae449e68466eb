"""Before and after a person is known, in a world where one of two signs a word in her own way."""

import numpy as np
import pytest

from made.records import made_record
from made.signers import SENTENCES, SignWorld
from signtalk.evaluation.known_signer import RANDOM_DRAWS, measure_known_signer
from signtalk.evaluation.results import KnownSigner
from signtalk.index.encoded import concatenate
from signtalk.recognition.asked import Asked
from signtalk.recognition.gate import GateConfig
from signtalk.recognition.recognizer import DecisionConfig, Recognizer
from signtalk.recognition.scoring import ScoringConfig

WORLD = SignWorld.made()
ANNA, BEN = WORLD.own_way("small", "tea"), WORLD
SCORING = ScoringConfig(similarity_weight=0, prototype_weight=0.02, dtw_weight=0.49, text_weight=0.49)
RECOGNIZER = Recognizer(
    encoder=None, index=WORLD.index(), decision=DecisionConfig(scoring=SCORING), tokenizer=WORLD.tokenizer
)


def asked(signer_texts):
    parts = [(name, list(texts)) for name, texts in signer_texts.items()]
    worlds = {"anna": ANNA, "ben": BEN}
    clips = concatenate([worlds[name].encoded(texts, WORLD, seed=3) for name, texts in parts])
    records = tuple(made_record(text, name) for name, texts in parts for text in texts)
    return Asked(records, clips, np.full(len(records), 9.0, dtype=np.float32))


@pytest.fixture(scope="module")
def measured() -> tuple[KnownSigner, ...]:
    return measure_known_signer(RECOGNIZER, asked({"anna": SENTENCES, "ben": SENTENCES[::2]}), (5,), seed=4)


def test_whoever_signs_otherwise_is_understood_and_who_does_not_stays_so(measured):
    guided, random = measured
    assert (guided.chosen, random.chosen) == ("guided", "random")
    for each in measured:
        was, now = each.by_signer["anna"]
        assert now > was + 0.1
        assert each.by_signer["ben"][1] >= each.by_signer["ben"][0] >= 0.95
        assert each.after.estimate > each.before.estimate


def test_sentences_that_teach_are_not_asked(measured):
    guided, random = measured
    per_draw = (len(SENTENCES) - 5) + (len(SENTENCES[::2]) - 5)
    assert guided.num_queries == per_draw
    assert random.num_queries == RANDOM_DRAWS * per_draw


def test_signers_of_too_few_sentences_are_left_out():
    few = asked({"anna": SENTENCES[:9], "ben": SENTENCES[:4]})
    assert measure_known_signer(RECOGNIZER, few, (9,)) == ()
    only_anna = measure_known_signer(RECOGNIZER, few, (4,))
    assert all(set(each.by_signer) == {"anna"} for each in only_anna)


def test_sentences_are_told_apart_as_everywhere_whatever_their_spelling() -> None:
    spelled = asked({"anna": [f"{text.capitalize()}!" for text in SENTENCES[:8]]})
    guided = measure_known_signer(RECOGNIZER, spelled, (3,))[0]
    assert (guided.chosen, guided.num_queries) == ("guided", 5)


def test_before_is_what_the_shared_model_tells():
    clips = asked({"anna": SENTENCES})
    accepting = DecisionConfig(scoring=SCORING, gate=GateConfig(threshold=0, motion_floor=0), policy="research")
    recognizer = RECOGNIZER.changed(decision=accepting)
    guided = measure_known_signer(recognizer, clips, (1,))[0]
    answers = recognizer.answer(clips.encoded, clips.motions, clips.own_ids).answers
    right = [a.candidates[0].text_key == r.text_key for a, r in zip(answers, clips.records, strict=True)]
    assert guided.before.estimate * guided.num_queries == pytest.approx(sum(right), abs=1)
    assert guided.accepted_before == guided.accepted_after == 1.0
    assert guided.precision_before == pytest.approx(guided.before.estimate)
    assert guided.precision_after == pytest.approx(guided.after.estimate)
    refusing = accepting.model_copy(update={"gate": GateConfig(threshold=1)})
    refused = measure_known_signer(RECOGNIZER.changed(decision=refusing), clips, (1,))[0]
    assert refused.accepted_after == 0.0
    assert refused.precision_after is None
