"""The person who signs to one stream: which of their sentences are known, and what was learned from those.

    answers --StreamSigner.heard--> clips --.confirm--> .lesson --SignerTeacher.learn--> .learned
    SignerTeacher.prompts -> sentences to ask for --StreamSigner.asked--> what may be confirmed, too

It is in memory alone, and forgotten with the person and with the stream. Clips are kept as the encoder of everybody
gives them, so what is learned never feeds on itself.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from signtalk.data.records import text_key
from signtalk.errors import DataError
from signtalk.index.encoded import Encoded, concatenate, valid_lengths
from signtalk.recognition.recognizer import Recognizer
from signtalk.recognition.signer_fit import fit_signer
from signtalk.recognition.signer_prompts import next_sentences
from signtalk.recognition.signer_transform import SignerTransform
from signtalk.service.errors import RefusedError
from signtalk.service.queue import QuestionQueue

MOST_OPEN = 8
"""Answers that may still be confirmed; a page has a few that wait."""
LEAST_SENTENCES = 4
"""Different sentences; what fewer tell cost answers of people who sign as all do (docs/signers.md)."""
NOT_OFFERED = "not_offered"
"""The code where something is confirmed that no answer offered."""


@dataclass(frozen=True, eq=False)
class SignerLesson:
    """What a person is learned from.

    Attributes:
        clips: of one clip each, as the encoder of everybody gives them.
        texts: what each says.
    """

    clips: tuple[Encoded, ...]
    texts: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class _Heard:
    """A clip that was answered, and the sentence that it proved to be; "" = nobody said so."""

    clip: Encoded
    offered: frozenset[str]
    text: str = ""


class StreamSigner:
    """One person before one stream.

    Attributes:
        signer: what is peculiar to them; None = nothing is known yet.
        most: see below.

    Args:
        most: sentences that are learned from, the last ones; 0 = nothing is kept or learned.
    """

    def __init__(self, most: int) -> None:
        self.signer: SignerTransform | None = None
        self.most = most
        self._heard: dict[int, _Heard] = {}
        self._asked: frozenset[str] = frozenset()
        self._lesson: SignerLesson | None = None
        self._changed = False
        self._num_sentences = 0

    @property
    def num_sentences(self) -> int:
        """From how many sentences the person is known now."""
        return self._num_sentences

    def heard(self, segment: int, clip: Encoded, offered: Collection[str]) -> None:
        """Keep a clip that was answered.

        Args:
            segment: its number.
            clip: the clip alone, as the encoder of everybody gives it.
            offered: all sentences that the answer names.
        """
        if self.most:
            self._heard[segment] = _Heard(_without_padding(clip), frozenset(offered))
            self._drop([number for number, each in self._heard.items() if not each.text], MOST_OPEN)

    def asked(self, sentences: Collection[str]) -> None:
        """The person was asked to sign these; whichever clip follows may be one of them."""
        self._asked = frozenset(sentences)

    def _drop(self, numbers: Sequence[int], most: int) -> None:
        for number in numbers[: max(len(numbers) - most, 0)]:
            del self._heard[number]

    def confirm(self, segment: int, text: str) -> None:
        """Somebody said which sentence an answered clip is; the last word counts.

        Args:
            segment: its number.
            text: one of those that were offered or asked for; "" = it is none of them after all.

        Raises:
            RefusedError: no such clip is kept, or nobody offered that sentence.
        """
        heard = self._heard.get(segment)
        if heard is None or (text and text not in heard.offered | self._asked):
            raise RefusedError(400, f"segment {segment}: no answer that is kept offered this", NOT_OFFERED)
        if text == heard.text:
            return
        del self._heard[segment]  # what was confirmed last is kept longest
        self._heard[segment] = replace(heard, text=text)
        self._drop([number for number, each in self._heard.items() if each.text], self.most)
        self._changed = True
        if len(set(self.known_texts)) < LEAST_SENTENCES:
            self._forget_learned()

    @property
    def _known(self) -> list[_Heard]:
        return [each for each in self._heard.values() if each.text]

    @property
    def known_texts(self) -> list[str]:
        """The sentences that were confirmed."""
        return [each.text for each in self._known]

    def lesson(self) -> SignerLesson | None:
        """What is to be learned now; None where that was asked for already."""
        if not self._changed:
            return None
        self._changed = False
        known = self._known
        self._lesson = SignerLesson(tuple(each.clip for each in known), tuple(each.text for each in known))
        return self._lesson

    def learned(self, lesson: SignerLesson, signer: SignerTransform | None) -> bool:
        """A lesson is learned: it counts from now on. False where it is of a person who has gone."""
        if lesson is not self._lesson:
            return False
        self.signer = signer
        different = len(set(lesson.texts))  # of one sentence there may be several clips
        self._num_sentences = 0 if signer is None else min(signer.num_clips, different)
        return True

    def forget(self) -> None:
        """Another person stands there."""
        self._heard.clear()
        self._asked = frozenset()
        self._forget_learned()

    def _forget_learned(self) -> None:
        self.signer, self._lesson, self._changed = None, None, False
        self._num_sentences = 0


def _without_padding(clip: Encoded) -> Encoded:
    """A copy of one clip alone, which holds no others of its batch in memory."""
    length = int(valid_lengths(clip.memory_valid).max(initial=0))
    names = ("projections", "memory", "memory_valid", "word_log_probs")
    return replace(clip, **{name: np.array(getattr(clip, name)[:, :length]) for name in names})


class SignerTeacher:
    """Learns the people of all streams, one at a time in a thread of its own, so that answers go on beside it.

    Args:
        recognizer: gives the one that answers now.
    """

    def __init__(self, recognizer: Callable[[], Recognizer]) -> None:
        self._recognizer = recognizer
        self._jobs = QuestionQueue[Callable[[], Any], Any](lambda jobs: [job() for job in jobs], max_batch=1)

    async def learn(self, lesson: SignerLesson, stream: str) -> SignerTransform | None:
        """What is peculiar to a person; None where the model knows nothing of what they said.

        Args:
            lesson: what they said.
            stream: name of the stream that asks.

        Raises:
            BusyError: too many wait.
            ClosedError: `close` was called.
        """
        signer: SignerTransform | None = await self._jobs.ask(lambda: _learned(lesson, self._recognizer()), stream)
        return signer

    async def prompts(self, signed: Sequence[str], limit: int, stream: str) -> list[dict[str, str]]:
        """Sentences to ask a person for, the one that tells most first: `sentence_id` and `sentence`.

        Args:
            signed: what they signed already.
            limit: at most so many.
            stream: name of the stream that asks.

        Raises:
            BusyError: too many wait.
            ClosedError: `close` was called.
        """
        sentences: list[dict[str, str]] = await self._jobs.ask(
            lambda: _prompts(self._recognizer(), signed, limit), stream
        )
        return sentences

    async def close(self) -> None:
        """Finish what was begun, take nothing more."""
        await self._jobs.close()


def _learned(lesson: SignerLesson, recognizer: Recognizer) -> SignerTransform | None:
    try:
        return fit_signer(concatenate(lesson.clips), lesson.texts, recognizer.index, recognizer.tokenizer)
    except DataError:  # nothing of it is known
        return None


def _prompts(recognizer: Recognizer, signed: Sequence[str], limit: int) -> list[dict[str, str]]:
    index = recognizer.index
    rows = dict(zip(index.groups.text_keys, index.groups.canonical_rows.tolist(), strict=True))
    sentences = next_sentences(index, recognizer.tokenizer, signed, limit)
    return [
        {"sentence_id": index.entries[rows[text_key(sentence)]].sentence_id, "sentence": sentence}
        for sentence in sentences
    ]


def named_sentences(answer: dict[str, Any]) -> set[str]:
    """All sentences that an answer names to a person."""
    listed = {each["sentence"] for name in ("candidates", "choices") for each in answer[name]}
    return listed | ({answer["text"]} if answer["text"] else set())
