"""What a stream keeps of its person: what was confirmed, within bounds, until another one comes."""

import asyncio

import numpy as np
import pytest

from made.signers import SignWorld
from signtalk.index.encoded import Encoded, padded_frames
from signtalk.recognition.recognizer import DecisionConfig, Recognizer
from signtalk.recognition.signer_fit import fit_signer
from signtalk.recognition.signer_prompts import next_sentences
from signtalk.recognition.signer_transform import SignerTransform
from signtalk.service.errors import RefusedError
from signtalk.service.stream_signer import (
    LEAST_SENTENCES,
    MOST_OPEN,
    SignerLesson,
    SignerTeacher,
    StreamSigner,
    named_sentences,
)

WORLD = SignWorld.made()
INDEX = WORLD.index()
RECOGNIZER = Recognizer(
    encoder=None,  # type: ignore[arg-type]
    index=INDEX, decision=DecisionConfig(translate=False), tokenizer=WORLD.tokenizer,
)  # fmt: skip
TEXTS = ["small tea", "tea small", "yes no"]
CLIPS = WORLD.own_way("small", "tea").encoded(TEXTS, WORLD)


@pytest.fixture
def any_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """A single sentence is enough."""
    monkeypatch.setattr("signtalk.service.stream_signer.LEAST_SENTENCES", 1)


def clip(number: int) -> Encoded:
    return CLIPS.select(np.array([number]))


def learned(lesson: SignerLesson) -> SignerTransform | None:
    """As a stream asks for it."""

    async def ask() -> SignerTransform | None:
        teacher = SignerTeacher(lambda: RECOGNIZER)
        signer = await teacher.learn(lesson, "stream 1")
        await teacher.close()
        return signer

    return asyncio.run(ask())


def known(most: int = 30, count: int = 3) -> StreamSigner:
    """A person of whom so many sentences are confirmed, and nothing is learned."""
    person = StreamSigner(most)
    for number in range(count):
        person.heard(number, clip(number), TEXTS)
        person.confirm(number, TEXTS[number])
    return person


@pytest.mark.usefixtures("any_count")
def test_what_was_confirmed_is_learned_as_it_is_from_a_file() -> None:
    person = known()
    lesson = person.lesson()
    assert lesson is not None
    assert lesson.texts == tuple(TEXTS)
    signer = learned(lesson)
    assert signer is not None
    expected = fit_signer(CLIPS, TEXTS, INDEX, WORLD.tokenizer)
    np.testing.assert_allclose(signer.frames, expected.frames, atol=1e-8)
    np.testing.assert_allclose(signer.words, expected.words, atol=1e-8)
    assert person.num_sentences == 0
    assert person.learned(lesson, signer)
    assert (person.signer, person.num_sentences) == (signer, 3)
    assert person.lesson() is None  # nothing new


@pytest.mark.usefixtures("any_count")
def test_padding_and_the_rest_of_a_batch_are_not_kept() -> None:
    padded = clip(2)
    names = ("projections", "memory", "memory_valid", "word_log_probs")
    longer = Encoded(
        padded.embeddings, attention_mean=padded.attention_mean,
        **{name: padded_frames(getattr(padded, name), 500) for name in names},
    )  # fmt: skip
    person = StreamSigner(30)
    person.heard(0, longer, TEXTS)
    person.confirm(0, TEXTS[2])
    lesson = person.lesson()
    assert lesson is not None
    (kept,) = lesson.clips
    assert kept.memory_valid.all()
    assert kept.memory.base is None
    assert kept.memory.shape[1] == padded.memory_valid.sum()


@pytest.mark.usefixtures("any_count")
def test_only_what_was_offered_counts() -> None:
    person = StreamSigner(30)
    with pytest.raises(RefusedError, match="segment 0"):
        person.confirm(0, TEXTS[0])
    person.heard(0, clip(0), TEXTS[:1])
    with pytest.raises(RefusedError) as refused:
        person.confirm(0, TEXTS[1])
    assert refused.value.code == "not_offered"
    assert person.lesson() is None
    person.confirm(0, TEXTS[0])
    assert person.lesson() is not None
    person.confirm(0, TEXTS[0])  # said twice
    assert person.lesson() is None


@pytest.mark.usefixtures("any_count")
def test_clips_of_one_sentence_count_once() -> None:
    person = StreamSigner(9)
    for number, text in enumerate((TEXTS[0], TEXTS[1], TEXTS[0])):
        person.heard(number, clip(TEXTS.index(text)), TEXTS)
        person.confirm(number, text)
    lesson = person.lesson()
    assert lesson is not None
    signer = learned(lesson)
    assert signer is not None and signer.num_clips == 3
    assert person.learned(lesson, signer)
    assert person.num_sentences == 2


@pytest.mark.usefixtures("any_count")
def test_the_last_word_counts_and_what_was_wrong_is_forgotten() -> None:
    person = known(count=2)
    lesson = person.lesson()
    assert lesson is not None
    person.learned(lesson, learned(lesson))
    person.confirm(0, TEXTS[2])
    corrected = person.lesson()
    assert corrected is not None
    assert corrected.texts == (TEXTS[1], TEXTS[2])
    person.confirm(0, "")
    left = person.lesson()
    assert left is not None
    assert left.texts == (TEXTS[1],)
    assert person.num_sentences == 2  # until the lesson is learned
    person.confirm(1, "")
    assert (person.signer, person.lesson()) == (None, None)
    assert not person.learned(left, None)


@pytest.mark.usefixtures("any_count")
def test_the_last_sentences_are_kept_and_few_that_nobody_confirmed() -> None:
    person = StreamSigner(2)
    for number in range(MOST_OPEN + 3):
        person.heard(number, clip(0), TEXTS)
    for number in (0, 1, 2):
        with pytest.raises(RefusedError):
            person.confirm(number, TEXTS[0])
    for number, text in zip((3, 4, 5), TEXTS, strict=True):
        person.confirm(number, text)
    lesson = person.lesson()
    assert lesson is not None
    assert lesson.texts == tuple(TEXTS[1:])


@pytest.mark.usefixtures("any_count")
def test_another_person_is_not_known_by_what_the_one_before_said() -> None:
    person = known()
    lesson = person.lesson()
    assert lesson is not None
    person.forget()
    assert not person.learned(lesson, learned(lesson))
    assert person.signer is None
    with pytest.raises(RefusedError):
        person.confirm(0, TEXTS[0])


def test_where_nothing_is_to_be_learned_nothing_is_kept() -> None:
    person = StreamSigner(0)
    person.heard(0, clip(0), TEXTS)
    with pytest.raises(RefusedError):
        person.confirm(0, TEXTS[0])


@pytest.mark.usefixtures("any_count")
def test_words_that_the_model_does_not_know_teach_nothing() -> None:
    person = StreamSigner(30)
    person.heard(0, clip(0), ["unheard of"])
    person.confirm(0, "unheard of")
    lesson = person.lesson()
    assert lesson is not None
    assert learned(lesson) is None
    assert person.learned(lesson, None)
    assert person.num_sentences == 0


def test_few_sentences_teach_nothing() -> None:
    person = StreamSigner(30)
    sentences = [*TEXTS, "no yes"]
    assert len(sentences) == LEAST_SENTENCES
    for number in range(6):
        person.heard(number, clip(0), sentences)
    for number, text in enumerate((*sentences[:3], sentences[0])):  # one of them twice
        person.confirm(number, text)
        assert person.lesson() is None
    person.confirm(4, sentences[3])
    lesson = person.lesson()
    assert lesson is not None
    assert len(lesson.texts) == 5
    assert person.learned(lesson, learned(lesson))
    person.confirm(4, "")
    assert (person.signer, person.lesson()) == (None, None)


def test_what_a_person_was_asked_for_counts_as_offered_until_another_comes() -> None:
    person = StreamSigner(30)
    person.asked(TEXTS)
    person.heard(0, clip(0), [])
    person.confirm(0, TEXTS[0])
    assert person.known_texts == TEXTS[:1]
    person.forget()
    person.heard(1, clip(0), [])
    with pytest.raises(RefusedError):
        person.confirm(1, TEXTS[0])


def test_the_teacher_asks_for_what_tells_most_by_the_names_of_the_index() -> None:
    async def ask() -> list[dict[str, str]]:
        teacher = SignerTeacher(lambda: RECOGNIZER)
        prompts = await teacher.prompts(TEXTS, 3, "stream 1")
        await teacher.close()
        return prompts

    prompts = asyncio.run(ask())
    assert [each["sentence"] for each in prompts] == list(next_sentences(INDEX, WORLD.tokenizer, TEXTS, 3))
    ids = {entry.sentence: entry.sentence_id for entry in INDEX.entries}
    assert [each["sentence_id"] for each in prompts] == [ids[each["sentence"]] for each in prompts]


def test_all_sentences_that_an_answer_names_were_offered() -> None:
    lines = [{"sentence": "a"}, {"sentence": "b"}]
    assert named_sentences({"candidates": lines, "choices": [{"sentence": "c"}], "text": "a translation"}) == {
        "a", "b", "c", "a translation",
    }  # fmt: skip
    assert named_sentences({"candidates": [], "choices": [], "text": None}) == set()
