"""Is a data folder fit for training: every file read, every figure compared, one report.

    Manifest -> check_folder -> DataReport (table, Markdown, JSON)

What a clip's file told is kept in `.signtalk/check.jsonl` of the folder, so that an interrupted check goes
on where it stopped and a repeated one reads only files that changed.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from rich.table import Table

from signtalk.data.manifest import ClipRecord, Manifest, Problem, clip_of_record, describe_clip, scan_manifest
from signtalk.data.records import Progress
from signtalk.errors import ArtifactError, ClipError, DataError
from signtalk.files import sha256_file
from signtalk.landmarks.clip import PARTS
from signtalk.landmarks.features import motion_energy
from signtalk.landmarks.legacy_rows import smoothing_evidence
from signtalk.landmarks.plausible import FINE_OF_IDLE, implausibilities
from signtalk.processes import ordered_map

CACHE_NAME = ".signtalk/check.jsonl"
_CHECK_VERSION = 5
_SHORT_FRAMES = 8
_STILL_SPEED = 0.1
"""Shoulder widths a second that signing hands always exceed; a tracker's trembling alone stays below."""


@dataclass(frozen=True)
class ClipCheck:
    """What the file of one clip told.

    Attributes:
        clip_id: as in the manifest.
        error: why the file cannot be used; "" when it can. The other fields are empty then.
        sha256: of the file's bytes.
        num_frames: frames in the file.
        motion_mean: mean motion energy as `describe_clip` defines it.
        hand_speed: shoulder widths a second, as `features.motion_energy` defines it.
        mean_visibility: 0-1; None when no score is known.
        detection: share of frames, 0-1, in which each part was seen.
        smoothing: estimated smoothing_alpha; None when the file does not tell.
        notes: what its reader had to say.
        doubts: what cannot be of such a clip, kind and message each (`landmarks.plausible`).
    """

    clip_id: str
    error: str
    sha256: str = ""
    num_frames: int = 0
    motion_mean: float = 0.0
    hand_speed: float = 0.0
    mean_visibility: float | None = None
    detection: dict[str, float] | None = None
    smoothing: float | None = None
    notes: tuple[str, ...] = ()
    doubts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class DataReport:
    """What a data folder holds. Figures are of usable clips and read from the files, not from the table.

    Attributes:
        folder: the data folder.
        num_clips: usable clips, idle ones included.
        num_idle: idle clips among them.
        clips_by_sentence: usable clips of each sentence text, most first.
        lengths: frames of each clip.
        motions: mean motion energy of each clip.
        mean_visibility: 0-1; None when no clip knows it.
        detection: share of all frames in which each part was seen; empty without clips.
        signers: clips of each signer, "" = unknown.
        categories: clips of each category, "" = none given.
        problems: what cannot be used and is left out.
        warnings: what can be used and should be looked at.
    """

    folder: str
    num_clips: int
    num_idle: int
    clips_by_sentence: dict[str, int]
    lengths: tuple[int, ...]
    motions: tuple[float, ...]
    mean_visibility: float | None
    detection: dict[str, float]
    signers: dict[str, int]
    categories: dict[str, int]
    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...]

    def figures(self) -> dict[str, float | int | None]:
        """The report's single numbers by name; None for what no clip tells."""
        counts = list(self.clips_by_sentence.values())
        return {
            "clips": self.num_clips,
            "idle_clips": self.num_idle,
            "sentences": len(counts),
            "clips_per_sentence_mean": float(np.mean(counts)) if counts else None,
            "clips_per_sentence_min": min(counts, default=None),
            "clips_per_sentence_max": max(counts, default=None),
            "frames_mean": float(np.mean(self.lengths)) if self.lengths else None,
            "frames_p95": float(np.percentile(self.lengths, 95)) if self.lengths else None,
            "motion_median": float(np.median(self.motions)) if self.motions else None,
            "mean_visibility": self.mean_visibility,
        } | {f"{part}_detected": self.detection.get(part) for part in PARTS}

    def to_dict(self) -> dict[str, Any]:
        """The whole report as plain JSON values."""
        return {
            "folder": self.folder,
            "figures": self.figures(),
            "signers": self.signers,
            "categories": self.categories,
            "clips_by_sentence": self.clips_by_sentence,
            "problems": [asdict(problem) for problem in self.problems],
            "warnings": [asdict(warning) for warning in self.warnings],
        }

    def rows(self) -> list[tuple[str, str]]:
        """The report as lines of name and text, for people."""
        named = [(name.replace("_", " "), _as_text(value)) for name, value in self.figures().items()]
        named.append(("signers", _counts_text(self.signers)))
        named.append(("categories", _counts_text(self.categories)))
        for title, findings in (("left out", self.problems), ("warning", self.warnings)):
            for kind, count in Counter(finding.kind for finding in findings).most_common():
                first = next(finding for finding in findings if finding.kind == kind)
                example = f"{first.clip_id}: {first.message}" if first.clip_id else first.message
                named.append((f"{title}: {kind} ({count})", example))
        return named

    def to_table(self) -> Table:
        """The report as a table for the terminal."""
        table = Table(title=self.folder, show_header=False)
        for name, text in self.rows():
            table.add_row(name, text.replace("[", "\\["))
        return table

    def to_markdown(self) -> str:
        """The report as a Markdown page."""
        lines = [f"# Data check of `{self.folder}`", "", "| what | found |", "|---|---|"]
        for name, text in self.rows():
            lines.append(f"| {name} | {' '.join(text.split()).replace('|', chr(92) + '|')} |")
        return "\n".join(lines) + "\n"


def check_folder(folder: Path, strict: bool = False, progress: Progress | None = None) -> DataReport:
    """Read every clip of a data folder and report what it holds and what is wrong with it.

    Args:
        folder: the data folder; nothing but its cache is written.
        strict: stop at the first row or file that cannot be used.
        progress: called after each clip with the number done and the total.

    Raises:
        DataError: no table, it cannot be read or lacks a required column; or (strict) any problem.
    """
    manifest = scan_manifest(folder)
    if strict and manifest.problems:
        first = manifest.problems[0]
        raise DataError(f"{manifest.root}: {first.clip_id}: {first.message}")
    checks: list[ClipCheck] = []
    keys = [_cache_key(record) for record in manifest.records]
    with _Cache(manifest.root) as cache:
        # Clips have names of their own, so no two share a key, and each that changed takes the next result.
        changed = [record for record, key in zip(manifest.records, keys, strict=True) if key not in cache.known]
        with ordered_map(_check_clip, changed) as read_checks:
            for record, key in zip(manifest.records, keys, strict=True):
                check = cache.known[key] if key in cache.known else cache.added(key, next(read_checks))
                if strict and check.error:
                    raise DataError(f"{record.clip_id}: {check.error}")
                checks.append(check)
                if progress is not None:
                    progress(len(checks), len(manifest.records))
    return _report(manifest, checks, cache.warnings)


class _Cache:
    """What earlier checks of a folder found, by file path, size and time; a line is added as a clip is done."""

    def __init__(self, root: Path) -> None:
        self._path = root / CACHE_NAME
        self.known: dict[str, ClipCheck] = {}
        self._handle: IO[str] | None = None
        self._stack = ExitStack()
        self.warnings: list[Problem] = []

    def __enter__(self) -> _Cache:
        try:
            self._path.parent.mkdir(exist_ok=True)
            if self._path.exists():
                self.known = dict(_cached_lines(self._path.read_text(encoding="utf-8", errors="replace")))
            self._handle = self._stack.enter_context(self._path.open("a", encoding="utf-8"))
            self._handle.write("\n")  # an interrupted check may have left half a line
        except OSError as error:
            self._give_up(error)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def added(self, key: str, check: ClipCheck) -> ClipCheck:
        """The check, written down under its key, if it has one."""
        if key:
            self.known[key] = check
            self._remember(json.dumps({"key": key, "check": asdict(check)}))
        return check

    def _remember(self, line: str) -> None:
        if self._handle is None:
            return
        try:
            self._handle.write(line + "\n")
            self._handle.flush()
        except OSError as error:
            self._give_up(error)

    def _give_up(self, error: OSError) -> None:
        self._handle = None
        message = f"{self._path}: cannot be written ({error.strerror}); the next check starts from the beginning"
        self.warnings.append(Problem("", "no_cache", message))


def _cache_key(record: ClipRecord) -> str:
    """What a check depends on; "" for a file that is not there, whose check tells so and is never kept."""
    try:
        status = record.feature_path.stat()
    except OSError:
        return ""
    stamp = (str(record.feature_path), status.st_size, status.st_mtime_ns, record.fps, record.smoothing_alpha)
    return json.dumps([_CHECK_VERSION, record.clip_id, *stamp])


def _cached_lines(text: str) -> Iterable[tuple[str, ClipCheck]]:
    for line in text.splitlines():
        try:
            value = json.loads(line)
            yield value["key"], ClipCheck(**value["check"])
        except (ValueError, KeyError, TypeError):
            continue  # half a line, or another version's: that clip is read again


def _check_clip(record: ClipRecord) -> ClipCheck:
    try:
        digest = sha256_file(record.feature_path)
        clip = clip_of_record(record)
        hand_speed = motion_energy(clip)
    except (ClipError, ArtifactError) as error:
        return ClipCheck(record.clip_id, str(error))
    numbers = describe_clip(clip)
    evidence = None if clip.prototype_rows is None else smoothing_evidence(clip.prototype_rows)
    return ClipCheck(
        clip_id=record.clip_id,
        error="",
        sha256=digest,
        num_frames=numbers.num_frames,
        motion_mean=numbers.motion_mean,
        hand_speed=hand_speed,
        mean_visibility=None if math.isnan(numbers.mean_visibility) else numbers.mean_visibility,
        detection={part: float(seen.mean()) for part, seen in clip.part_presence().items()},
        smoothing=None if evidence is None else evidence.alpha,
        notes=clip.notes,
        doubts=tuple((doubt.kind, doubt.message) for doubt in implausibilities(clip)),
    )


def _report(manifest: Manifest, checks: Sequence[ClipCheck], notes: Sequence[Problem]) -> DataReport:
    pairs = [(record, check) for record, check in zip(manifest.records, checks, strict=True) if not check.error]
    unreadable = [Problem(check.clip_id, "unreadable", check.error) for check in checks if check.error]
    usable = Manifest(manifest.root, tuple(record for record, _ in pairs))
    of_table = [Problem("", "table", note) for note in manifest.notes]
    warnings = [*of_table, *notes, *_shared_warnings(usable, [check for _, check in pairs])]
    for record, check in pairs:
        warnings += [Problem(record.clip_id, kind, message) for kind, message in _clip_warnings(record, check)]
    frames = sum(check.num_frames for _, check in pairs)
    visibility = [check.mean_visibility for _, check in pairs if check.mean_visibility is not None]
    by_sentence = Counter(record.text_key for record in usable.records if not record.is_idle)
    return DataReport(
        folder=str(manifest.root),
        num_clips=len(pairs),
        num_idle=sum(record.is_idle for record in usable.records),
        clips_by_sentence={usable.canonical_sentence(key): count for key, count in by_sentence.most_common()},
        lengths=tuple(check.num_frames for _, check in pairs),
        motions=tuple(check.motion_mean for _, check in pairs),
        mean_visibility=float(np.mean(visibility)) if visibility else None,
        detection={
            part: sum((check.detection or {}).get(part, 0) * check.num_frames for _, check in pairs) / frames
            for part in PARTS
            if frames
        },
        signers=dict(sorted(Counter(record.signer_id for record in usable.records).items())),
        categories=dict(sorted(Counter(record.category for record in usable.records).items())),
        problems=(*manifest.problems, *unreadable),
        warnings=tuple(warnings),
    )


def _clip_warnings(record: ClipRecord, check: ClipCheck) -> Iterable[tuple[str, str]]:
    """Kind and message of everything odd about one readable clip."""
    yield from (("note", note) for note in check.notes)
    yield from (doubt for doubt in check.doubts if not (record.is_idle and doubt[0] in FINE_OF_IDLE))
    if check.num_frames != record.num_frames:
        yield "frame_count", f"{check.num_frames} frames in the file, {record.num_frames} in the table"
    if check.num_frames < _SHORT_FRAMES:
        yield "short", f"{check.num_frames} frames; a sentence takes {_SHORT_FRAMES} or more"
    if not math.isclose(check.motion_mean, record.motion_mean, rel_tol=0.01, abs_tol=1e-4):
        yield "stale_motion", f"motion_mean {check.motion_mean:.4g} in the file, {record.motion_mean:.4g} in the table"
    if not record.signer_id:
        yield "no_signer", "signer unknown; fill the signer column, or splits by signer cannot use this clip"
    if check.smoothing is not None and abs(check.smoothing - record.smoothing_alpha) > 0.02:
        yield (
            "smoothing",
            f"its fading parts tell smoothing_alpha {check.smoothing:.2f} (1 = unsmoothed), the table "
            f"{record.smoothing_alpha:.2f}; put the right value into the smoothing_alpha column",
        )
    if record.is_idle:
        return
    if check.hand_speed < _STILL_SPEED:
        yield "still", f"the hands hardly move ({check.hand_speed:.2g} shoulder widths a second); is anything signed?"


def _shared_warnings(manifest: Manifest, checks: Sequence[ClipCheck]) -> Iterable[Problem]:
    """What only several clips together show: equal files, texts under several ids, sentences with one clip."""
    by_content: dict[str, list[ClipRecord]] = {}
    for record, check in zip(manifest.records, checks, strict=True):
        by_content.setdefault(check.sha256, []).append(record)
    for records in by_content.values():
        for record in records[1:]:
            text = "" if record.text_key == records[0].text_key else ", under another sentence"
            message = f"the same file content as {records[0].clip_id}{text}; remove one of them"
            yield Problem(record.clip_id, "same_content", message)
    for key, members in manifest.classes.items():
        ids = list(dict.fromkeys(record.sentence_id for record in members))
        if len(ids) > 1:
            message = f"'{members[0].sentence}' stands under sentence_id {', '.join(ids)}; they count as one sentence"
            yield Problem("", "shared_text", message)
        if len(members) == 1:
            yield Problem(members[0].clip_id, "one_clip", f"the only clip of '{manifest.canonical_sentence(key)}'")


def _as_text(value: float | int | None) -> str:
    if value is None:
        return "unknown"
    return str(value) if isinstance(value, int) else f"{value:.3f}"


def _counts_text(counts: dict[str, int]) -> str:
    shown = sorted(counts.items(), key=lambda item: -item[1])[:12]
    more = f", and {len(counts) - len(shown)} more" if len(counts) > len(shown) else ""
    return ", ".join(f"{name or 'unknown'} {count}" for name, count in shown) + more
