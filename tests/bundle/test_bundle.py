import hashlib
import io
import json
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

import signtalk
from made.bundles import entry, old_bundle, resealed, rewritten
from made.small_run import SmallRun
from signtalk.bundle.bundle import open_bundle, unpack_bundle, verify_bundle
from signtalk.data.manifest import clip_of_record, load_manifest
from signtalk.errors import ArtifactError
from signtalk.index.personal import load_layer
from signtalk.recognition.decision import write_decision
from signtalk.recognition.enrolment import NewSentence, enroll
from signtalk.recognition.gate import GateConfig
from signtalk.recognition.recognizer import DecisionConfig


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
from signtalk.bundle.bundle import open_bundle
from signtalk.landmarks.clip import load_clip
with open_bundle(Path(sys.argv[1])) as bundle:
    answer = bundle.recognizer.recognize([load_clip(Path(sys.argv[2]))])[0]
print(answer.candidates[0].sentence, "|", answer.translation)
"""
    arguments = [sys.executable, "-c", program, str(small_run.bundle), str(record.feature_path)]
    done = subprocess.run(arguments, capture_output=True, text=True, check=True)
    with open_bundle(small_run.bundle) as bundle:
        answer = bundle.recognizer.recognize([clip_of_record(record)])[0]
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
        ({"decision.json": None}, "bad.zip: no file 'decision.json'; the bundle is incomplete"),
        ({"export_manifest.json": b"[]"}, "bundle format None; .*; export it again"),
        (
            {"export_manifest.json": b'{"format_version": 99}'},
            "bundle format 99; this SignTalk reads 2, 3, 4, 5, 6; install a newer",
        ),
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


def test_a_bundle_of_the_version_before_answers_the_same_without_texts(small_run: SmallRun, tmp_path: Path) -> None:
    record = load_manifest(small_run.data).records[0]
    with open_bundle(old_bundle(small_run.bundle, tmp_path / "old.zip")) as old, open_bundle(small_run.bundle) as new:
        assert old.manifest.format_version == 2
        assert old.recognizer.text_space is None
        assert new.recognizer.text_space is not None
        clips = [clip_of_record(record)]
        assert old.recognizer.recognize(clips) == new.recognizer.recognize(clips)
    assert "text_embedding" not in verify_bundle(tmp_path / "old.zip")


def test_a_bundle_with_flipped_bytes_is_refused_under_its_own_name(small_run: SmallRun, tmp_path: Path) -> None:
    good = small_run.bundle.read_bytes()
    directory = good.index(b"PK\x01\x02")
    bad = tmp_path / "bad.zip"
    # compression method, flags, CRC and size in the central directory, and bytes of the compressed data
    for place in (directory + 10, directory + 8, directory + 16, directory + 20, 60, 200, len(good) // 2):
        for flip in (0x01, 0x63, 0xFF):
            damaged = bytearray(good)
            damaged[place] ^= flip
            bad.write_bytes(damaged)
            try:
                open_bundle(bad).close()
            except ArtifactError as error:
                assert str(bad) in str(error)
                assert "signtalk-bundle-" not in str(error)
                assert "\n" not in str(error)


def test_a_bundle_tells_of_no_disk(small_run: SmallRun) -> None:
    with zipfile.ZipFile(small_run.bundle) as archive:
        for name in archive.namelist():
            content = archive.read(name)
            for place in (str(small_run.out), str(Path(signtalk.__file__).parent), "site-packages"):
                assert place.encode() not in content, (name, place)


def test_too_many_entries_are_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "many.zip", "w") as archive:
        for number in range(100):
            archive.writestr(str(number), b"")
    with pytest.raises(ArtifactError, match="100 entries"):
        open_bundle(tmp_path / "many.zip")


def npz(arrays: dict[str, np.ndarray]) -> bytes:
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return stream.getvalue()


def npy(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def refused(bundle: Path, message: str) -> None:
    """Whoever verifies it, or serves it, gets one line that names the file that they gave."""
    with pytest.raises(ArtifactError, match=message) as told:
        verify_bundle(bundle)
    assert str(bundle) in str(told.value)
    assert "\n" not in str(told.value)
    assert "signtalk-bundle-" not in str(told.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"decoder": {"num_heads": 0}}, "model_config.json or decision.json is damaged .num_heads: Input should be"),
        ({"decoder": {"num_layers": 10**9}}, "num_layers"),
        ({"decoder": {"vocabulary_size": 5}}, "words; the decoder has 5"),
        ({"decoder": None}, "is damaged"),
        ({"decoder": {"num_layers": 7}}, "does not run on tokens"),
    ],
)
def test_a_model_config_that_does_not_fit_is_told(
    change: dict[str, dict[str, int] | None], message: str, small_run: SmallRun, tmp_path: Path
) -> None:
    config = json.loads(entry(small_run.bundle, "model_config.json"))
    for name, value in change.items():
        config["model"][name] = value if value is None else config["model"][name] | value
    changed = {"model_config.json": json.dumps(config).encode()}
    refused(resealed(small_run.bundle, tmp_path / "bad.zip", changed), message)


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("golden.npz", {"valid": None}, "golden.npz is damaged .KeyError: 'valid'"),
        ("golden.npz", {"features": np.zeros((1, 4, 3), dtype=np.float32)}, "does not run on features"),
        ("golden.npz", {"embedding": np.array([["x"]])}, "golden clips differ by inf"),
        ("golden.npz", {"embedding": np.array([{}])}, "pickled objects, which are never read"),
        ("signs.npz", {"starts": np.zeros(3, dtype=np.int32)}, "signs.npz: damaged"),
        ("signs.npz", {"points": np.array([{}])}, "pickled objects, which are never read"),
        ("index/prototypes.npz", {"counts": np.array([], dtype=np.float32)}, "expected .* one row a sentence"),
    ],
)
def test_arrays_that_do_not_fit_are_told(
    name: str, change: dict[str, np.ndarray | None], message: str, small_run: SmallRun, tmp_path: Path
) -> None:
    arrays = dict(np.load(io.BytesIO(entry(small_run.bundle, name)))) | change
    content = npz({key: value for key, value in arrays.items() if value is not None})
    refused(resealed(small_run.bundle, tmp_path / "bad.zip", {name: content}), message)


@pytest.mark.parametrize("name", ["index/embeddings.npy", "index/projections.npy"])
def test_references_that_are_not_finite_are_told(name: str, small_run: SmallRun, tmp_path: Path) -> None:
    array = np.load(io.BytesIO(entry(small_run.bundle, name)))
    array[1] = np.nan
    refused(resealed(small_run.bundle, tmp_path / "bad.zip", {name: npy(array)}), "not of unit length|are not finite")


def test_golden_answers_of_no_number_are_not_reached_by_any_encoder(small_run: SmallRun, tmp_path: Path) -> None:
    arrays = dict(np.load(io.BytesIO(entry(small_run.bundle, "golden.npz"))))
    arrays["embedding"] = np.full_like(arrays["embedding"], np.nan)
    bad = resealed(small_run.bundle, tmp_path / "bad.zip", {"golden.npz": npz(arrays)})
    refused(bad, "golden clips differ by nan; allowed 0.001; do not use this bundle")


@pytest.mark.parametrize("name", ["a" * 5000, "../../etc/passwd", "/etc/passwd", "a\0b"])
def test_files_of_the_manifest_lie_in_the_bundle(name: str, small_run: SmallRun, tmp_path: Path) -> None:
    manifest = json.loads(entry(small_run.bundle, "export_manifest.json"))
    listed = {**manifest, "files": {**manifest["files"], name: "0" * 64}}
    bad = rewritten(small_run.bundle, tmp_path / "bad.zip", {"export_manifest.json": json.dumps(listed).encode()})
    refused(bad, "the bundle is incomplete")
    variants = {"int8": manifest["variants"]["made"]["int8"] | {"file": name}}
    listed = {**manifest, "variants": manifest["variants"] | {"made": variants}}
    bad = rewritten(small_run.bundle, tmp_path / "bad.zip", {"export_manifest.json": json.dumps(listed).encode()})
    refused(bad, "no file of the variant 'int8'")


def test_a_folder_without_a_bundle_and_a_zip_that_is_a_folder_are_told(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="no such file; a bundle is the zip that `signtalk export` wrote"):
        open_bundle(tmp_path)
    with pytest.raises(ArtifactError, match="a folder, not a zip; it can be used as it is"):
        unpack_bundle(tmp_path, tmp_path / "out")


def test_a_graph_that_is_none_is_told(small_run: SmallRun, tmp_path: Path) -> None:
    with zipfile.ZipFile(small_run.bundle) as archive:
        manifest = json.loads(archive.read("export_manifest.json"))
    manifest["files"]["sign_encoder.onnx"] = hashlib.sha256(b"no graph").hexdigest()
    changes = {"sign_encoder.onnx": b"no graph", "export_manifest.json": json.dumps(manifest).encode()}
    with pytest.raises(ArtifactError, match="ONNX Runtime cannot load"):
        open_bundle(rewritten(small_run.bundle, tmp_path / "bad.zip", changes))


def test_a_bundle_without_its_sentences_answers_with_what_is_taught_alone(small_run: SmallRun, tmp_path: Path) -> None:
    record = next(record for record in load_manifest(small_run.data).records if not record.is_idle)
    with open_bundle(small_run.bundle) as bundle:
        bare = bundle.without_sentences()
        assert len(bundle.recognizer.index) > 0 and len(bare.recognizer.index) == 0
        assert bare.recognizer.index.encoder_id == bundle.recognizer.index.encoder_id
        assert bare.recognizer.recognize([clip_of_record(record)])[0].reason == "empty_index"
        enroll(bare.recognizer, tmp_path / "ward", NewSentence("The kettle whistles"), {"a": clip_of_record(record)})
        taught = bare.recognizer.changed(index=load_layer(tmp_path / "ward", bare.recognizer.index.encoder_id))
        (answer,) = taught.recognize([clip_of_record(record)])
        assert [each.sentence for each in answer.candidates] == ["The kettle whistles"]


def test_a_bundle_decides_by_what_was_fitted_for_another_camera(small_run: SmallRun, tmp_path: Path) -> None:
    with open_bundle(small_run.bundle) as bundle:
        encoder_id = bundle.recognizer.index.encoder_id
        fitted = DecisionConfig(gate=GateConfig(threshold=0.123), translate=False)
        write_decision(tmp_path / "here.json", fitted, {}, encoder_id)
        assert bundle.decided_by(tmp_path / "here.json").recognizer.decision == fitted
        assert bundle.decided_by(None) is bundle
        write_decision(tmp_path / "other.json", fitted, {}, "another-model")
        with pytest.raises(ArtifactError, match="fitted for another model"):
            bundle.decided_by(tmp_path / "other.json")
