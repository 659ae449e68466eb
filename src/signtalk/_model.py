"""An opened model: what it answers to clips, and what it learns without training.

clips of any format -> Model -> Answer, Answers, Enrolled, Hit, embeddings
frames of a camera -> Stream -> Answer, as each sentence ends
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, overload

import numpy as np

from signtalk._answers import Answers, Stream
from signtalk.arrays import FloatArray
from signtalk.bundle.bundle import Bundle, verify_bundle
from signtalk.calibration.calibrate import CalibrationConfig
from signtalk.calibration.local import Calibrated, calibrate_locally
from signtalk.data.manifest import Problem, load_manifest
from signtalk.errors import ArtifactError, ClipError, ConfigError
from signtalk.extraction.reader import ClipReader, clips_in_folder
from signtalk.files import sha256_text
from signtalk.index.index import SentenceIndex
from signtalk.index.personal import LayeredIndex, ListedSentence, forget, layer_exists, list_sentences
from signtalk.index.references import Hit
from signtalk.index.text_search import NO_TEXT_ENCODER, TextSpace, search_clips
from signtalk.landmarks.clip import LandmarkClip
from signtalk.landmarks.features import ClipFeatures, FeatureConfig, extract_features
from signtalk.landmarks.plausible import checked_clip
from signtalk.recognition.answer import Answer
from signtalk.recognition.enrolment import Enrolled, NewSentence, enroll
from signtalk.recognition.recognizer import Recognizer
from signtalk.segmentation.segmenter import SegmenterSettings

if TYPE_CHECKING:
    from signtalk.training.run import RunFolder

PathLike = str | os.PathLike[str]
ClipLike = str | os.PathLike[str] | LandmarkClip

_CLIPS_AT_ONCE = 64


class Model:
    """A trained model with its references, opened by `load`. Close it, or use it in a `with` block.

    Attributes:
        path: the bundle or run folder that it was opened from.
        personal: the folder of what was enrolled; None before anything was, unless `load` was given one.
    """

    def __init__(self, path: Path, recognizer: Recognizer, opened: ExitStack, source: Bundle | RunFolder) -> None:
        self.path = path
        self.bundle = source if isinstance(source, Bundle) else None
        self.run = None if isinstance(source, Bundle) else source
        self.personal: Path | None = None
        self._base, self._opened = recognizer, opened
        self._layers: LayeredIndex | None = None
        self._answering = recognizer

    def __repr__(self) -> str:
        index = self.recognizer.index
        clips = int((~index.written).sum())
        return f"<signtalk.Model '{self.path}': {len(index.sentences)} sentences, {clips} clips>"

    def __enter__(self) -> Model:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Free what was opened; sentences enrolled without a folder of their own are gone."""
        self._opened.close()

    @property
    def recognizer(self) -> Recognizer:
        """What answers, over its own references and what is enrolled now."""
        if self._layers is not None and (index := self._layers.current()) is not self._answering.index:
            self._answering = self._base.changed(index=index)
        return self._answering

    @property
    def feature_config(self) -> FeatureConfig:
        """How its features are made."""
        return self._base.encoder.feature_config

    @property
    def sentences(self) -> tuple[ListedSentence, ...]:
        """Its own sentences, then what was enrolled, each with its clips, signers and category."""
        layers = {"base": self._base.index}
        if self.personal is not None and layer_exists(self.personal):
            layers["personal"] = SentenceIndex.load(self.personal, self._base.index.encoder_id)
        return list_sentences(layers)

    @overload
    def recognize(  # type: ignore[overload-overlap]  # a str is no sequence of clips
        self,
        clips: ClipLike,
        *,
        num_candidates: int = 5,
        strict: bool = True,
        fps: float = 30.0,
        smoothing_alpha: float = 0.2,
    ) -> Answer: ...
    @overload
    def recognize(
        self,
        clips: Sequence[ClipLike],
        *,
        num_candidates: int = 5,
        strict: bool = True,
        fps: float = 30.0,
        smoothing_alpha: float = 0.2,
    ) -> Answers: ...

    def recognize(
        self,
        clips: ClipLike | Sequence[ClipLike],
        *,
        num_candidates: int = 5,
        strict: bool = True,
        fps: float = 30.0,
        smoothing_alpha: float = 0.2,
    ) -> Answer | Answers:
        """Recognise one clip or many.

        Args:
            clips: a file of any format that SignTalk reads, a `Clip`, or several of them; a folder of such files is
                several, unless it is one `MP_Data` recording.
            num_candidates: how many sentences an answer lists.
            strict: stop at the first clip that cannot be used; otherwise its answer is None and `left_out` says why.
            fps: frame rate of `.npy` files, which do not know theirs.
            smoothing_alpha: weight of the new frame in the smoothing of `.npy` files; 1 = not smoothed.

        Returns:
            An `Answer` to one clip, `Answers` to several.

        Raises:
            ClipError: a clip cannot be used.
            MissingExtraError: a format needs a package that is not installed.
        """
        alone = isinstance(clips, str | os.PathLike | LandmarkClip) and not _is_folder_of_clips(clips)
        wanted = _listed(clips)
        answers: list[Answer | None] = []
        problems: list[Problem] = []
        notes: list[str] = []
        with ClipReader(fps=fps, smoothing_alpha=smoothing_alpha) as reader:
            for start in range(0, len(wanted), _CLIPS_AT_ONCE):
                block = wanted[start : start + _CLIPS_AT_ONCE]
                prepared = [self._prepared(reader, name, clip, strict, problems, notes) for name, clip in block]
                usable = [clip for clip in prepared if clip is not None]
                replies = iter(self._answers(usable, num_candidates))
                answers += [None if clip is None else next(replies) for clip in prepared]
        if alone:
            (answer,) = answers
            assert answer is not None, "one clip is read strictly"
            return answer
        return Answers(tuple(name for name, _ in wanted), tuple(answers), tuple(problems), tuple(notes))

    def embed(
        self, clips: ClipLike | Sequence[ClipLike], *, fps: float = 30.0, smoothing_alpha: float = 0.2
    ) -> FloatArray:
        """Embeddings, whose dot product is the likeness of two clips.

        Args:
            clips: as `recognize` takes them.
            fps: frame rate of `.npy` files.
            smoothing_alpha: smoothing of `.npy` files.

        Returns:
            (D,) float32 of unit length for one clip, (N, D) for N of them.

        Raises:
            ClipError: a clip cannot be used.
        """
        alone = isinstance(clips, str | os.PathLike | LandmarkClip) and not _is_folder_of_clips(clips)
        wanted = _listed(clips)
        rows = []
        with ClipReader(fps=fps, smoothing_alpha=smoothing_alpha) as reader:
            for start in range(0, len(wanted), _CLIPS_AT_ONCE):
                block = wanted[start : start + _CLIPS_AT_ONCE]
                made = [self._prepared(reader, name, clip, strict=True) for name, clip in block]
                stacked = np.stack([clip.features for clip in made if clip]), np.stack([c.valid for c in made if c])
                rows.append(self._base.encoder.encode(*stacked).embeddings)
        embeddings = np.concatenate(rows).astype(np.float32)
        return embeddings[0] if alone else embeddings

    def search(
        self, text: str, limit: int = 5, *, categories: Sequence[str] = (), signers: Sequence[str] = ()
    ) -> tuple[Hit, ...]:
        """The indexed clips that mean a text, nearest first; a sentence with just these words comes before all others.

        Args:
            text: what the clips shall mean, in your own words.
            limit: how many, at least 1.
            categories: only clips of these categories; empty = all.
            signers: only clips of these signers; empty = all.

        Raises:
            ArtifactError: the model has no text encoder.
            ConfigError: no clip has such a category or signer.
        """
        own = self.recognizer
        return search_clips(
            self._text_space, text, own.index, limit, further=own.source, categories=categories, signers=signers
        )

    def unknown_words(self, text: str) -> tuple[str, ...]:
        """Words of a text that the model never learned, which `search` cannot look for."""
        return tuple(self._text_space.unknown_words(text))

    @property
    def _text_space(self) -> TextSpace:
        if self._base.text_space is None:
            raise ArtifactError(f"{self.path}: {NO_TEXT_ENCODER}")
        return self._base.text_space

    def enroll(
        self,
        text: str,
        clips: ClipLike | Sequence[ClipLike],
        *,
        signer: str = "",
        category: str = "",
        strict: bool = False,
        fps: float = 30.0,
        smoothing_alpha: float = 0.2,
    ) -> Enrolled:
        """Teach a sentence from one to three clips, usable in the next query; nothing is trained.

        What is taught lies in the folder that `load(..., index=FOLDER)` named; without one it is gone with `close`.

        Args:
            text: what the clips say; a sentence that is known gets further clips.
            clips: as `recognize` takes them.
            signer: who signs.
            category: of the sentence.
            strict: what would be a warning is an error, and nothing is enrolled.
            fps: frame rate of `.npy` files.
            smoothing_alpha: smoothing of `.npy` files.

        Raises:
            ClipError: a clip cannot be used, or is enrolled already.
            ConfigError: the text holds no word, or two clips have one name.
            DataError: `strict`, and there is a warning; or the folder cannot be written.
        """
        sentence = NewSentence(text, category, signer)
        named: dict[str, LandmarkClip] = {}
        with ClipReader(fps=fps, smoothing_alpha=smoothing_alpha) as reader:
            for name, clip in _listed(clips):
                read = clip if isinstance(clip, LandmarkClip) else reader.read(clip)
                own = _name_of(read) if isinstance(clip, LandmarkClip) else Path(name).name
                if own in named:
                    raise ConfigError(
                        f"two clips of the same file name, {own}; give each clip once, under a name of its own"
                    )
                named[own] = checked_clip(read, own)
        enrolled = enroll(self._base, self._own_folder(), sentence, named, strict)
        notes = dict.fromkeys(note for read in named.values() for note in read.notes)
        return replace(enrolled, warnings=(*enrolled.warnings, *notes))

    def forget(self, *texts: str, clip_ids: Sequence[str] = ()) -> tuple[str, ...]:
        """Take taught sentences, or single clips, out again; all that are named or, at an error, none.

        Returns:
            The sentences that lost clips.

        Raises:
            ConfigError: nothing is named.
            DataError: nothing of that name was taught.
        """
        if not texts and not clip_ids:
            raise ConfigError("nothing to forget; name a sentence, or clips by their ids")
        gone = forget(self._own_folder(), texts, clip_ids, self._base.index.encoder_id)
        return tuple(dict.fromkeys(entry.sentence for entry in gone))

    def calibrate(
        self,
        data: PathLike,
        *,
        precision: float = 0.98,
        unknown_share: float = 0.3,
        coverage: float = 0.9,
        choice_precision: float = 0.9,
    ) -> Calibrated:
        """Fit the gate anew; nothing is written, and this model answers as before.

        Args:
            data: the data folder that a run was trained on, whose validation clips are asked; or a folder of other
                clips, such as a handful recorded before another camera.
            precision: what part of the accepted answers shall be right.
            unknown_share: what part of the clips asked shows a sentence that is not indexed.
            coverage: what part of the candidate sets shall hold the right sentence.
            choice_precision: what part of the offered choices shall hold it.

        Returns:
            What to decide with, the figures of the fit, and clips left out. `load(..., calibration=FILE)` uses it once
            `signtalk calibrate` or `write_decision` has written it.

        Raises:
            DataError: other clips are too few, or some of them belong to the model's own data.
        """
        config = CalibrationConfig(
            precision=precision, unknown_share=unknown_share, coverage=coverage, choice_precision=choice_precision
        )
        manifest = load_manifest(Path(data))
        if self.run is not None and self.personal is None:
            from signtalk.training.run import calibrate_run

            return calibrate_run(self.run, manifest, config)
        used = () if self.run is None else tuple(self.run.roles())
        return calibrate_locally(self.recognizer, manifest, config, used)

    def stream(self, *, settings: SegmenterSettings | None = None, aspect: float | None = None) -> Stream:
        """A stream of landmarks whose sentences are answered as they end.

        Args:
            settings: of the segmenter; the shipped ones by default.
            aspect: image width over height; None when it is not known.
        """
        return Stream(self.recognize, settings, aspect)

    def verify(self) -> dict[str, float]:
        """Check a bundle's hashes and replay its golden clips; the largest differences that were found.

        Raises:
            ArtifactError: the bundle is damaged, or answers otherwise than when it was exported.
            ConfigError: this is a run folder, which has no golden clips.
        """
        if self.bundle is None:
            raise ConfigError(f"{self.path}: a run has no golden clips to replay; export it first")
        return verify_bundle(self.path)

    def _prepared(
        self,
        reader: ClipReader,
        name: str,
        clip: ClipLike,
        strict: bool,
        problems: list[Problem] | None = None,
        notes: list[str] | None = None,
    ) -> ClipFeatures | None:
        """The features of a clip, and notes on its file; None, and a problem more, for one that cannot be used."""
        try:
            read = checked_clip(clip if isinstance(clip, LandmarkClip) else reader.read(clip), name)
            if notes is not None:
                notes.extend(read.notes)
            return extract_features(read, self.feature_config)
        except ClipError as error:
            message = str(error) if name in str(error) else f"{name}: {error}"
            if strict or problems is None:
                raise ClipError(message) from error
            problems.append(Problem(name, "bad_clip", message))
            return None

    def _answers(self, prepared: Sequence[ClipFeatures], num_candidates: int) -> tuple[Answer, ...]:
        return self.recognizer.answer_features(prepared, num_candidates).answers if prepared else ()

    def _own_folder(self) -> Path:
        """The folder of what is enrolled; one that is gone with `close` where none was given."""
        if self.personal is None:
            temporary = self._opened.enter_context(tempfile.TemporaryDirectory(prefix="signtalk-taught-"))
            self._use(Path(temporary) / "index")
            assert self.personal is not None
        return self.personal

    def _use(self, folder: Path) -> None:
        self.personal, self._layers = folder, LayeredIndex(self._base.index, folder)


def _is_folder_of_clips(clip: ClipLike) -> bool:
    return not isinstance(clip, LandmarkClip) and Path(clip).is_dir() and bool(clips_in_folder(Path(clip)))


def _listed(clips: ClipLike | Sequence[ClipLike]) -> list[tuple[str, ClipLike]]:
    """Clips with the names by which they are told."""
    if isinstance(clips, str | os.PathLike):
        clips = list(clips_in_folder(Path(clips))) or [clips] if Path(clips).is_dir() else [clips]
    elif isinstance(clips, LandmarkClip):
        clips = [clips]
    return [
        (f"clip {number}" if isinstance(clip, LandmarkClip) else os.fspath(clip), clip)
        for number, clip in enumerate(clips, 1)
    ]


def _name_of(clip: LandmarkClip) -> str:
    """A name for a clip in memory, by what it holds: the same clip is never taught twice."""
    return f"memory-{sha256_text(clip.landmarks.tobytes().hex())[:12]}"
