"""Sets of made-up vectors and frames that are taught and asked, and a recognizer for them."""

import numpy as np

from signtalk.calibration.unseen_signs import TaughtSet
from signtalk.index.encoded import Encoded
from signtalk.index.index import SentenceIndex
from signtalk.landmarks.features import FeatureConfig
from signtalk.recognition.recognizer import DecisionConfig, Recognizer
from signtalk.recognition.scoring import ScoringConfig


class NoEncoder:
    """Lessons are of clips that are encoded already."""

    feature_config = FeatureConfig()

    def encode(self, features: np.ndarray, valid: np.ndarray) -> Encoded:
        raise AssertionError


SCORING = ScoringConfig(similarity_weight=0.4, prototype_weight=0.2, dtw_weight=0.4, text_weight=0)
RECOGNIZER = Recognizer(
    encoder=NoEncoder(), index=SentenceIndex.build((), (), "none"), decision=DecisionConfig(scoring=SCORING)
)


def taught(
    name: str, noise: float, seed: int, signs: int = 12, people: int = 4, frame_noise: float | None = None
) -> TaughtSet:
    """Clips whose vectors and frames are their sign's, under so much noise; None = frames under as much as vectors."""
    rng = np.random.default_rng(seed)
    labels = [f"{name} {sign}" for sign in range(signs) for _ in range(people)]
    who = [f"p{person}" for _ in range(signs) for person in range(people)]
    centres = rng.standard_normal((signs, 16)).astype(np.float32)
    courses = rng.standard_normal((signs, 6, 16)).astype(np.float32)
    place = np.repeat(np.arange(signs), people)
    embeddings = centres[place] + noise * rng.standard_normal((len(place), 16)).astype(np.float32)
    frame_noise = noise if frame_noise is None else frame_noise
    frames = courses[place] + frame_noise * rng.standard_normal((len(place), 6, 16)).astype(np.float32)
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    frames /= np.linalg.norm(frames, axis=2, keepdims=True)
    nothing = np.zeros((len(place), 6, 0), dtype=np.float32)
    valid = np.ones((len(place), 6), dtype=np.bool_)
    encoded = Encoded(embeddings, frames, nothing, valid, np.zeros(len(place), dtype=np.float32), nothing)
    return TaughtSet(name, encoded, tuple(labels), tuple(who), np.full(len(place), 2.0, dtype=np.float32))
