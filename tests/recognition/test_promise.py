from dataclasses import replace

import pytest

from made.stress import answer
from signtalk.errors import ConfigError
from signtalk.recognition.gate import Decision, GateConfig
from signtalk.recognition.promise import Promise, held_back, population_of, promise_to, promises_of
from signtalk.recognition.recognizer import DecisionConfig
from signtalk.recognition.translation import TranslationRule

PROOF = {"precision_asked": 0.98, "precision_reached": True, "precision_found": 0.99, "precision_lower_bound": 0.96,
         "num_accepted": 120}  # fmt: skip
PROVEN = Promise("trained", True, 0.98, 0.99, 0.96, 120)
MISSING = replace(PROVEN, proven=False)
ACCEPTED = Decision(True, "", 0.95)


def test_each_population_has_the_promise_of_its_own_fit() -> None:
    gate = GateConfig(**PROOF, written=GateConfig(precision_asked=0.9, num_accepted=4))
    promises = promises_of(gate, TranslationRule(fitted=True, **PROOF))
    assert promises["trained"] == PROVEN
    assert promises["translated"] == replace(PROVEN, population="translated")
    assert promises["written"] == Promise("written", False, 0.9, None, None, 4)
    assert promises["enrolled"] == Promise("enrolled", False, 0.98, None, None, 0)
    taught = gate.model_copy(update={"enrolled": GateConfig(**PROOF)})
    assert promises_of(taught, TranslationRule())["enrolled"] == replace(PROVEN, population="enrolled")
    assert DecisionConfig(gate=gate).promises["trained"] == PROVEN


@pytest.mark.parametrize(
    "gate",
    [
        GateConfig(),  # nothing was asked for
        GateConfig(**PROOF | {"precision_reached": False}),
        GateConfig(**PROOF, fitted=False),
        GateConfig(**PROOF, mode="prototype"),
        GateConfig(precision_asked=0.98),  # a file of an older version that tells nothing
    ],
)
def test_where_nothing_tells_it_is_not_proven(gate: GateConfig) -> None:
    promises = promises_of(gate, TranslationRule())
    assert not any(promise.proven for promise in promises.values())


def test_an_older_file_that_tells_it_was_reached_is_believed() -> None:
    old = GateConfig(precision_asked=0.98, precision_reached=True)
    assert promises_of(old, TranslationRule())["trained"] == Promise("trained", True, 0.98, None, None, None)


def test_a_promise_is_one_line() -> None:
    assert str(PROVEN) == ("trained: proven (0.98 asked, 0.990 found, at least 0.960 (95%), 120 validation answers)")
    assert str(Promise("enrolled", False, None, None, None, 0)) == "enrolled: not proven"
    assert str(replace(PROVEN, least_words=2)).endswith("120 validation answers, from 2 words on)")
    assert str(replace(PROVEN, least_sentences=3)).endswith("120 validation answers, among 3 sentences or more)")
    assert PROVEN.to_dict()["num_clips"] == 120


@pytest.mark.parametrize(
    ("changes", "indexed", "population"),
    [
        ({"sentence_id": "7", "num_references": 3}, True, "trained"),
        ({"sentence_id": "7", "num_references": 3}, False, "enrolled"),
        ({"sentence_id": "enrolled-0a", "num_references": 1}, True, "enrolled"),
        ({"sentence_id": "written-0a", "num_references": 2}, True, "enrolled"),  # written once, and taught later
        ({"sentence_id": "written-0a", "num_references": 0}, True, "written"),
        ({"sentence_id": "7", "num_references": 0}, True, "written"),
    ],
)
def test_where_a_sentence_comes_from(changes: dict[str, object], indexed: bool, population: str) -> None:
    candidate = replace(answer().candidates[0], **changes)
    assert population_of(candidate, indexed) == population


def test_a_sentence_shorter_than_all_that_proved_the_gate_is_not_proven() -> None:
    proof = GateConfig(precision_asked=0.98, precision_reached=True, num_accepted=40, least_words=3)
    gate = GateConfig(enrolled=proof, written=proof, precision_asked=0.98, precision_reached=True, num_accepted=50)
    promises = promises_of(gate, TranslationRule())
    for population in ("enrolled", "written"):
        assert promise_to(population, 3, 1, promises, gate) == promises[population]
        assert promises[population].proven
        assert promise_to(population, 2, 1, promises, gate) == Promise(population, False, 0.98, None, None, 0)
    assert promise_to("trained", 1, 1, promises, gate) == promises["trained"]
    unfitted = GateConfig()
    assert not promise_to("enrolled", 1, 1, promises_of(unfitted, TranslationRule()), unfitted).proven


def test_among_fewer_sentences_than_proved_the_gate_nothing_is_proven() -> None:
    proof = GateConfig(precision_asked=0.98, precision_reached=True, num_accepted=40, least_sentences=3)
    gate = GateConfig(enrolled=proof, written=proof, precision_asked=0.98, precision_reached=True, num_accepted=50)
    promises = promises_of(gate, TranslationRule())
    for population in ("enrolled", "written"):
        assert promise_to(population, 1, 3, promises, gate) == promises[population]
        assert promise_to(population, 1, 2, promises, gate) == Promise(population, False, 0.98, None, None, 0)
    assert promise_to("trained", 1, 1, promises, gate) == promises["trained"]


def test_what_is_not_proven_is_at_most_a_choice() -> None:
    assert held_back(ACCEPTED, PROVEN, "strict") == ACCEPTED
    assert held_back(ACCEPTED, MISSING, "research") == ACCEPTED
    assert held_back(ACCEPTED, MISSING, "strict") == Decision(False, "not_proven", 0.95, offered=True)
    written = replace(MISSING, population="written")
    assert held_back(ACCEPTED, written, "strict") == Decision(False, "written_not_proven", 0.95)
    refused = Decision(False, "low_similarity", 0.1)
    assert held_back(refused, MISSING, "strict") == refused


def test_the_prototype_is_there_for_comparison_and_a_policy_can_be_chosen() -> None:
    assert DecisionConfig().policy == "strict"
    assert DecisionConfig.prototype().policy == "research"
    assert DecisionConfig().under("research").policy == "research"
    assert DecisionConfig(policy="research").under(None).policy == "research"
    with pytest.raises(ConfigError, match="policy 'lax'; expected one of strict, research"):
        DecisionConfig().under("lax")
