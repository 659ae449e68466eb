"""An opened model: what it answers to clips, and what it learns without training.

clips of any format -> Model -> Answer, Answers, Enrolled, Hit, embeddings
frames of a camera -> Stream -> Answer, as each sentence ends
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import overload

import numpy as np

from signtalk._answers import Answers, Stream
from signtalk._clips import ClipLike, ListedClips, PathLike, names_of
from signtalk._opened import OpenModel
from signtalk._signers import LabelledClips, learned_signer
from signtalk.arrays import FloatArray
from signtalk.bundle.bundle import verify_bundle
from signtalk.bundle.collection import ImportedCollection, import_collection
from signtalk.calibration.calibrate import CalibrationConfig
from signtalk.calibration.local import Calibrated, calibrate_locally
from signtalk.data.manifest import Problem, load_manifest
from signtalk.errors import ArtifactError, ConfigError, DataError, checked
from signtalk.extraction.reader import CLIP_SUFFIXES, ClipReader
from signtalk.index.personal import forget, layer_exists
from signtalk.index.references import Hit
from signtalk.index.takes import Consent
from signtalk.index.text_search import NO_TEXT_ENCODER, TextSpace, search_clips
from signtalk.landmarks.clip import MAX_ASPECT, MIN_ASPECT
from signtalk.recognition.answer import Answer
from signtalk.recognition.carrying import Carried, Originals, carry
from signtalk.recognition.decision import write_decision
from signtalk.recognition.enrolment import Enrolled, NewSentence, enroll
from signtalk.recognition.signer_prompts import next_sentences
from signtalk.recognition.signer_transform import SignerTransform
from signtalk.segmentation.segmenter import SegmenterSettings
from signtalk.training.names import own_index


class Model(OpenModel):
    """A trained model with its references, opened by `load`. Close it, or use it in a `with` block.

    Attributes:
        path: the bundle or run folder that it was opened from.
        personal: the folder of what was enrolled; None before anything was, unless `load` was given one.
        signer: whom it knows, by `know`; None = it answers everybody alike.
    """

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
            clips: a file of any format that SignTalk reads, a `Clip`, or several of them; a folder stands for the
                clips in it, unless it is one `MP_Data` recording.
            num_candidates: how many sentences an answer lists.
            strict: of several clips, stop at the first that cannot be used; otherwise its answer is None, and
                `left_out` says why. A single clip that cannot be used is always an error.
            fps: frame rate of `.npy` files, which do not know theirs.
            smoothing_alpha: weight of the new frame in the smoothing of `.npy` files; 1 = not smoothed.

        Returns:
            An `Answer` to one clip, `Answers` to several.

        Raises:
            ClipError: a clip cannot be used.
            MissingExtraError: a format needs a package that is not installed.
        """
        if num_candidates < 1:
            raise ValueError(f"{num_candidates} candidates asked for; expected at least 1")
        recognizer, listed = self.recognizer, ListedClips.of(clips)
        problems: list[Problem] = []
        answers: list[Answer | None] = []
        with ClipReader(fps=fps, smoothing_alpha=smoothing_alpha) as reader:
            left_out = None if strict or listed.alone else problems
            for block in listed.features(self.feature_config, reader, recognizer.clips_at_once, left_out):
                usable = [features for features in block if features is not None]
                replies = iter(recognizer.answer_features(usable, num_candidates).answers if usable else ())
                answers += [None if features is None else next(replies) for features in block]
        if listed.alone and answers[0] is not None:
            return answers[0]
        return Answers(listed.names, tuple(answers), tuple(problems), tuple(reader.notes))

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
        encoder, listed = self._base.encoder, ListedClips.of(clips)
        rows = [np.zeros((0, self._base.index.embeddings.shape[1]), dtype=np.float32)]
        with ClipReader(fps=fps, smoothing_alpha=smoothing_alpha) as reader:
            for block in listed.features(self.feature_config, reader, self._base.clips_at_once):
                usable = [features for features in block if features is not None]
                stacks = np.stack([each.features for each in usable]), np.stack([each.valid for each in usable])
                rows.append(encoder.encode(*stacks).embeddings.astype(np.float32))
        embeddings = np.concatenate(rows)
        return embeddings[0] if listed.alone else embeddings

    def search(
        self,
        text: str,
        limit: int = 5,
        *,
        categories: str | Sequence[str] = (),
        signers: str | Sequence[str] = (),
    ) -> tuple[Hit, ...]:
        """The indexed clips that mean a text, nearest first; a sentence with just these words comes before all others.

        Args:
            text: what the clips shall mean, in your own words.
            limit: how many, at least 1.
            categories: only clips of this category, or of these; empty = all.
            signers: only clips of this signer, or of these; empty = all.

        Raises:
            ArtifactError: the model has no text encoder.
            ConfigError: no clip has such a category or signer.
        """
        own = self.recognizer
        return search_clips(
            self._text_space,
            text,
            own.index,
            limit,
            further=own.source,
            categories=names_of(categories),
            signers=names_of(signers),
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
        language: str = "",
        consent: Consent = "",
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
            language: of the text, a tag such as "fr".
            consent: what the signer agreed to: "recognize" = the landmarks are kept, so that later models are taught
                them (`carry`); "train" = and may train models; "" = they are not kept.
            strict: what would be a warning is an error, and nothing is enrolled.
            fps: frame rate of `.npy` files.
            smoothing_alpha: smoothing of `.npy` files.

        Raises:
            ClipError: a clip cannot be used, or is enrolled already.
            ConfigError: the text holds no word or is the name of a clip, two clips have one name, or a run's own
                index shall keep clips.
            DataError: `strict`, and there is a warning; or the folder cannot be written.
        """
        if Path(text).suffix.lower() in CLIP_SUFFIXES:
            raise ConfigError(f"the text '{text}' is the name of a clip; give what the clips say first, then the clips")
        into_run = self.run is not None and self.personal == own_index(self.path)
        if into_run and consent:
            raise ConfigError(
                f"{self.path}: `signtalk index` makes a run's own index anew; keep clips in a personal one"
            )
        today = "" if into_run else date.today().isoformat()
        sentence = NewSentence(text, category, signer, language, consent, today)
        with ClipReader(fps=fps, smoothing_alpha=smoothing_alpha) as reader:
            by_name = ListedClips.of(clips).read(reader)
        enrolled = enroll(self._base, self._own_folder(), sentence, by_name, strict)
        notes = dict.fromkeys(note for clip in by_name.values() for note in clip.notes)
        return replace(enrolled, warnings=(*enrolled.warnings, *notes))

    def forget(self, *texts: str, clip_ids: str | Sequence[str] = ()) -> tuple[str, ...]:
        """Take taught sentences, or single clips, out again; all that are named or, at an error, none.

        Returns:
            The sentences that lost clips.

        Raises:
            ConfigError: nothing is named.
            DataError: nothing of that name was taught.
        """
        if not texts and not clip_ids:
            raise ConfigError("nothing to forget; name a sentence, or clips by their ids")
        base = self._base
        if self.personal is None or not layer_exists(self.personal):
            raise DataError(f"{self.path}: nothing was taught yet, so there is nothing to forget")
        gone = forget(self.personal, texts, names_of(clip_ids), base.index.encoder_id)
        return tuple(dict.fromkeys(entry.sentence for entry in gone))

    def learn_signer(
        self, clips: LabelledClips, *, signer: str = "", fps: float = 30.0, smoothing_alpha: float = 0.2
    ) -> SignerTransform:
        """Learn how one person signs from a few known sentences, best 5 to 20; nothing is trained or kept.

        Args:
            clips: the clips of each text, or a data folder.
            signer: who of the data folder, where it holds several.
            fps: frame rate of `.npy` files.
            smoothing_alpha: smoothing of `.npy` files.

        Returns:
            What `know` takes; its `save` writes a file.

        Raises:
            DataError: none of the sentences is known.
        """
        return learned_signer(self._everybodys, clips, signer, fps, smoothing_alpha)

    def next_sentences(self, signed: Sequence[str] = (), limit: int = 10) -> tuple[str, ...]:
        """Which known sentences to ask a new person for, those first that tell most of how they sign.

        Args:
            signed: what they signed already.
            limit: how many.
        """
        return next_sentences(self.recognizer.index, self._base.tokenizer, signed, limit)

    def carry(
        self,
        index: PathLike,
        *,
        out: PathLike | None = None,
        without_missing: bool = False,
        backup: bool = True,
        clips: PathLike | None = None,
        consent: Consent = "",
    ) -> Carried:
        """Take along what was taught to another model: the kept clips of a personal index, encoded by this one.

        Args:
            index: folder of the personal index, of whatever model; replaced in one step.
            out: a new folder to write to instead.
            without_missing: leave out what was taught without keeping its clips, or shows this model nothing.
            backup: keep the index as it was beside the new one.
            clips: folder of the files that clips were taught from, where they were not kept, under their names.
            consent: what the signers of these agree to; where it is told, they are kept from now on.

        Raises:
            DataError: a clip cannot be carried, or nothing can be; nothing is changed.
            ArtifactError: the folder is not there or damaged.
        """
        originals = None if clips is None else Originals(Path(clips), consent)
        place = None if out is None else Path(out)
        return carry(self._base, Path(index), place, without_missing, backup, originals=originals)

    def import_collection(self, source: PathLike) -> ImportedCollection:
        """Teach what `signtalk collection export` wrote, all of it at once; what is known already stays as it is.

        What is taught lies where `enroll` puts it.

        Args:
            source: the zip, or the folder that it was unpacked to.

        Raises:
            ArtifactError: it is damaged or no collection.
            DataError: the folder cannot be written.
        """
        base = self._base
        return import_collection(base, Path(source), self._own_folder())

    def calibrate(
        self,
        data: PathLike,
        *,
        precision: float = 0.98,
        unknown_share: float = 0.3,
        coverage: float = 0.9,
        choice_precision: float = 0.9,
        out: PathLike | None = None,
    ) -> Calibrated:
        """Fit the gate anew; this model answers as before.

        Args:
            data: the data folder that a run was trained on, whose validation clips are asked; or a folder of other
                clips, such as a handful recorded before another camera.
            precision: what part of the accepted answers shall be right.
            unknown_share: what part of the clips asked shows a sentence that is not indexed.
            coverage: what part of the candidate sets shall hold the right sentence.
            choice_precision: what part of the offered choices shall hold it.
            out: file to write, for `load(..., calibration=FILE)`; without it nothing is written.

        Returns:
            What to decide with, the figures of the fit, and clips left out.

        Raises:
            ConfigError: a share is out of range.
            DataError: other clips are too few, or some of them belong to the model's own data.
        """
        config = checked(
            lambda: CalibrationConfig(
                precision=precision, unknown_share=unknown_share, coverage=coverage, choice_precision=choice_precision
            )
        )
        manifest = load_manifest(Path(data))
        if self.run is not None and self.personal is None:
            from signtalk.training.run import calibrate_run

            fitted = calibrate_run(self.run, manifest, config)
        else:
            used = () if self.run is None else tuple(self.run.roles())
            fitted = calibrate_locally(self.recognizer, manifest, config, used)
        if out is not None:
            write_decision(Path(out), fitted.decision, fitted.report.to_dict(), self._base.index.encoder_id)
        return fitted

    def stream(self, *, settings: PathLike | SegmenterSettings | None = None, aspect: float | None = None) -> Stream:
        """A stream of landmarks whose sentences are answered as they end.

        Args:
            settings: of the segmenter, or a file of them; the shipped ones by default.
            aspect: image width over height; None when it is not known.

        Raises:
            ConfigError: an aspect that no camera has.
        """
        if aspect is not None and not MIN_ASPECT < aspect < MAX_ASPECT:
            raise ConfigError(f"aspect {aspect:g}; expected image width / height, {MIN_ASPECT:g} to {MAX_ASPECT:g}")
        return Stream(self.recognize, SegmenterSettings.of(settings), aspect)

    def verify(self) -> dict[str, float]:
        """Check a bundle's hashes and replay its golden clips; the largest differences that were found.

        Raises:
            ArtifactError: the bundle is damaged, or answers otherwise than when it was exported.
            ConfigError: this is a run folder, which has no golden clips.
        """
        if self.bundle is None:
            raise ConfigError(f"{self.path}: a run has no golden clips to replay; export it first")
        return verify_bundle(self.path)
