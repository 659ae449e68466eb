"""Made-up recordings of made-up signers: a small data set that behaves like a real one, for demo and tests.

    SyntheticConfig -> plan_clips -> render_clip -> SyntheticClip -> write_dataset -> a data folder

Signs flow into each other, signers differ in body, place, tempo, handedness, camera and in some of their
signs, the detector errs. All of it follows from (config, clip name), so any clip can be made alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import BaseModel, Field, ValidationError, model_validator

from signtalk.data.manifest import ClipRecord, describe_clip, write_manifest
from signtalk.data.records import CLIPS_FOLDER, Progress
from signtalk.errors import ArtifactError, ClipError, DataError
from signtalk.files import load_array, read_json, save_array, write_json
from signtalk.landmarks.clip import LandmarkClip, load_clip, regular_timestamps, save_clip
from signtalk.landmarks.legacy_rows import from_prototype_rows, to_prototype_rows
from signtalk.synthetic.body import Motion, pose_body
from signtalk.synthetic.camera import project, track
from signtalk.synthetic.drawn_language import LEAST_SIGNS, MOST_SIGNS, drawn_lexicon, drawn_sentences, own_form
from signtalk.synthetic.lexicon import Sentence, Sign, distinct_sentences, sentences
from signtalk.synthetic.resting import rest
from signtalk.synthetic.signers import SIGNER_LETTERS, Habits, Signer, generator, make_signer
from signtalk.synthetic.signing import perform, perform_signs

SETTINGS_NAME = "synthetic.json"
IDLE_CATEGORY = "Idle"
Form = Literal["clips", "prototype"]
Act = Callable[[Signer, float, np.random.Generator], Motion]
"""Signer, frames a second and chance to a motion."""
_FPS = (24.0, 25.0, 30.0)


class SyntheticConfig(BaseModel, frozen=True, extra="forbid"):
    """What to make up.

    Attributes:
        num_sentences: how many sentences of the lexicon.
        drawn_signs: 0 takes the lexicon; else the seed draws a language of so many signs, and its sentences do not end.
        near_misses: take the sentences as they come, many of which differ in one sign; False takes only those
            that differ in two or more from every one before.
        first_sentence: how many of them to pass over. What lies outside the part that a model was
            trained on are unknown sentences to it, signed by the same people.
        num_signers: how many people, from A on; B is left-handed.
        clips_per_sentence: least and most people who sign a sentence, once each.
        num_idle: clips in which a person rests, fidgets or looks around and signs nothing.
        seed: another seed, other people and other recordings.
        difficulty: scales all that differs between people; 0 makes everyone the same right-handed
            person before the same camera.
        variant_share: share of signs that a person makes in another way than most, at difficulty 1.
        detector_errors: scales shaking, lost and confused hands.
    """

    num_sentences: int = Field(default=120, ge=1)
    drawn_signs: int = Field(default=0, ge=0, le=MOST_SIGNS)
    near_misses: bool = True
    first_sentence: int = Field(default=0, ge=0)
    num_signers: int = Field(default=5, ge=1, le=len(SIGNER_LETTERS))
    clips_per_sentence: tuple[int, int] = (2, 3)
    num_idle: int = Field(default=20, ge=0)
    seed: int = Field(default=0, ge=0)
    difficulty: float = Field(default=1.0, ge=0, le=3)
    variant_share: float = Field(default=0.15, ge=0, le=0.6)
    detector_errors: float = Field(default=1.0, ge=0, le=5)

    @property
    def sentences(self) -> tuple[Sentence, ...]:
        """The sentences that `num_sentences` are taken of, in their order."""
        if self.drawn_signs:
            last = self.first_sentence + self.num_sentences
            return drawn_sentences(self.seed, self.drawn_signs, last, self.near_misses)
        return sentences() if self.near_misses else distinct_sentences()

    @model_validator(mode="after")
    def _check(self) -> SyntheticConfig:
        if 0 < self.drawn_signs < LEAST_SIGNS:
            raise ValueError(f"drawn_signs {self.drawn_signs}; expected 0 or {LEAST_SIGNS} to {MOST_SIGNS}")
        last = self.first_sentence + self.num_sentences
        if not self.drawn_signs and last > (available := len(self.sentences)):
            raise ValueError(f"first_sentence + num_sentences is {last}; there are {available} sentences")
        low, high = self.clips_per_sentence
        if not 1 <= low <= high <= self.num_signers:
            raise ValueError(f"clips_per_sentence {low}, {high}; expected 1 <= least <= most <= num_signers")
        return self


@dataclass(frozen=True)
class SyntheticClip:
    """One made-up recording and all that is known about it.

    Attributes:
        clip: the landmarks as a detector gave them.
        clip_id: sentence_id and the signer's letter.
        sentence_id: number of the sentence; "idle" and a number for an idle clip.
        sentence: canonical text; "" for an idle clip.
        category: part of health care.
        variations: paraphrases, the sentence first; empty for an idle clip.
        signer_id: a letter.
        is_idle: nothing is signed.
        glosses: the signs in order; empty for an idle clip.
    """

    clip: LandmarkClip
    clip_id: str
    sentence_id: str
    sentence: str
    category: str
    variations: tuple[str, ...]
    signer_id: str
    is_idle: bool
    glosses: tuple[str, ...]


@dataclass(frozen=True)
class PlannedClip:
    """Who signs what; a sentence without glosses is an idle clip."""

    sentence: Sentence
    signer_id: str

    @property
    def clip_id(self) -> str:
        """Sentence and signer, as in `12A`."""
        return self.sentence.sentence_id + self.signer_id


def plan_clips(config: SyntheticConfig) -> tuple[PlannedClip, ...]:
    """Every clip of the data set in its order, without rendering any.

    Who signs a sentence depends on seed and sentence alone, so a larger data set holds a smaller one.
    """
    letters = SIGNER_LETTERS[: config.num_signers]
    planned = []
    for sentence in config.sentences[config.first_sentence :][: config.num_sentences]:
        rng = generator(config.seed, "who signs", sentence.sentence_id)
        count = rng.integers(config.clips_per_sentence[0], config.clips_per_sentence[1] + 1)
        chosen = sorted(rng.permutation(len(letters))[:count])
        planned += [PlannedClip(sentence, letters[i]) for i in chosen]
    for i in range(config.num_idle):
        idle = Sentence(f"idle{i + 1}", IDLE_CATEGORY, (), ())
        planned.append(PlannedClip(idle, letters[i % len(letters)]))
    return tuple(planned)


def render_clip(config: SyntheticConfig, planned: PlannedClip) -> SyntheticClip:
    """Make one clip; the same config and plan always give the same landmarks."""
    sentence = planned.sentence

    def act(signer: Signer, fps: float, rng: np.random.Generator) -> Motion:
        if sentence.glosses and config.drawn_signs:
            return perform_signs(signer, _drawn(config, signer.signer_id, sentence.glosses), fps, rng)
        if sentence.glosses:
            return perform(signer, sentence.glosses, fps, rng)
        return rest(signer, 3 + 4 * rng.random(), fps, rng)

    return SyntheticClip(
        clip=film(config, planned.signer_id, planned.clip_id, act),
        clip_id=planned.clip_id,
        sentence_id=sentence.sentence_id,
        sentence=next(iter(sentence.variations), ""),
        category=sentence.category,
        variations=sentence.variations,
        signer_id=planned.signer_id,
        is_idle=not sentence.glosses,
        glosses=sentence.glosses,
    )


def film(config: SyntheticConfig, signer_id: str, clip_id: str, act: Act) -> LandmarkClip:
    """What a person of the data set does, as their camera and the detector give it; chance follows from `clip_id`.

    Args:
        config: of the data set.
        signer_id: letter of the person.
        clip_id: seed of the chance.
        act: what the person does.
    """
    signer = _signer(config.seed, signer_id, config.difficulty, config.variant_share, config.detector_errors)
    rng = generator(config.seed, "clip", clip_id)
    fps = _frame_rate(config.seed, clip_id)
    motion = act(signer, fps, rng)
    camera = signer.camera_today(rng)
    image = project(pose_body(signer.body, motion), camera)
    landmarks, visibility = track(image, camera, signer.tracker, fps, rng)
    return LandmarkClip(landmarks, visibility, regular_timestamps(len(landmarks), fps), camera.aspect)


def generate_clips(config: SyntheticConfig) -> Iterator[SyntheticClip]:
    """All clips of the data set, one at a time, in the order of `plan_clips`."""
    return (render_clip(config, planned) for planned in plan_clips(config))


def _drawn(config: SyntheticConfig, signer_id: str, glosses: tuple[str, ...]) -> list[Sign]:
    """Signs of a drawn language as a person makes them."""
    lexicon, share = drawn_lexicon(config.seed, config.drawn_signs), min(config.variant_share * config.difficulty, 0.6)
    return [own_form(lexicon[gloss], config.seed, signer_id, share) for gloss in glosses]


@lru_cache(maxsize=64)
def _signer(seed: int, signer_id: str, difficulty: float, variant_share: float, detector_errors: float) -> Signer:
    return make_signer(seed, signer_id, Habits(difficulty, variant_share, detector_errors))


def _frame_rate(seed: int, clip_id: str) -> float:
    """Frames a second of a recording; of its own chance, because a `.npy` file does not tell it."""
    return _FPS[generator(seed, "frame rate", clip_id).integers(len(_FPS))]


def write_dataset(
    folder: Path,
    config: SyntheticConfig,
    form: Form = "clips",
    progress: Progress | None = None,
) -> Path:
    """Write the data set as a data folder, one that `manifest.load_manifest` reads.

    An interrupted run goes on where it stopped: clips that are there are not rendered again.

    Args:
        folder: where; made when missing. It may hold nothing but an earlier run with the same settings.
        config: what to make up.
        form: "clips" writes SignTalk's containers, "prototype" files of 540 smoothed columns.
        progress: called with (clips done, clips in all) after each clip.

    Returns:
        The path of the table.

    Raises:
        DataError: the folder holds another data set, or cannot be written.
    """
    _claim(folder, {"form": form, **config.model_dump(mode="json")})
    planned = plan_clips(config)
    records = []
    for i, plan in enumerate(planned, 1):
        records.append(_write_clip(folder.absolute(), config, plan, form))
        if progress is not None:
            progress(i, len(planned))
    return write_manifest(folder, records)


def read_settings(folder: Path) -> tuple[SyntheticConfig, Form] | None:
    """What a data folder was made up with; None for one that was not made up.

    Raises:
        ArtifactError: its settings are damaged.
    """
    path = folder / SETTINGS_NAME
    if not path.is_file():
        return None
    try:
        settings = dict(read_json(path))
        form: Form = "prototype" if settings.pop("form") == "prototype" else "clips"
        return SyntheticConfig.model_validate(settings), form
    except (KeyError, TypeError, ValueError, ValidationError) as error:
        raise ArtifactError(f"{path}: not the settings of made-up clips; make them again, or remove it") from error


def _claim(folder: Path, settings: dict[str, object]) -> None:
    """Leave the settings in the folder, or refuse a folder that was made with others."""
    path = folder / SETTINGS_NAME
    if path.exists():
        earlier = read_json(path)
        defaults = SyntheticConfig().model_dump(mode="json")  # what a folder means that was made before a setting came
        earlier = defaults | earlier if isinstance(earlier, dict) else {}
        if earlier != settings:
            names = [name for name in settings if earlier.get(name) != settings[name]]
            raise DataError(f"{path}: made with other settings ({', '.join(names)}); choose another folder")
    elif folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise DataError(f"{folder}: not empty and no {SETTINGS_NAME} in it; choose an empty or a new folder")
    else:
        write_json(path, settings)


def _write_clip(folder: Path, config: SyntheticConfig, plan: PlannedClip, form: Form) -> ClipRecord:
    """Write one clip unless it is there, and describe it."""
    path = folder / CLIPS_FOLDER / f"{plan.clip_id}{'.npz' if form == 'clips' else '.npy'}"
    fps = _frame_rate(config.seed, plan.clip_id)
    clip = _written(path, fps)
    if clip is None:
        rendered = render_clip(config, plan).clip
        if form == "clips":
            save_clip(path, rendered)
        else:
            save_array(path, to_prototype_rows(rendered))
        clip = _written(path, fps)
        assert clip is not None
    numbers = describe_clip(clip)
    sentence = plan.sentence
    return ClipRecord(
        clip_id=plan.clip_id,
        video_file=f"{plan.clip_id}.mp4",
        feature_path=path,
        sentence_id=sentence.sentence_id,
        sentence=next(iter(sentence.variations), ""),
        category=sentence.category,
        signer_id=plan.signer_id,
        variations=sentence.variations,
        num_frames=numbers.num_frames,
        fps=fps,
        motion_mean=numbers.motion_mean,
        motion_p95=numbers.motion_p95,
        mean_visibility=numbers.mean_visibility,
        is_idle=not sentence.glosses,
        session="",
        detection_ratio=numbers.detection_ratio,
        motion_p50=numbers.motion_p50,
        motion_max=numbers.motion_max,
    )


def _written(path: Path, fps: float) -> LandmarkClip | None:
    """The clip as it lies in the folder; None when it is not there or is damaged and must be made again."""
    if not path.exists():
        return None
    try:
        if path.suffix.lower() == ".npz":
            return load_clip(path)
        return from_prototype_rows(load_array(path), fps=fps, where=str(path))
    except (ArtifactError, ClipError):
        return None
