"""Bundles changed after they were made."""

import hashlib
import json
import zipfile
from pathlib import Path


def rewritten(bundle: Path, target: Path, change: dict[str, bytes | None]) -> Path:
    """A copy of a bundle in which some entries have other bytes, or None = are left out."""
    with zipfile.ZipFile(bundle) as old, zipfile.ZipFile(target, "w") as new:
        for entry in old.infolist():
            content = change.pop(entry.filename, old.read(entry.filename))
            if content is not None:
                new.writestr(entry.filename, content)
        for name, content in change.items():
            new.writestr(name, content or b"")
    return target


def old_bundle(bundle: Path, target: Path) -> Path:
    """The bundle as format version 2 was: no text encoder, an index whose entries have no kind."""
    with zipfile.ZipFile(bundle) as archive:
        manifest = json.loads(archive.read("export_manifest.json"))
        rows = [line.rsplit(",", 1) for line in archive.read("index/embeddings_map.csv").decode().splitlines()]
        header = json.loads(archive.read("index/index.json"))
    assert rows[0][1] == "kind"
    changed: dict[str, bytes] = {"index/embeddings_map.csv": "".join(f"{row[0]}\n" for row in rows).encode()}
    header["files"]["embeddings_map.csv"] = hashlib.sha256(changed["index/embeddings_map.csv"]).hexdigest()
    changed["index/index.json"] = json.dumps(header | {"format_version": 1}).encode()
    for name, content in changed.items():
        manifest["files"][name] = hashlib.sha256(content).hexdigest()
    del manifest["files"]["sign_text_encoder.onnx"]
    changed["export_manifest.json"] = json.dumps(manifest | {"format_version": 2}).encode()
    return rewritten(bundle, target, {**changed, "sign_text_encoder.onnx": None})


def resealed(bundle: Path, target: Path, change: dict[str, bytes]) -> Path:
    """As somebody would who wants a bundle with other content to pass: with the hashes of that content."""
    with zipfile.ZipFile(bundle) as archive:
        manifest, header = (json.loads(archive.read(name)) for name in ("export_manifest.json", "index/index.json"))
    for name, content in list(change.items()):
        if name.startswith("index/"):
            header["files"][name.removeprefix("index/")] = hashlib.sha256(content).hexdigest()
            change["index/index.json"] = json.dumps(header).encode()
    manifest["files"] |= {name: hashlib.sha256(content).hexdigest() for name, content in change.items()}
    return rewritten(bundle, target, {"export_manifest.json": json.dumps(manifest).encode(), **change})


def entry(bundle: Path, name: str) -> bytes:
    with zipfile.ZipFile(bundle) as archive:
        return archive.read(name)
