import importlib.util
import sys
import uuid

import pytest

from signtalk.errors import ConfigError, DataError, MissingExtraError
from signtalk.extraction.storage import RemoteFolder
from signtalk.files import TEMPORARY_PREFIX

fsspec = pytest.importorskip("fsspec", reason="needs fsspec: pip install 'signtalk[extract]'")


@pytest.fixture(params=["file", "memory"])
def remote(request, tmp_path):
    place = f"{tmp_path}/far" if request.param == "file" else uuid.uuid4().hex
    folder = RemoteFolder(f"{request.param}://{place}/data", tmp_path / "here")
    folder.prepare([folder.root / "clips"])
    return folder


def local_file(folder, text):
    path = folder / "local"
    path.write_text(text)
    return path


def test_what_is_put_can_be_listed_and_got_again(remote, tmp_path):
    clip, table = remote.root / "clips" / "1A.npz", remote.root / "table.csv"
    assert remote.paths() == set()
    remote.put(local_file(tmp_path, "one"), clip)
    remote.put(local_file(tmp_path, "two"), clip)  # in place of the first
    remote.put(local_file(tmp_path, "a,b"), table)
    assert remote.paths() == {clip, table}
    assert remote.get(clip, tmp_path / "back") and (tmp_path / "back").read_text() == "two"
    assert not remote.get(remote.root / "clips" / "2A.npz", tmp_path / "none")
    assert not (tmp_path / "none").exists()
    assert not remote.root.exists()  # nothing is written into the folder here


def test_a_copy_that_fails_leaves_the_old_file_and_nothing_else(remote, tmp_path, monkeypatch):
    clip = remote.root / "clips" / "1A.npz"
    remote.put(local_file(tmp_path, "old"), clip)
    system, base = fsspec.core.url_to_fs(remote.url)

    def broken(local, name):
        system.pipe_file(name, b"hal")
        raise OSError("the line is cut")

    with monkeypatch.context() as patched:
        patched.setattr(system, "put_file", broken)
        with pytest.raises(DataError, match=r"1A.npz cannot be written .*the line is cut.*command again"):
            remote.put(local_file(tmp_path, "new"), clip)
    assert system.find(base) == [f"{base}/clips/1A.npz"]
    assert remote.get(clip, tmp_path / "back") and (tmp_path / "back").read_text() == "old"


def test_what_a_killed_process_left_is_removed(remote, tmp_path):
    remote.put(local_file(tmp_path, "x"), remote.root / "clips" / "1A.npz")
    system, base = fsspec.core.url_to_fs(remote.url)
    system.pipe_file(f"{base}/clips/{TEMPORARY_PREFIX}abc.npz", b"half")
    assert remote.paths() == {remote.root / "clips" / "1A.npz"}
    assert len(system.find(base)) == 1


def test_what_cannot_be_opened_is_told(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="expected a URL"):
        RemoteFolder("/some/folder", tmp_path).paths()
    with pytest.raises(ConfigError, match="nonsense"):
        RemoteFolder("nonsense://secret@x/data", tmp_path).paths()
    with pytest.raises(DataError, match="folders cannot be made") as refusal:
        RemoteFolder(f"file://{tmp_path}/file/data", tmp_path).prepare([tmp_path / "clips"])
    assert "\n" not in str(refusal.value)
    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(MissingExtraError, match="needs fsspec"):
        RemoteFolder("memory://x", tmp_path).paths()


@pytest.mark.skipif(importlib.util.find_spec("s3fs") is not None, reason="s3fs is installed")
def test_a_missing_plugin_is_named(tmp_path):
    with pytest.raises(MissingExtraError, match=r"s3://.*s3fs"):
        RemoteFolder("s3://bucket/data", tmp_path).paths()
