"""Models by rule, and clips to teach them: what tests of kept clips, carrying and collections share."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from made.clips import made_clip, resting
from signtalk.index.encoded import Encoded
from signtalk.index.index import SentenceIndex, unit_rows
from signtalk.landmarks.clip import LandmarkClip
from signtalk.landmarks.features import FeatureConfig
from signtalk.recognition.enrolment import Enrolled, NewSentence, enroll
from signtalk.recognition.recognizer import DecisionConfig, Recognizer

FRAMES = 24


class RuleEncoder:
    """Reads the features through fixed random numbers: another seed is another model."""

    feature_config = FeatureConfig(num_frames=16)

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def encode(self, features, valid):
        rng = np.random.default_rng(self.seed)
        scale = features.shape[2] ** -0.5
        frames = np.where(valid[..., None], features, 0).astype(np.float32)
        projections = frames @ rng.normal(0, scale, (features.shape[2], 3)).astype(np.float32)
        path = frames.reshape(len(frames), -1)
        embeddings = unit_rows(path @ rng.normal(0, path.shape[1] ** -0.5, (path.shape[1], 8)).astype(np.float32))
        empty = np.zeros((*valid.shape, 0), dtype=np.float32)
        return Encoded(embeddings, projections, empty, valid, np.zeros(len(frames), dtype=np.float32), empty)


def ruled(seed: int, index: SentenceIndex | None = None) -> Recognizer:
    """A recogniser of the model `model-SEED`, with an empty index of its own."""
    empty = SentenceIndex.build((), (), f"model-{seed}")
    return Recognizer(
        encoder=RuleEncoder(seed), index=empty if index is None else index, decision=DecisionConfig(translate=False)
    )


def signed(number: int) -> LandmarkClip:
    """A clip that a number names: the right hand goes a way of its own."""
    rng = np.random.default_rng(number)
    way = np.cumsum(rng.normal(0, 0.03, (FRAMES, 2)), axis=0)
    return made_clip(resting(FRAMES, "left"), np.clip(np.array([0.4, 0.45]) + way, 0.2, 0.7))


def teach(recognizer: Recognizer, folder: Path, *numbers: int, text: str = "", **told: str) -> Enrolled:
    """Enroll the clips of these numbers as one sentence; they are kept where `consent` is told."""
    sentence = NewSentence(text or f"Sentence number {numbers[0]}", "numbers", "s09", **told)
    return enroll(recognizer, folder, sentence, {f"n{number}.npz": signed(number) for number in numbers})


def same_landmarks(one: LandmarkClip, other: LandmarkClip) -> bool:
    """Whether two clips are one, number by number."""
    pairs = [(clip.landmarks, clip.visibility, clip.timestamps_s) for clip in (one, other)]
    return all(np.array_equal(a, b, equal_nan=True) for a, b in zip(*pairs, strict=True)) and one.aspect == other.aspect
