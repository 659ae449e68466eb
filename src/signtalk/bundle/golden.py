"""Golden clips: made-up recordings that travel with a bundle, and the answers that it must give to them.

    make_golden_clips + Recognizer of the trained model -> golden_clips.json -> replay on any machine

They go the whole way from raw landmarks to the answer, so that another machine, another ONNX Runtime or another
implementation, such as a page in a browser, is compared in all of it. Nobody real is in them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from signtalk.errors import ArtifactError, ClipError
from signtalk.files import read_json, write_text
from signtalk.landmarks.clip import HOLISTIC, POSE_NAMES, LandmarkClip, checked_landmarks
from signtalk.recognition.answer import Answer
from signtalk.recognition.recognizer import Recognizer
from signtalk.synthetic.dataset import SyntheticConfig, generate_clips

GOLDEN_CLIPS_NAME = "golden_clips.json"
GOLDEN_CLIPS_VERSION = 1
GOLDEN_TOLERANCE = 1e-3
"""Largest difference to the golden answers; other processors round a little differently."""
_PLACES = 4
_MADE_UP = SyntheticConfig(
    num_sentences=3, near_misses=False, num_signers=3, clips_per_sentence=(1, 1), num_idle=1, difficulty=0.5,
    detector_errors=0.5,
)  # fmt: skip
_EVERY = 2
"""Every second frame is kept, which is enough to sign and halves the file."""
_SAME = ("outcome", "accepted", "reason", "sentence", "text", "text_source", "translation", "num_possible")
_NEAR = ("confidence", "motion_mean", "attention_mean", "translation_score", "translation_confidence")
_NEAR_IN_CANDIDATES = ("similarity", "raw_similarity", "proto_similarity", "dtw_score", "text_score")

Ranked = Sequence[tuple[str, float]]
"""Ids with their scores, best first."""


def make_golden_clips() -> dict[str, LandmarkClip]:
    """Made-up people who sign three sentences and rest once, by name, in numbers that JSON keeps exactly."""
    return {each.clip_id: _read_clip(_written_clip(each.clip)) for each in generate_clips(_MADE_UP)}


def write_golden_clips(path: Path, clips: dict[str, LandmarkClip], recognizer: Recognizer) -> None:
    """Write clips with the answers of a recognizer, atomically.

    Args:
        path: file to write.
        clips: by name.
        recognizer: whose answers are the expected ones.
    """
    answers = recognizer.recognize(list(clips.values()))
    content = {
        "format_version": GOLDEN_CLIPS_VERSION,
        "landmark_names": HOLISTIC.names,
        "clips": [
            {"name": name, **_written_clip(clip, 1), "answer": answer.to_dict()}
            for (name, clip), answer in zip(clips.items(), answers, strict=True)
        ],
    }
    write_text(path, json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":")) + "\n")


def read_golden_clips(path: Path) -> tuple[dict[str, LandmarkClip], list[dict[str, Any]]]:
    """The clips by name, and the answer to each as `Answer.to_dict` has it.

    Raises:
        ArtifactError: the file is missing, damaged or of another version.
    """
    content = read_json(path)
    version = content.get("format_version") if isinstance(content, dict) else None
    if version != GOLDEN_CLIPS_VERSION:
        raise ArtifactError(f"{path}: golden clips of format {version}; this SignTalk reads {GOLDEN_CLIPS_VERSION}")
    try:
        if tuple(content["landmark_names"]) != HOLISTIC.names:
            raise ValueError("other landmarks than a clip has")
        clips = {str(entry["name"]): _read_clip(entry) for entry in content["clips"]}
        return clips, [dict(entry["answer"]) for entry in content["clips"]]
    except (KeyError, TypeError, ValueError, ClipError) as error:
        raise ArtifactError(f"{path}: damaged ({error}); get the bundle again") from error


def replay_golden_clips(path: Path, recognizer: Recognizer) -> dict[str, float]:
    """Answer the clips of a file once more.

    Returns:
        The largest difference in each number of the answers.

    Raises:
        ArtifactError: the file is damaged, or an answer is another one.
    """
    clips, expected = read_golden_clips(path)
    worst: dict[str, float] = {}
    for (name, clip), wanted in zip(clips.items(), expected, strict=True):
        (answer,) = recognizer.recognize([clip])
        try:
            differences = compare_answers(wanted, answer)
        except (KeyError, TypeError) as error:
            raise ArtifactError(f"{path}: the answer to clip {name} is damaged ({error!r})") from error
        except ValueError as error:
            raise ArtifactError(f"{path}: clip {name}: {error}") from error
        worst = {key: max(value, worst.get(key, 0.0)) for key, value in differences.items()}
    return worst


def compare_answers(expected: dict[str, Any], answer: Answer) -> dict[str, float]:
    """The differences of an answer's numbers from those that were written down.

    Raises:
        ValueError: it says something else.
    """
    values = answer.to_dict()
    for name in _SAME:
        if values[name] != expected[name]:
            raise ValueError(f"{name} is {values[name]!r}; expected {expected[name]!r}")
    lists = [
        [(str(c["text_key"]), float(c["similarity"])) for c in part]
        for part in (expected["candidates"], values["candidates"])
    ]
    if not same_ranking(lists[0], lists[1], GOLDEN_TOLERANCE):
        raise ValueError(f"candidates {[name for name, _ in lists[1]]}; expected {[name for name, _ in lists[0]]}")
    by_key = {candidate["text_key"]: candidate for candidate in values["candidates"]}
    pairs = [(name, expected[name], values[name]) for name in _NEAR]
    for candidate in expected["candidates"]:
        other = by_key.get(candidate["text_key"], candidate)
        pairs += [(f"candidate_{name}", candidate[name], other[name]) for name in _NEAR_IN_CANDIDATES]
    worst: dict[str, float] = {}
    for name, wanted, got in pairs:
        if (wanted is None) != (got is None):
            raise ValueError(f"{name} is {got}; expected {wanted}")
        difference = 0.0 if wanted is None else abs(float(got) - float(wanted))
        worst[name] = max(worst.get(name, 0.0), difference)
    return worst


def same_ranking(expected: Ranked, actual: Ranked, tolerance: float) -> bool:
    """Whether two ranked lists are the same but for ties.

    Place by place the scores differ by no more than `tolerance`, and where another id stands than was expected, the
    scores of both in the expected list are that near; one that is not in that list ties with its last.

    Args:
        expected: (id, score) pairs, best first.
        actual: likewise.
        tolerance: largest difference of two scores that counts as a tie.
    """
    if len(expected) != len(actual):
        return False
    scores = dict(expected)
    for (name, score), (other, other_score) in zip(expected, actual, strict=True):
        if abs(score - other_score) > tolerance:
            return False
        if name != other and abs(scores.get(other, expected[-1][1]) - score) > tolerance:
            return False
    return True


def _written_clip(clip: LandmarkClip, every: int = _EVERY) -> dict[str, Any]:
    """Frames, points and coordinates as nested lists; what is missing is null."""
    frames = slice(None, None, every)
    return {
        "aspect": clip.aspect,
        "timestamps_s": np.round(clip.timestamps_s[frames], _PLACES).tolist(),
        "landmarks": [
            [None if point[0] != point[0] else point for point in frame] for frame in _rounded(clip.landmarks[frames])
        ],
        "visibility": [
            [None if score != score else score for score in frame] for frame in _rounded(clip.visibility[frames])
        ],
    }


def _rounded(values: npt.NDArray[np.floating]) -> Any:
    return np.round(values.astype(np.float64), _PLACES).tolist()


def _read_clip(entry: dict[str, Any]) -> LandmarkClip:
    unseen = [None, None, None]
    points = np.array([[point or unseen for point in frame] for frame in entry["landmarks"]], dtype=np.float32)
    aspect = entry["aspect"]
    return LandmarkClip(
        landmarks=checked_landmarks(points.reshape(-1, len(HOLISTIC.names), 3), "golden clip"),
        visibility=np.array(entry["visibility"], dtype=np.float32).reshape(-1, len(POSE_NAMES)),
        timestamps_s=np.array(entry["timestamps_s"], dtype=np.float64),
        aspect=None if aspect is None else float(aspect),
    )
