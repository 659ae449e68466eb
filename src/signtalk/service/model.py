"""What a service answers from: a bundle, and the personal index of sentences enrolled over it.

clips + what is asked --ServiceModel.answer--> one answer a question, as JSON values; safe from several threads
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from signtalk.bundle.bundle import Bundle
from signtalk.data.records import text_key
from signtalk.errors import ArtifactError, ClipError, ConfigError, DataError
from signtalk.files import without_fields
from signtalk.index.encoded import Encoded, concatenate
from signtalk.index.files import existing_folder
from signtalk.index.index import SentenceIndex
from signtalk.index.personal import LayeredIndex, ListedSentence, layer_exists, list_sentences, load_layer, takes_of
from signtalk.index.said import read_said, said_place, said_state
from signtalk.index.takes import Origin, Take, clip_path
from signtalk.index.text_search import NO_TEXT_ENCODER, search_clips
from signtalk.landmarks.clip import HOLISTIC, POSE_NAMES, LandmarkClip, load_clip, regular_timestamps
from signtalk.landmarks.features import ClipFeatures, extract_features
from signtalk.recognition.answer import AnsweredClips
from signtalk.recognition.enrolment import NewSentence, enroll
from signtalk.recognition.recognizer import Recognizer
from signtalk.recognition.said import remember
from signtalk.recognition.signer_transform import SignerTransform
from signtalk.service.films import SignFilms

_FILE_NAMES = ("video_file", "feature_path")  # of the machine that made the bundle; nobody else needs them
NO_PERSONAL = "this service has no personal index; it was started without --index"
_RANKED_FIELDS = ("rank", "similarity", "raw_similarity", "confidence", "dtw_score", "text_score")


@dataclass(frozen=True, eq=False)
class Question:
    """A clip to be recognised.

    Attributes:
        clip: what was signed.
        num_candidates: how many sentences the answer lists.
        sentence_id: a sentence of which the answer shall tell how near it was; "" = none.
        signer: what is peculiar to who signed it; None = nothing is known.
    """

    clip: LandmarkClip
    num_candidates: int = 5
    sentence_id: str = ""
    signer: SignerTransform | None = None


@dataclass(frozen=True, eq=False)
class Reply:
    """What a question is answered.

    Attributes:
        answer: as JSON values.
        encoded: the clip alone, as the encoder of everybody gives it, whoever signed it.
    """

    answer: dict[str, Any]
    encoded: Encoded


class ServiceModel:
    """One opened bundle.

    Attributes:
        bundle: it stays open as long as this is used.
        personal: folder of the personal index; None = nothing can be enrolled.
        keep_clips: whether the landmarks of what is enrolled with consent are kept.
        films: of people who sign sentences and agreed to be seen; None = there are none.
        writing: held by whoever changes that; the folder's own lock is between processes.

    Args:
        bundle: opened.
        personal: see above.
        keep_clips: see above.
        films: see above.
    """

    def __init__(
        self,
        bundle: Bundle,
        personal: Path | None = None,
        keep_clips: bool = False,
        films: SignFilms | None = None,
    ) -> None:
        self.bundle, self.personal, self.keep_clips, self.films = bundle, personal, keep_clips, films
        base = bundle.recognizer.index
        self._layered = None if personal is None else LayeredIndex(base, personal)
        self._current = bundle.recognizer
        self._listed: tuple[SentenceIndex, list[tuple[str, ListedSentence]]] | None = None
        self._takes: dict[str, Take] = {}
        self._said: tuple[tuple[int, ...] | None, dict[str, Take]] = (None, {})
        self.writing = threading.Lock()

    @property
    def recognizer(self) -> Recognizer:
        """Over both layers as they are now; the same object while nothing changes, for it keeps what it laid out.

        Raises:
            ArtifactError: the personal index is damaged or of another model.
        """
        if self._layered is not None:
            index = self._layered.current()
            if index is not self._current.index:
                self._current = self.bundle.recognizer.changed(index=index)
        return self._current

    def warm_up(self) -> None:
        """Answer a made-up clip, so that what is compiled or laid out at first is so before anybody asks.

        Raises:
            ArtifactError: signs or a graph of the bundle are damaged, or the personal index is, or is of another model.
        """
        _ = self.bundle.signs
        landmarks = np.full((8, len(HOLISTIC.names), 3), 0.5, dtype=np.float32)
        landmarks[:, HOLISTIC.positions(("left_shoulder",))] += 0.1
        visibility = np.ones((8, len(POSE_NAMES)), dtype=np.float32)
        self.answer([Question(LandmarkClip(landmarks, visibility, regular_timestamps(8, 25.0)))])

    def answer(self, questions: Sequence[Question]) -> list[Reply | ClipError]:
        """Answer questions together; a clip that cannot be used does not touch the others."""
        recognizer = self.recognizer
        features: dict[int, ClipFeatures] = {}
        results: dict[int, Reply | ClipError] = {}
        for place, question in enumerate(questions):
            try:
                features[place] = extract_features(question.clip, recognizer.encoder.feature_config)
            except ClipError as error:
                results[place] = error
        if features:
            usable = [questions[place] for place in features]
            replies = _replies(usable, list(features.values()), recognizer)
            results |= dict(zip(features, replies, strict=True))
        return [results[place] for place in range(len(questions))]

    def search(self, text: str, limit: int, categories: Sequence[str] = ()) -> dict[str, Any]:
        """The clips of that meaning, without names of files and of those who sign.

        Args:
            text: what the clips shall mean.
            limit: at most so many.
            categories: only these; empty = all.

        Raises:
            ConfigError: the model has no text encoder, the text holds no word, or no clip is of a category.
        """
        recognizer = self.recognizer
        if recognizer.text_space is None:
            raise ConfigError(NO_TEXT_ENCODER)
        hits = search_clips(recognizer.text_space, text, recognizer.index, limit, categories=categories)
        return {
            "hits": [without_fields(hit.to_dict(), *_FILE_NAMES, "signer_id") for hit in hits],
            "unknown_words": list(recognizer.text_space.unknown_words(text)),
        }

    def sentences(self, query: str, limit: int, offset: int, category: str | None = None) -> dict[str, Any]:
        """Those whose text holds every word of the query, in order of text.

        Args:
            query: words, in any order; empty = all sentences.
            limit: at most so many.
            offset: so many are skipped.
            category: of this one alone; None = of any, "" = those without one.
        """
        words = text_key(query).split()
        listed = [
            each
            for key, each in self._all_sentences()
            if all(word in key for word in words) and category in (None, each.category)
        ]
        page = [
            {
                "sentence_id": each.sentence_id,
                "sentence": each.sentence,
                "category": each.category,
                "num_clips": each.num_clips,
                "layer": each.layer,
                "has_sign": self.has_sign(each),
                "has_film": self.films is not None and self.films.of(each.sentence) is not None,
                "language": each.language,
                "num_kept": len(each.kept_clip_ids),
            }
            for each in listed[offset : offset + limit]
        ]
        return {"total": len(listed), "sentences": page}

    def categories(self) -> list[dict[str, Any]]:
        """The categories of all sentences with how many are in each, in order of their names; "" = of none."""
        counts = Counter(each.category for _, each in self._all_sentences())
        return [{"category": category, "sentences": count} for category, count in sorted(counts.items())]

    def _all_sentences(self) -> list[tuple[str, ListedSentence]]:
        """Every sentence with its key, laid out once an index: pages ask at every letter that is typed."""
        index = self.recognizer.index
        if self._listed is None or self._listed[0] is not index:
            layers, takes = {"base": self.bundle.recognizer.index}, dict[str, Take]()
            if self.personal is not None:
                layers["personal"] = load_layer(self.personal, index.encoder_id)
                takes = takes_of(self.personal)
            self._takes = takes
            self._listed = (index, [(text_key(each.sentence), each) for each in list_sentences(layers, takes)])
        return self._listed[1]

    def own_sentences(self) -> list[ListedSentence]:
        """Those of the personal index, in order of text."""
        return [each for _, each in self._all_sentences() if each.layer == "personal"]

    def takes(self) -> dict[str, Take]:
        """What is told of taught clips, by clip_id."""
        self._all_sentences()
        return self._takes

    def has_sign(self, sentence: ListedSentence) -> bool:
        """Whether there is a clip of a sentence to draw: in the bundle, or kept since it was taught."""
        signs = self.bundle.signs
        return bool(sentence.kept_clip_ids) or (signs is not None and sentence.sentence_id in signs)

    def sign(self, sentence_id: str) -> LandmarkClip | None:
        """A clip of the sentence to draw: the bundle's, else the one that was kept last; None where there is none."""
        clip = None if self.bundle.signs is None else self.bundle.signs.clip(sentence_id)
        if clip is not None:
            return clip
        kept = (each.kept_clip_ids for each in self.own_sentences() if each.sentence_id == sentence_id)
        return next((clip for ids in kept for clip_id in reversed(ids) if (clip := self.kept_clip(clip_id))), None)

    def film(self, sentence_id: str) -> Path | None:
        """A person who signs the sentence and agreed to be seen; None where nobody does."""
        if self.films is None:
            return None
        named = (each.sentence for _, each in self._all_sentences() if each.sentence_id == sentence_id)
        return next((path for sentence in named if (path := self.films.of(sentence))), None)

    def kept_clip(self, clip_id: str) -> LandmarkClip | None:
        """The landmarks of a taught clip; None where they are not kept."""
        if self.personal is None:
            return None
        if clip_id in self.said():
            path = clip_path(said_place(self.personal), clip_id)
        elif clip_id in self.takes():
            path = clip_path(existing_folder(self.personal), clip_id)
        else:
            return None
        try:
            return load_clip(path) if path.is_file() else None
        except ClipError:  # forgotten meanwhile, or damaged, which `signtalk carry` tells
            return None

    def enroll(self, sentence: NewSentence, clips: Sequence[LandmarkClip]) -> dict[str, Any]:
        """Enroll a sentence, today; the next question meets it. With consent the clips are kept.

        Raises:
            ClipError: a clip cannot be used, or is enrolled already.
            ConfigError: enrolment, or keeping clips, is not possible here.
        """
        if self.personal is None:
            raise ConfigError(NO_PERSONAL)
        if sentence.consent:
            self.keeping()
        sentence = replace(sentence, date=date.today().isoformat())
        named = {f"clip-{number}": clip for number, clip in enumerate(clips, 1)}
        with self.writing:  # the folder's own lock would be waited for in every thread
            enrolled = enroll(self.bundle.recognizer, self.personal, sentence, named)
        notes = [note for clip in clips for note in clip.notes]
        return replace(enrolled, warnings=(*enrolled.warnings, *notes)).to_dict()

    @contextmanager
    def changing(self, text: str) -> Iterator[Path]:
        """Yield the personal index, to change what was taught of a sentence; no error names a place of this machine.

        Args:
            text: the sentence.

        Raises:
            ConfigError: there is no personal index, or no such sentence was taught.
            ArtifactError: the index is damaged or of another model.
        """
        if self.personal is None:
            raise ConfigError(NO_PERSONAL)
        try:
            with self.writing:
                yield self.personal
        except DataError as error:
            raise ConfigError(f"no enrolled sentence '{text}'") from error
        except ArtifactError as error:
            if layer_exists(self.personal):
                raise
            raise ConfigError(f"no enrolled sentence '{text}'") from error

    def said(self) -> dict[str, Take]:
        """What was said and confirmed, by clip_id; read again where it was changed.

        Raises:
            ArtifactError: its table is damaged.
        """
        if self.personal is None:
            return {}
        state = said_state(self.personal)
        if state is None or state != self._said[0]:
            self._said = (state, read_said(self.personal))
        return self._said[1]

    def remember(self, sentence: NewSentence, origin: Origin, clip: LandmarkClip) -> Take:
        """Keep what was signed, today, under the sentence that the patient confirmed; it answers nothing by itself.

        Args:
            sentence: what was said, with consent to training.
            origin: "confirmed" or "corrected".
            clip: what was signed.

        Raises:
            ClipError: the clip shows no signing.
            ConfigError: nothing can be kept here, or the signer did not agree to training.
        """
        personal = self.keeping()
        sentence = replace(sentence, date=date.today().isoformat())
        with self.writing:
            return remember(self.recognizer, personal, sentence, origin, clip)

    def keeping(self) -> Path:
        """The personal index, beside which clips may be kept.

        Raises:
            ConfigError: there is none, or this service keeps no clips.
        """
        if self.personal is None:
            raise ConfigError(NO_PERSONAL)
        if not self.keep_clips:
            raise ConfigError("this service keeps no clips; it was started without --keep-clips")
        return self.personal


def _replies(questions: Sequence[Question], features: Sequence[ClipFeatures], recognizer: Recognizer) -> list[Reply]:
    """All encoded at once; then each clip is its signer's, as with `Recognizer.knowing`."""
    together = np.stack([each.features for each in features]), np.stack([each.valid for each in features])
    encoded = recognizer.encoder.encode(*together)
    alone = [encoded.select(np.array([query])) for query in range(len(questions))]
    own = [
        clip if question.signer is None else question.signer.applied(clip)
        for question, clip in zip(questions, alone, strict=True)
    ]
    motions = np.array([each.motion for each in features], dtype=np.float32)
    most = max(question.num_candidates for question in questions)
    answers = recognizer.answer(concatenate(own), motions, num_candidates=most)
    return [
        Reply(_answer_to(answers, query, question, recognizer), alone[query])
        for query, question in enumerate(questions)
    ]


def _answer_to(answers: AnsweredClips, query: int, question: Question, recognizer: Recognizer) -> dict[str, Any]:
    """The answer without names of files, and with the sentence that was asked for."""
    answer = answers.answers[query].to_dict()
    for name in ("candidates", "choices"):
        answer[name] = [
            without_fields(candidate, *_FILE_NAMES)
            for candidate in answer[name][: question.num_candidates if name == "candidates" else None]
        ]
    answer["asked"] = None
    if question.sentence_id:
        keys = {entry.sentence_id: entry.text_key for entry in recognizer.index.entries}
        key = keys.get(question.sentence_id)
        everything = answers.ranking.candidates(query, answers.ranking.classes.shape[1])
        for candidate in (each for each in everything if each.text_key == key):
            ranked = {name: getattr(candidate, name) for name in _RANKED_FIELDS}
            answer["asked"] = {"sentence_id": question.sentence_id, "sentence": candidate.sentence, **ranked}
    return answer
