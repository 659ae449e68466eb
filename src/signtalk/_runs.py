"""The front door of learning: videos to a data folder, a data folder to a run, a run to a bundle.

    videos -> extract -> data folder -> train -> Run -> index, evaluate, export -> bundle

What only training needs (torch) is imported when it is called.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

from signtalk._api import load
from signtalk._clips import PathLike, names_of
from signtalk._model import Model
from signtalk.data.manifest import load_manifest
from signtalk.data.packed import load_store
from signtalk.data.records import Progress
from signtalk.errors import ConfigError, checked
from signtalk.extraction.reader import ClipReader
from signtalk.files import absolute
from signtalk.landmarks.clip import LandmarkClip
from signtalk.threads import usable_cores
from signtalk.training.names import STORE_NAME

if TYPE_CHECKING:
    from signtalk.data.manifest import Manifest, Problem
    from signtalk.data.splits import Split
    from signtalk.evaluation.results import EvaluationReport
    from signtalk.export.run import Exported
    from signtalk.extraction.run import ExtractionResult
    from signtalk.recognition.promise import Policy
    from signtalk.recognition.recognizer import DecisionConfig
    from signtalk.training.run import IndexReport, RunFolder
    from signtalk.training.train import TrainResult


_SIGNERS_FOR_A_TEST = 3
"""With fewer, a signer who is kept for the test leaves one or none to learn from."""


@overload
def extract(
    videos: PathLike,
    out: None = None,
    *,
    trim: bool = True,
    smooth: bool = False,
    time_limit_s: float = 1800.0,
    stall_limit_s: float = 60.0,
) -> LandmarkClip: ...
@overload
def extract(
    videos: PathLike,
    out: PathLike,
    *,
    metadata: PathLike | None = None,
    workers: int = 0,
    cluster: str | None = None,
    storage: str | None = None,
    trim: bool = True,
    smooth: bool = False,
    prototype: bool = False,
    keep_low_quality: bool = False,
    retry_failed: bool = False,
    time_limit_s: float = 1800.0,
    stall_limit_s: float = 60.0,
    progress: Progress | None = None,
    tell: Callable[[str], object] | None = None,
) -> ExtractionResult: ...


def extract(
    videos: PathLike,
    out: PathLike | None = None,
    *,
    metadata: PathLike | None = None,
    workers: int = 0,
    cluster: str | None = None,
    storage: str | None = None,
    trim: bool = True,
    smooth: bool = False,
    prototype: bool = False,
    keep_low_quality: bool = False,
    retry_failed: bool = False,
    time_limit_s: float = 1800.0,
    stall_limit_s: float = 60.0,
    progress: Progress | None = None,
    tell: Callable[[str], object] | None = None,
) -> LandmarkClip | ExtractionResult:
    """Find the landmarks of one video, or of a folder of videos.

    Args:
        videos: one video, whose clip is returned; or, with `out`, a folder of videos or of `Videos/` and
            `Metadata.xlsx`.
        out: data folder to make or to go on with; a report and a sheet of pictures are written beside its table.
        metadata: CSV or .xlsx with video_file or sentence_id, sentence, category, signer ...
        workers: processes that extract; 0 = one a core.
        cluster: `tcp://HOST:PORT` of a dask scheduler, whose machines extract.
        storage: URL that the clips go to, by fsspec; `out` keeps tables, report and journal.
        trim: cut off idle ends.
        smooth: smooth the landmarks, without delay.
        prototype: also write the research prototype's 540-column files.
        keep_low_quality: keep clips of low quality in the table.
        retry_failed: try again what failed in an earlier run.
        time_limit_s: seconds that one video may take.
        stall_limit_s: seconds that a video may go without a new frame.
        progress: called with the number of finished videos and of all.
        tell: called with each thing that should be known before the first video, such as columns that nobody uses.

    Returns:
        The `Clip` of one video; of a folder what was extracted, failed and written.

    Raises:
        ClipError: the one video shows nobody or cannot be read.
        DataError: the folder has no video, or the table cannot be read.
        MissingExtraError: the extra `extract` is not installed.
    """
    from signtalk.extraction.clip import ExtractionConfig
    from signtalk.extraction.inputs import plan_extraction
    from signtalk.extraction.report import write_extraction_report
    from signtalk.extraction.run import RunOptions, extract_videos
    from signtalk.extraction.smoothing import SmoothingConfig
    from signtalk.extraction.storage import RemoteFolder
    from signtalk.extraction.video import VIDEO_SUFFIXES
    from signtalk.extraction.worker import GuardConfig

    source = Path(videos)
    if out is None:
        if source.is_dir():
            raise ConfigError(
                f"{source}: a folder; name the data folder to make, as in extract('{source}', out='DATA')"
            )
        if source.suffix.lower() not in VIDEO_SUFFIXES:
            raise ConfigError(f"{source}: no video by its name; signtalk.read_clip reads landmark files")
        if metadata is not None or cluster is not None or storage is not None or prototype or keep_low_quality:
            raise ConfigError(
                f"{source}: one video gives one clip; name the data folder, as in extract(..., out='DATA')"
            )
        config = ExtractionConfig(trim=trim, smoothing=SmoothingConfig() if smooth else None)
        guard = GuardConfig(time_limit_s=time_limit_s, stall_limit_s=stall_limit_s)
        with ClipReader(guard=guard, config=config) as reader:
            return reader.read(source)
    if cluster is not None and workers:
        raise ConfigError("workers are one machine's; with a cluster as many are used as the cluster has")
    folder = Path(out)
    options = RunOptions(
        out=folder,
        config=ExtractionConfig(trim=trim, smoothing=SmoothingConfig() if smooth else None),
        guard=GuardConfig(time_limit_s=time_limit_s, stall_limit_s=stall_limit_s),
        prototype=prototype,
        keep_low_quality=keep_low_quality,
        retry_failed=retry_failed,
        storage=RemoteFolder(storage, absolute(folder)) if storage else None,
    )
    plan = plan_extraction(source, None if metadata is None else Path(metadata))
    if tell is not None:
        for note in plan.notes:
            tell(note)
    if cluster is not None:
        from signtalk.extraction.cluster import extract_on_cluster

        result = extract_on_cluster(plan, options, cluster, progress)
    else:
        result = extract_videos(plan, options, workers or usable_cores(), progress)
    files = (*result.tables, *write_extraction_report(result, folder, options.storage))
    return replace(result, tables=files, missing=plan.missing, notes=(*plan.notes, *result.notes))


def train(
    data: PathLike,
    out: PathLike,
    *,
    recipe: str | None = None,
    split: PathLike | None = None,
    test_signer: str | Sequence[str] = (),
    epochs: int | None = None,
    init: PathLike | None = None,
    settings: str | Sequence[str] = (),
    resume: bool = False,
    devices: int = 1,
    strict: bool = False,
    progress: bool = True,
) -> Run:
    """Train a model on a data folder, choosing the best epoch on its validation clips.

    Args:
        data: data folder with `processed_metadata.csv`.
        out: run folder to make.
        recipe: "default", "base", "body", "prototype", "gru", "transformer" or "tiny"; None = that of `init`; without,
            "base" where the encoder in the package reads what the settings say and the clips show hands, else
            "default".
        split: file of `signtalk data split`; without one a split is drawn, a tenth of the clips for validation.
        test_signer: whom that split leaves out, to be tested on; one or several. By default the last signer by name,
            where there are three or more; of fewer nobody is left out, and sentences are.
        epochs: how many passes over the data, in place of the recipe's.
        init: what the encoder starts from, in place of the recipe's: "base", a run, a bundle that ships its weights, or
            a checkpoint.
        settings: changes to the recipe as `--set` takes them, such as "optimiser.learning_rate=0.001".
        resume: go on with the run in `out`.
        devices: processes; 2 or more train with DDP.
        strict: stop at the first clip that cannot be used.
        progress: show how far it is.

    Raises:
        ConfigError: an unknown recipe or setting, no device, an `init` that reads other features or is of other sizes
            than the recipe's, or both a split and a signer to draw one with.
        DataError: the data cannot be used, or does not fit the split.
        MissingExtraError: the extra `train` is not installed.
    """
    from signtalk.training.recipe import Recipe

    if devices < 1:
        raise ConfigError(f"devices {devices}; expected at least 1")
    changes = [*names_of(settings), *([f"optimiser.epochs={epochs}"] if epochs is not None else [])]
    changes += [f"init={os.fspath(init)}"] if init is not None else []
    if recipe is None and resume:
        from signtalk.training.folder import begun_recipe

        recipe = begun_recipe(Path(out))
    chosen = Recipe.chosen(recipe, changes)  # a typo is told before anything is read
    manifest = load_manifest(Path(data), strict=strict)
    parts = _split_of(manifest, split, names_of(test_signer))
    from signtalk.export.initial import initial_of, load_initial
    from signtalk.training.initial import recipe_for, recipe_of_nobodys_choice
    from signtalk.training.train import train as fit
    from signtalk.training.trainer import TrainOptions

    options = TrainOptions(Path(out), resume=resume, devices=devices, strict=strict, progress=progress)
    if recipe is None and not any(change.startswith("init=") for change in changes):
        base = load_initial("base")
        chosen = recipe_of_nobodys_choice(base, parts.records(manifest, "train"), changes)
        initial = base if chosen.init else None
    else:
        initial = initial_of(chosen)
        if recipe is None and initial is not None:
            chosen = recipe_for(initial, changes)
    result = fit(manifest, parts, chosen, options, initial)
    run = Run(out, data, result)
    run._read = manifest
    return run


class Run:
    """A run folder of `train`: index it, evaluate it, export it, or `load` it to recognise.

    Args:
        folder: the run folder.
        data: the data folder that it was trained on; `export` alone can do without, and then ships and measures less.
        result: what training ended with; None for a run that is opened again.

    """

    def __init__(self, folder: PathLike, data: PathLike | None = None, result: TrainResult | None = None) -> None:
        self.folder, self.result = Path(folder), result
        self.data = None if data is None else Path(data)
        self._read: Manifest | None = None

    def __repr__(self) -> str:
        data = "" if self.data is None else f" on '{self.data}'"
        return f"<signtalk.Run '{self.folder}'{data}>"

    @property
    def _opened(self) -> RunFolder:
        from signtalk.training.run import RunFolder

        return RunFolder.open(self.folder)

    @property
    def _manifest(self) -> Manifest:
        """The data folder as it is now."""
        if self.data is None:
            raise ConfigError(f"{self.folder}: name its data folder, as in signtalk.Run('{self.folder}', 'DATA')")
        self._read = load_manifest(self.data)
        return self._read

    @property
    def left_out(self) -> tuple[Problem, ...]:
        """Clips of the data folder that the run could not use when it was read last, and why."""
        return (*(self._read or self._manifest).problems, *load_store(self.folder / STORE_NAME).problems)

    @property
    def notes(self) -> tuple[str, ...]:
        """What was odd about the data folder's table when it was read last, a sentence each."""
        return (self._read or self._manifest).notes

    def index(self, *, precision: float = 0.98, written: PathLike | None = None) -> IndexReport:
        """Index the training clips; fit scores and gate on the validation clips.

        Args:
            precision: what part of the accepted answers shall be right.
            written: file of sentences that nobody has signed: one a line, or a table with sentence, sentence_id,
                category.

        Returns:
            The figures of the fit.

        Raises:
            ArtifactError: the folder holds no model, or a damaged one.
            ConfigError: a precision out of range.
        """
        from signtalk.calibration.calibrate import CalibrationConfig
        from signtalk.index.written import read_sentences
        from signtalk.training.run import index_run

        config = checked(lambda: CalibrationConfig(precision=precision))
        sentences, notes = ((), ()) if written is None else read_sentences(Path(written))
        return replace(index_run(self._opened, self._manifest, config, sentences), notes=notes)

    def decision(self) -> DecisionConfig:
        """How clips become an answer, as `index` fitted it.

        Raises:
            ArtifactError: the run is not indexed yet.
        """
        return self._opened.decision()

    def evaluate(self, out: PathLike | None = None, *, signer_sentences: Sequence[int] = ()) -> EvaluationReport:
        """Measure every protocol through the code that serves; write report.json, report.html and pictures.

        Args:
            out: folder of the report; `report` inside the run by default.
            signer_sentences: ask the test signers once more, after so many of their sentences are known, as (5, 10).
        """
        from signtalk.evaluation.protocols import evaluate
        from signtalk.evaluation.report import write_report

        run, manifest = self._opened, self._manifest
        recognizer = run.recognizer(run.sentence_index(), run.decision())
        split, store = run.split(manifest), run.store(manifest)
        report = evaluate(recognizer, manifest, split, store, signer_sentences=signer_sentences)
        write_report(report, Path(out) if out is not None else self.folder / "report")
        return report

    def export(
        self,
        out: PathLike,
        *,
        licence: str = "",
        signs: bool = True,
        weights: bool = False,
        report: EvaluationReport | None = None,
        policy: Policy | None = None,
    ) -> Exported:
        """Export everything that inference needs as one bundle; refused unless all graphs agree with the model.

        Args:
            out: folder of the exported files.
            licence: of the model, such as "cc-by-4.0"; not stated by default.
            signs: ship how each sentence is signed, as skeletons of the real clips.
            weights: ship the checkpoint as well, to train on.
            report: of its evaluation, for the model card; `report/report.json` inside the run by default.
            policy: of the bundle: "strict" holds back answers whose promise validation did not prove, "research" shows
                and marks them; None = the run's, strict by default.

        Returns:
            What was made; `.bundle` is the zip.
        """
        from signtalk.evaluation.report import report_json
        from signtalk.export.run import ExportOptions, export_run

        options = ExportOptions(licence.strip(), signs, weights, policy)
        figures = None if report is None else report_json(report)
        return export_run(self._opened, Path(out), None if self.data is None else self._manifest, options, figures)

    def load(self, **options: Any) -> Model:
        """The model, as `signtalk.load` opens it; it takes the same options."""
        return load(self.folder.absolute(), **options)  # a run may be called "base"


def _split_of(manifest: Manifest, split: PathLike | None, test_signers: Sequence[str]) -> Split:
    """The split of a file, or one that is drawn."""
    from signtalk.data.roles import SplitConfig
    from signtalk.data.splits import Split, make_split

    if split is None:
        signers = (
            test_signers or manifest.signers[-1:] if len(manifest.signers) >= _SIGNERS_FOR_A_TEST else test_signers
        )
        protocol: Literal["unseen_signer", "unseen_sentence"] = "unseen_signer" if signers else "unseen_sentence"
        return make_split(manifest, SplitConfig(protocol=protocol, test_signers=tuple(signers)))
    if test_signers:
        raise ConfigError("a split says whom it leaves out; give either split or test_signer")
    return Split.load(Path(split), manifest)
