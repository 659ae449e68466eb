"""A clinic's folder: made once, private, and carried to another model without a loss."""

import os
import shutil
import zipfile
from pathlib import Path

import pytest

from made.small_run import SmallRun
from made.taught import signed
from signtalk.bundle.bundle import open_bundle
from signtalk.errors import ArtifactError, DataError
from signtalk.index.personal import layer_exists, load_layer
from signtalk.recognition.enrolment import NewSentence, enroll
from signtalk.service.clinic import ClinicFolder


@pytest.fixture
def clinic(tmp_path: Path) -> ClinicFolder:
    made = ClinicFolder(tmp_path / "clinic")
    made.make_what_is_missing()
    return made


def teach(clinic: ClinicFolder, consent: str) -> None:
    with open_bundle(clinic.bundle) as bundle:
        sentence = NewSentence("The pump beeps", "devices", "s07", consent=consent)  # type: ignore[arg-type]
        enroll(bundle.recognizer, clinic.taught, sentence, {"a.npz": signed(1)})


def test_what_is_missing_is_made_and_what_is_there_stays(clinic: ClinicFolder) -> None:
    key = clinic.key().get_secret_value()
    assert len(key) >= 32
    assert clinic.is_private
    clinic.bundle.write_bytes(b"mine")
    clinic.make_what_is_missing()
    assert (clinic.key().get_secret_value(), clinic.bundle.read_bytes()) == (key, b"mine")
    assert sorted(path.name for path in clinic.folder.iterdir()) == ["clinic.zip", "key.txt"]


@pytest.mark.skipif(os.name == "nt", reason="no such rights there")
def test_a_key_that_others_read_is_noticed(clinic: ClinicFolder) -> None:
    assert clinic.key_file.stat().st_mode & 0o777 == 0o600
    clinic.key_file.chmod(0o644)
    assert not clinic.is_private


@pytest.mark.parametrize("content", [b"", b"  \n", b"\xff\xfe"])
def test_a_key_that_is_none_is_told(content: bytes, clinic: ClinicFolder) -> None:
    clinic.key_file.write_bytes(content)
    with pytest.raises(ArtifactError, match=r"key\.txt: .*delete it, and a new key is made"):
        clinic.key()


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot write there"):
        ClinicFolder(tmp_path / "file" / "clinic").make_what_is_missing()


def test_the_bundle_before_can_answer_again(clinic: ClinicFolder, tmp_path: Path) -> None:
    before, another = clinic.bundle.read_bytes(), tmp_path / "another.zip"
    shutil.copyfile(clinic.bundle, another)
    with zipfile.ZipFile(another, "a") as file:
        file.comment = b"another"
    for _ in range(2):  # asked for again, as by a shortcut that is opened each day
        clinic.answer_with(another)
        assert (clinic.bundle.read_bytes(), clinic.bundle_before.read_bytes()) == (another.read_bytes(), before)
    clinic.answer_with(clinic.bundle_before)
    assert (clinic.bundle.read_bytes(), clinic.bundle_before.read_bytes()) == (before, another.read_bytes())


@pytest.mark.slow
def test_another_model_knows_what_was_taught(clinic: ClinicFolder, small_run: SmallRun) -> None:
    assert clinic.answer_with(small_run.bundle) is None
    clinic.answer_with("base")
    teach(clinic, "recognize")
    before = clinic.bundle.read_bytes()
    carried = clinic.answer_with(small_run.bundle)
    assert carried is not None
    assert carried.sentences == ("The pump beeps",)
    with open_bundle(clinic.bundle) as bundle:
        assert len(load_layer(clinic.taught, bundle.recognizer.index.encoder_id)) == 1
    assert clinic.bundle_before.read_bytes() == before
    # Killed between the index and the bundle: the next call finds the index carried already.
    clinic.bundle.write_bytes(before)
    clinic.answer_with(small_run.bundle)
    assert clinic.bundle.read_bytes() == small_run.bundle.read_bytes()


@pytest.mark.slow
def test_what_cannot_be_carried_changes_nothing(clinic: ClinicFolder, small_run: SmallRun) -> None:
    teach(clinic, "")
    before = clinic.bundle.read_bytes()
    with pytest.raises(DataError, match="cannot be carried"):
        clinic.answer_with(small_run.bundle)
    with pytest.raises(ArtifactError, match=r"none\.zip: no such file; give a bundle"):
        clinic.answer_with(clinic.folder / "none.zip")
    with pytest.raises(ArtifactError, match="not a zip but a folder"):
        clinic.answer_with(clinic.folder)
    assert clinic.bundle.read_bytes() == before
    assert layer_exists(clinic.taught)
