"""The offline page: a static folder that recognises in the browser, with the answers of this program beside it.

    opened Bundle -> export_web -> folder: page, engine, libraries, and bundle/ with what the engine reads

Formats: docs/offline-page.md. Arrays are raw little-endian numbers. `bundle/golden.*` holds made-up clips and what
`Recognizer` answers to them, so that the page can be checked on any machine.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from signtalk.bundle.bundle import TEXT_ENCODER_NAME, Bundle
from signtalk.errors import ArtifactError, ExportRefusedError
from signtalk.extraction.models import LANDMARKER_NAME, find_bundle
from signtalk.files import read_json, sha256_file, write_json
from signtalk.index.files import replaced_folder
from signtalk.index.index import SentenceIndex
from signtalk.landmarks.wire import encode_clip
from signtalk.recognition.recognizer import Recognizer
from signtalk.segmentation.segmenter import SHIPPED
from signtalk.synthetic.dataset import SyntheticConfig, generate_clips

WEB_FORMAT_VERSION = 1
PAGE = Path(__file__).resolve().parents[1] / "service" / "web"
"""The page's own files; `make web` puts the libraries that it needs into `vendor/`."""
VENDOR_NAME = "vendor"
BUNDLE_FOLDER, MODELS_FOLDER = "bundle", "models"
FILES_NAME = "files.json"

_ENCODER, _DECODERS = "sign_encoder.onnx", ("sign_decoder_start.onnx", "sign_decoder.onnx")
MOST_PROJECTION_BYTES = 256 * 1024**2
"""Twice as much in the browser's memory; a telephone has little more for one page."""
_MOST_SIGN_BYTES = 32 * 1024**2
_GOLDEN = SyntheticConfig(num_sentences=6, num_signers=4, clips_per_sentence=(1, 1), num_idle=2)


@dataclass(frozen=True)
class WebExport:
    """What was written: the folder, how many files and bytes, and how many golden clips the page can replay."""

    folder: Path
    num_files: int
    num_bytes: int
    num_golden: int


def export_web(bundle: Bundle, out: Path, models: Path | None = None) -> WebExport:
    """Write the offline page of a bundle into `out`, or nothing; an earlier page there is replaced.

    Args:
        bundle: opened; its golden answers are made anew.
        out: folder.
        models: the landmarker's model bundle (.task); None = that of `signtalk models install`.

    Raises:
        ExportRefusedError: the bundle is of a kind that the page cannot answer.
        ArtifactError: libraries or models of the page are not installed, or the folder holds something else.
        DataError: the place cannot be written.
    """
    if not (PAGE / VENDOR_NAME).is_dir():
        raise ArtifactError(
            f"{PAGE / VENDOR_NAME}: the page's libraries are not there; run `make web`, which needs npm"
        )
    landmarker = find_bundle(models)
    _refuse_other_folders(out)
    check_portable(bundle.recognizer)
    with replaced_folder(out, [path.name for path in out.iterdir()] if out.is_dir() else ()) as folder:
        shutil.copytree(PAGE, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.d.mts", "recorder.*"))
        _answer_by_engine(folder / "index.html")
        (folder / MODELS_FOLDER).mkdir()
        shutil.copyfile(landmarker, folder / MODELS_FOLDER / LANDMARKER_NAME)
        num_golden = write_web_bundle(bundle, folder / BUNDLE_FOLDER)
        files = _described(folder)
        write_json(folder / FILES_NAME, {"files": files})
    return WebExport(out, len(files), sum(file["bytes"] for file in files.values()), num_golden)


def _answer_by_engine(page: Path) -> None:
    """Say in the page's first lines that it answers by itself, which `page/app.js` reads."""
    text = page.read_text(encoding="utf-8")
    page.write_text(text.replace("<html ", '<html data-answers="engine" ', 1), encoding="utf-8")


def check_portable(recognizer: Recognizer) -> None:
    """Refuse what the engine does not compute.

    Raises:
        ExportRefusedError: it decides or reads as the prototype did, or the index is too large for a browser.
    """
    decision = recognizer.decision
    modes = (recognizer.encoder.feature_config.preset, decision.scoring.mode, decision.gate.mode)
    if "prototype" in modes:
        raise ExportRefusedError(
            "the bundle reads, scores or decides as the prototype did, for comparison; the page answers as SignTalk "
            "does, so export a run whose features, scoring and gate are SignTalk's own"
        )
    size = int(recognizer.index.projection_lengths.sum()) * recognizer.index.projections.shape[2] * 2
    if size > MOST_PROJECTION_BYTES:
        raise ExportRefusedError(
            f"{len(recognizer.index)} references take {size / 1024**2:.0f} MB; a browser gets at most "
            f"{MOST_PROJECTION_BYTES / 1024**2:.0f}, so export an index of fewer clips a sentence"
        )


def write_web_bundle(bundle: Bundle, folder: Path) -> int:
    """Write what the engine reads into a new folder; how many golden clips it holds.

    Raises:
        ExportRefusedError: as `check_portable`.
        ArtifactError: a file of the bundle is damaged.
    """
    check_portable(bundle.recognizer)
    folder.mkdir(parents=True)
    graphs = [_ENCODER, *(_DECODERS if bundle.recognizer.decision.translate else ())]
    graphs += [TEXT_ENCODER_NAME] if bundle.recognizer.text_space is not None else []
    for name in (*graphs, "tokenizer_vocab.json"):
        shutil.copyfile(bundle.folder / name, folder / name)
    write_json(folder / "segmenter.json", read_json(SHIPPED))
    write_json(folder / "config.json", _config(bundle))
    _write_index(bundle, folder)
    _write_signs(bundle, folder)
    num_golden = _write_golden(bundle.recognizer, folder)
    manifest = {
        "web_format_version": WEB_FORMAT_VERSION,
        "encoder_id": bundle.recognizer.index.encoder_id,
        "files": _described(folder),
    }
    write_json(folder / "manifest.json", manifest)
    return num_golden


def _config(bundle: Bundle) -> dict[str, Any]:
    model = read_json(bundle.folder / "model_config.json")["model"]
    recognizer = bundle.recognizer
    index = recognizer.index
    return {
        "features": recognizer.encoder.feature_config.model_dump(mode="json"),
        "decision": recognizer.decision.model_dump(mode="json"),
        "model": {
            "spells": model["spells"],
            "decoder": model["decoder"] if recognizer.decision.translate else None,
            "text_encoder": recognizer.text_space is not None,
        },
        "index": {
            "num_references": len(index),
            "num_sentences": len(index.groups.text_keys),
            "embedding_width": index.embeddings.shape[1],
            "projection_width": index.projections.shape[2],
            "text_embeddings": bool(index.written.any()),
        },
    }


def _write_index(bundle: Bundle, folder: Path) -> None:
    """Entries and sentences as JSON; embeddings and the frames that count, one reference after the other."""
    index, tokenizer = bundle.recognizer.index, bundle.tokenizer
    entries = [
        {**{name: value for name, value in asdict(entry).items() if name != "signer_id"}, "num_frames": int(length)}
        for entry, length in zip(index.entries, index.projection_lengths, strict=True)
    ]
    sentences = [
        {"text_key": key, "words": tokenizer.encode(text, add_special=False)}
        for key, text in zip(index.groups.text_keys, index.sentence_texts, strict=True)
    ]
    _write_lines(folder / "sentences.json", {"entries": entries, "sentences": sentences})
    _write_array(folder / "embeddings.bin", index.embeddings, "<f4")
    _write_array(folder / "projections.bin", _frames_that_count(index), "<f2")
    if index.written.any():
        assert bundle.recognizer.text_space is not None, "an index with written sentences comes from a text encoder"
        _write_array(folder / "text_embeddings.bin", bundle.recognizer.text_space.embed(index.sentence_texts), "<f4")


def _frames_that_count(index: SentenceIndex) -> npt.NDArray[np.float16]:
    counts = np.arange(index.projections.shape[1]) < index.projection_lengths[:, None]
    return np.asarray(index.projections)[counts]


def _write_signs(bundle: Bundle, folder: Path) -> None:
    """How sentences are signed, one clip after the other, as many as a page may hold; nothing without any."""
    if bundle.signs is None:
        return
    places: dict[str, tuple[int, int]] = {}
    parts: list[bytes] = []
    size = 0
    for sentence_id in dict.fromkeys(entry.sentence_id for entry in bundle.recognizer.index.entries):
        clip = bundle.signs.clip(sentence_id)
        part = b"" if clip is None else encode_clip(clip)
        if part and size + len(part) <= _MOST_SIGN_BYTES:
            places[sentence_id] = (size, size + len(part))
            parts.append(part)
            size += len(part)
    write_json(folder / "signs.json", places)
    (folder / "signs.bin").write_bytes(b"".join(parts))


def _write_golden(recognizer: Recognizer, folder: Path) -> int:
    clips = [each.clip for each in generate_clips(_GOLDEN)]
    answers = [answer.to_dict() for answer in recognizer.recognize(clips)]
    frames = [clip.num_frames for clip in clips]
    _write_lines(folder / "golden.json", {"num_frames": frames, "answers": answers})
    (folder / "golden.bin").write_bytes(b"".join(encode_clip(clip) for clip in clips))
    return len(clips)


def _write_array(path: Path, array: npt.NDArray[Any], dtype: str) -> None:
    path.write_bytes(np.ascontiguousarray(array, dtype=dtype).tobytes())


def _write_lines(path: Path, content: dict[str, list[Any]]) -> None:
    """JSON without indentation: thousands of rows are read by a program alone."""
    path.write_text(json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":")), encoding="utf-8")


def _described(folder: Path) -> dict[str, dict[str, Any]]:
    """SHA-256 and size of every file below a folder, by relative path."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        path.relative_to(folder).as_posix(): {"sha256": sha256_file(path), "bytes": path.stat().st_size}
        for path in paths
    }


def _refuse_other_folders(out: Path) -> None:
    """What an export replaces must be an earlier page, whose files its own list names."""
    if not out.exists():
        return
    if not out.is_dir():
        raise ArtifactError(f"{out}: is a file; give a folder for the page")
    listed = read_json(out / FILES_NAME) if (out / FILES_NAME).is_file() else {}
    names = listed.get("files", {}) if isinstance(listed, dict) else {}
    known = {FILES_NAME, *(Path(name).parts[0] for name in names)}
    others = sorted(path.name for path in out.iterdir() if path.name not in known)
    if others:
        raise ArtifactError(f"{out}: holds {', '.join(others[:3])}, no part of an offline page; choose another folder")
