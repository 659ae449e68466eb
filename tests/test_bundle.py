import json
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from conftest import SmallRun
from signtalk.bundle import open_bundle, verify_bundle
from signtalk.errors import ArtifactError
from signtalk.manifest import load_manifest, read_clip


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


def test_a_bundle_verifies_and_cleans_up(small_run: SmallRun) -> None:
    assert max(verify_bundle(small_run.bundle).values()) < 1e-3
    with open_bundle(small_run.bundle) as bundle:
        folder = bundle.folder
        assert folder.exists()
    assert not folder.exists()


def test_a_bundle_answers_without_torch(small_run: SmallRun) -> None:
    record = load_manifest(small_run.data).records[0]
    program = """
import sys
for name in ("torch", "lightning", "scipy", "matplotlib"):
    sys.modules[name] = None
from pathlib import Path
from signtalk.bundle import open_bundle
from signtalk.landmarks import load_clip
with open_bundle(Path(sys.argv[1])) as bundle:
    answer = bundle.recognizer.recognize([load_clip(Path(sys.argv[2]))])[0]
print(answer.candidates[0].sentence, "|", answer.translation)
"""
    arguments = [sys.executable, "-c", program, str(small_run.bundle), str(record.feature_path)]
    done = subprocess.run(arguments, capture_output=True, text=True, check=True)
    with open_bundle(small_run.bundle) as bundle:
        answer = bundle.recognizer.recognize([read_clip(record)])[0]
    assert done.stdout.strip() == f"{answer.candidates[0].sentence} | {answer.translation}".strip()


@pytest.mark.parametrize("name", ["../outside.txt", "/etc/outside", "a/../../b", "c:\\windows\\x", "a\\b"])
def test_an_entry_that_leaves_the_bundle_is_refused(name: str, small_run: SmallRun, tmp_path: Path) -> None:
    bad = rewritten(small_run.bundle, tmp_path / "bad.zip", {name: b"x"})
    with pytest.raises(ArtifactError, match="leaves the bundle"):
        open_bundle(bad)


def test_a_link_is_refused(small_run: SmallRun, tmp_path: Path) -> None:
    bad = rewritten(small_run.bundle, tmp_path / "bad.zip", {})
    link = zipfile.ZipInfo("link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(bad, "a") as archive:
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(ArtifactError, match="leaves the bundle"):
        open_bundle(bad)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"tokenizer_vocab.json": b"{}"}, "changed since"),
        ({"decision.json": None}, "incomplete"),
        ({"export_manifest.json": b"[]"}, "bundle format None"),
        ({"export_manifest.json": b'{"format_version": 99}'}, "bundle format 99"),
        ({"export_manifest.json": b'{"format_version": 2}'}, "damaged"),
        ({"export_manifest.json": None}, "no such file"),
    ],
)
def test_damage_is_told(change: dict[str, bytes | None], message: str, small_run: SmallRun, tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=message):
        open_bundle(rewritten(small_run.bundle, tmp_path / "bad.zip", dict(change)))


def test_other_files_are_no_bundle(tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_bytes(b"PK nothing")
    with pytest.raises(ArtifactError, match="not a readable zip"):
        open_bundle(tmp_path / "x.zip")
    with pytest.raises(ArtifactError, match="no such file"):
        open_bundle(tmp_path / "none.zip")


def test_too_many_entries_are_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "many.zip", "w") as archive:
        for number in range(100):
            archive.writestr(str(number), b"")
    with pytest.raises(ArtifactError, match="100 entries"):
        open_bundle(tmp_path / "many.zip")


def test_a_graph_that_is_none_is_told(small_run: SmallRun, tmp_path: Path) -> None:
    import hashlib

    with zipfile.ZipFile(small_run.bundle) as archive:
        manifest = json.loads(archive.read("export_manifest.json"))
    manifest["files"]["sign_encoder.onnx"] = hashlib.sha256(b"no graph").hexdigest()
    changes = {"sign_encoder.onnx": b"no graph", "export_manifest.json": json.dumps(manifest).encode()}
    with pytest.raises(ArtifactError, match="ONNX Runtime cannot load"):
        open_bundle(rewritten(small_run.bundle, tmp_path / "bad.zip", changes))
