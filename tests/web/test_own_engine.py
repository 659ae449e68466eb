"""What was taught to an offline page, by its engine in node: carried to another model, as a file out of it and into it.

The page's files and those of `signtalk collection` are the same: each reads what the other writes.
"""

import base64
import csv
import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import signtalk
from made.checkpoint import tiny_checkpoint
from made.clips import made_clip, resting
from made.drawn import drawn_folder
from made.taught import FRAMES, ruled, same_landmarks, signed, teach
from made.web import MODULES, NODE, asked_in_node, needs, needs_ort
from signtalk.bundle.archive import unpack_zip
from signtalk.bundle.base import new_bundle
from signtalk.bundle.bundle import Bundle, open_bundle
from signtalk.bundle.collection import COLLECTION_ZIP, export_collection, import_collection
from signtalk.bundle.web import write_web_bundle
from signtalk.data.check import check_folder
from signtalk.data.manifest import clip_of_record, describe_clip, load_manifest
from signtalk.errors import ExportRefusedError
from signtalk.files import read_csv
from signtalk.index.said import read_said, said_id
from signtalk.index.takes import TAKE_COLUMNS, clip_path, read_takes
from signtalk.landmarks.clip import PARTS, LandmarkClip, load_clip, save_clip
from signtalk.landmarks.wire import decode_clip
from signtalk.training.checkpoint import save_checkpoint

RUNNER = "collection_runner.mjs"
needs_fflate = needs(
    NODE is not None and (MODULES / "fflate").is_dir(), "node or fflate is not installed; run `make web`"
)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bundle]:
    with open_bundle(new_bundle(tmp_path_factory.mktemp("made") / "clinic.zip")) as opened:
        yield opened


@pytest.fixture(scope="module")
def web(bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("web") / "bundle"
    write_web_bundle(bundle, folder)
    return folder


def of_another_model(web: Path, folder: Path) -> Path:
    """The same networks under another name, which is all that an engine knows a model by."""
    folder.mkdir()
    for path in web.iterdir():
        (folder / path.name).hardlink_to(path)
    manifest = json.loads((web / "manifest.json").read_text())
    (folder / "manifest.json").unlink()
    (folder / "manifest.json").write_text(json.dumps(manifest | {"encoder_id": "another-model"}))
    return folder


@needs_ort
@pytest.mark.slow
def test_a_newer_page_is_taught_again_what_was_kept_and_tells_what_was_not(web: Path, tmp_path: Path) -> None:
    newer = of_another_model(web, tmp_path / "newer")
    seen = asked_in_node(tmp_path, "carried", (signed(1), signed(2)), bundle=str(web), newer=str(newer))
    assert [(each["sentence"], each["num_lost"]) for each in seen["before"]] == [
        ("Open your mouth", 0), ("The pump beeps.", 0),
    ]  # fmt: skip
    assert [(each["sentence"], each["num_lost"]) for each in seen["after"]] == [
        ("Open your mouth", 1), ("The pump beeps.", 0),
    ]  # fmt: skip
    assert seen["again"] == seen["after"]
    assert [each["sentence"] for each in seen["answer"]["candidates"]] == ["The pump beeps."]
    # Two of the first model and one of the other; forgetting reached the first model's, too.
    assert seen["vectors"] == [2, 2] and sorted(seen["encoders"])[0] == "another-model" and len(seen["encoders"]) == 2


def lost(clip: LandmarkClip) -> LandmarkClip:
    """Without its left hand, uneven in time, of a shape and visibility that nobody told."""
    landmarks = clip.landmarks.copy()
    landmarks[:, 33:54] = np.nan
    times = clip.timestamps_s + np.linspace(0, 0.01, clip.num_frames) ** 2
    return replace(
        clip, landmarks=landmarks, timestamps_s=times, aspect=None, visibility=np.full_like(clip.visibility, np.nan)
    )


def of_base64(text: str) -> LandmarkClip:
    return decode_clip(base64.b64decode(text))


@needs_fflate
def test_a_clip_is_the_same_file_in_the_page_and_in_python(tmp_path: Path) -> None:
    clips = (signed(1), lost(signed(2)), replace(signed(3), aspect=1.25))
    files = [tmp_path / f"python{number}.npz" for number in range(len(clips))]
    for file, clip in zip(files, clips, strict=True):
        save_clip(file, clip)
    with np.load(files[0]) as stored:
        arrays = dict(stored)
    odd = []
    for name, changed in (
        ("version", {"format_version": np.array(99, dtype=np.int32)}),
        ("shape", {"landmarks": arrays["landmarks"][:, :50]}),
        ("kind", {"landmarks": arrays["landmarks"].astype(complex)}),
        ("times", {"timestamps_s": arrays["timestamps_s"][::-1]}),
        ("far", {"landmarks": arrays["landmarks"] * 1e6}),
    ):
        odd.append(tmp_path / f"{name}.npz")
        np.savez(odd[-1], **{**arrays, **changed})
    (tmp_path / "cut.npz").write_bytes(files[0].read_bytes()[:-500])
    odd.append(tmp_path / "cut.npz")
    # Fewer landmarks in another order, doubles, and a rate in place of times.
    few = slice(0, None, 2)
    np.savez(
        tmp_path / "few.npz", format_version=arrays["format_version"], fps=np.array(30.0),
        landmark_names=arrays["landmark_names"][few][::-1],
        landmarks=arrays["landmarks"][:, few][:, ::-1].astype(np.float64),
    )  # fmt: skip
    seen = asked_in_node(
        tmp_path, "npz", clips, RUNNER, out=str(tmp_path), odd=[str(file) for file in odd],
        files=[str(file) for file in (*files, tmp_path / "few.npz")],
    )  # fmt: skip
    for number, clip in enumerate(clips):
        assert same_landmarks(load_clip(tmp_path / f"js{number}.npz"), clip)
        read = of_base64(seen["read"][number])
        np.testing.assert_array_equal(read.landmarks, clip.landmarks)
        np.testing.assert_array_equal(read.timestamps_s, clip.timestamps_s - clip.timestamps_s[0])
        np.testing.assert_array_equal(read.visibility, clip.visibility)
        assert read.aspect == clip.aspect
    np.testing.assert_array_equal(of_base64(seen["read"][3]).landmarks, load_clip(tmp_path / "few.npz").landmarks)
    assert all(seen["refused"])


@needs_fflate
def test_dangerous_zips_are_refused_before_anything_is_unpacked(tmp_path: Path) -> None:
    names = ["../out", "/etc/passwd", "a/../b", "a//b", "C:x", "a\\b", "x" * 200, "bell\x07"]
    files = []
    for number, name in enumerate(names):
        files.append(tmp_path / f"{number}.zip")
        with zipfile.ZipFile(files[-1], "w") as archive:
            archive.writestr(zipfile.ZipInfo(name), b"x")
    with zipfile.ZipFile(tmp_path / "twice.zip", "w") as archive:
        archive.writestr("a.csv", b"x")
        archive.writestr("A.csv", b"x")
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", bytes(40 * 1024**2))
    with zipfile.ZipFile(tmp_path / "many.zip", "w") as archive:
        for number in range(9):
            archive.writestr(f"{number}.csv", b"x")
    (tmp_path / "none.zip").write_bytes(b"no zip at all")
    files += [tmp_path / f"{name}.zip" for name in ("twice", "bomb", "many", "none")]
    seen = asked_in_node(tmp_path, "zips", (), RUNNER, files=[str(file) for file in files])
    assert ["leads elsewhere" in each for each in seen[: len(names)]] == [True] * 6 + [False, True]
    ends = ["too long a name", "is there twice", "unpacks to too much", "too large", "not a readable zip"]
    assert all(end in each for end, each in zip(ends, [seen[6], *seen[-4:]], strict=True))


@needs_fflate
def test_tables_and_names_of_files_are_those_of_python(tmp_path: Path) -> None:
    cells = [["a", "b"], ['He said "no", twice', " x "], ["", ""], ["two\nlines", "ünï"]]
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(cells)
    ids = ["a-3f09c1d2", "A-3f09c1d2", "../../etc/passwd", "con", " a b ", "ñ" * 200, "...", "a:b?", "enrolled-1"]
    seen = asked_in_node(tmp_path, "tables", (), RUNNER, text=text.getvalue(), ids=ids)
    (tmp_path / "table.csv").write_text(text.getvalue())
    columns, rows = read_csv(tmp_path / "table.csv")
    assert (seen["columns"], seen["rows"]) == (columns, rows)
    assert seen["text"] == text.getvalue().replace(" x ", "x")
    assert [f"{name}.npz" for name in seen["names"]] == [clip_path(tmp_path, clip_id).name for clip_id in ids]


@needs_ort
@needs_fflate
@pytest.mark.slow
def test_python_reads_what_a_page_saved(web: Path, tmp_path: Path) -> None:
    clips = (signed(1), signed(2), signed(3), signed(4))
    seen = asked_in_node(tmp_path, "packed", clips, RUNNER, bundle=str(web), out=str(tmp_path))
    assert "no such clip is kept" in seen["nothing"]
    assert (tmp_path / "all.zip").read_bytes() == (tmp_path / "again.zip").read_bytes()
    imported = import_collection(ruled(2), tmp_path / "all.zip", tmp_path / "ward")
    assert (imported.sentences, imported.left_out) == (("Open your mouth", 'The "pump", beeps'), ())
    takes = {take.sentence: take for take in read_takes(tmp_path / "ward").values()}
    by_page = {take["sentence"]: take for take in seen["takes"]}
    for sentence, number in (('The "pump", beeps', 1), ("Open your mouth", 2)):
        told = {name: getattr(takes[sentence], name) for name in TAKE_COLUMNS}
        assert told == {name: by_page[sentence][name] for name in TAKE_COLUMNS}
        assert same_landmarks(load_clip(clip_path(tmp_path / "ward", takes[sentence].clip_id)), signed(number))
    assert import_collection(ruled(2), tmp_path / "all.zip", tmp_path / "ward").num_known == 3
    unpack_zip(tmp_path / "training.zip", tmp_path / "training", COLLECTION_ZIP)
    assert set(read_takes(tmp_path / "training")) == {takes["Open your mouth"].clip_id, seen["said"]}
    (said,) = read_said(tmp_path / "ward").values()
    assert (said.clip_id, said.sentence, said.origin) == (seen["said"], "The pump peeps", "corrected")
    assert seen["said"] == said_id(signed(4)) and said.sentence_id == by_page["The pump peeps"]["sentence_id"]


@needs_ort
@needs_fflate
@pytest.mark.slow
def test_what_a_page_saved_is_a_data_folder_as_python_writes_it(web: Path, tmp_path: Path) -> None:
    clips = (signed(1), lost_hands(signed(2)), signed(3), no_torso(signed(4)))
    asked_in_node(tmp_path, "packed", clips, RUNNER, bundle=str(web), out=str(tmp_path))
    unpack_zip(tmp_path / "all.zip", tmp_path / "page", COLLECTION_ZIP)
    report = check_folder(tmp_path / "page")
    assert not report.problems, report.problems
    records = load_manifest(tmp_path / "page", strict=True).records
    assert [(record.sentence, record.signer_id) for record in records] == [
        ("Open your mouth", "s08"), ("The pump peeps", "s09"),
    ]  # fmt: skip
    for record, number in zip(records, (1, 3), strict=True):
        assert same_landmarks(clip_of_record(record), clips[number])
        for name, value in vars(describe_clip(clips[number])).items():
            assert getattr(record, name) == pytest.approx(value, rel=1e-5, nan_ok=True), name
    # The same takes by Python: the same table.
    import_collection(ruled(2), tmp_path / "all.zip", tmp_path / "ward")
    export_collection(tmp_path / "ward", tmp_path / "ward.zip")
    unpack_zip(tmp_path / "ward.zip", tmp_path / "data", COLLECTION_ZIP)
    (columns, by_page), (same, by_python) = (
        read_csv(tmp_path / f / "processed_metadata.csv") for f in ("page", "data")
    )
    assert columns == same and len(by_page) == len(by_python) == 2
    for ours, theirs in zip(by_page, by_python, strict=True):
        for name in columns:
            if "." in theirs[name] and theirs[name].replace(".", "").replace("e-", "").isdigit():
                assert float(ours[name]) == pytest.approx(float(theirs[name]), rel=1e-5), name
            else:
                assert ours[name] == theirs[name], name


@needs_ort
@needs_fflate
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_models_are_trained_and_adapted_with_what_a_page_saved(web: Path, tmp_path: Path) -> None:
    pytest.importorskip("lightning")
    drawn = drawn_folder(tmp_path / "drawn", sentences=4, people=3).records
    told = [{"words": record.sentence, "signer": record.signer_id} for record in drawn]
    clips = tuple(map(clip_of_record, drawn))
    assert asked_in_node(tmp_path, "people", clips, RUNNER, bundle=str(web), out=str(tmp_path), told=told) == 12
    unpack_zip(tmp_path / "people.zip", tmp_path / "data", COLLECTION_ZIP)
    assert len(load_manifest(tmp_path / "data", strict=True).records) == 12
    checkpoint = tiny_checkpoint("conv-transformer")
    weights = tmp_path / "model.safetensors"
    save_checkpoint(weights, checkpoint.model, checkpoint.features, checkpoint.tokenizer, checkpoint.origin)
    run = signtalk.train(
        tmp_path / "data", tmp_path / "run", init=weights, epochs=1, progress=False, strict=True,
        settings=[
            "features.num_frames=24", "network.width=16", "network.embedding_dim=16", "network.num_layers=1",
            "network.num_heads=2", "network.feed_forward=16", "network.conv_blocks=1", "network.kernel_size=5",
        ],
    )  # fmt: skip
    assert run.result is not None and run.result.epochs == 1
    try:
        adapted = signtalk.adapt("base", tmp_path / "data", tmp_path / "adapted.zip", steps=1)
        assert adapted.adaptation.num_questions == 12
    except ExportRefusedError as error:  # of so little nobody learns
        assert "gain" in str(error)


@needs_ort
@needs_fflate
@pytest.mark.slow
def test_what_is_said_is_kept_beside_what_is_taught_and_answers_nothing(web: Path, tmp_path: Path) -> None:
    still = made_clip(resting(FRAMES, "left"), resting(FRAMES, "right"))
    seen = asked_in_node(tmp_path, "said", (signed(1), signed(2), signed(3), still), RUNNER, bundle=str(web))
    assert seen["ids"] == [said_id(signed(1)), said_id(signed(2))]
    assert seen["untouched"] and same_landmarks(of_base64(seen["kept"]), signed(1))
    (pump,) = seen["listed"]
    assert (pump["num_clips"], pump["num_said"], pump["num_lost"], pump["signers"]) == (0, 2, 0, ["s07"])
    assert [take["origin"] for take in pump["takes"]] == ["confirmed", "corrected"]
    assert [(each["sentence"], each["num_said"]) for each in seen["moved"]] == [("Another", 1), ("the pump beeps", 1)]
    assert all(message in refused for message, refused in zip(
        ("consent to training", "holds no word", "hand speed"), seen["refused"], strict=True
    ))  # fmt: skip
    assert seen["reopened"] == seen["moved"] and seen["references"] == 0  # a newer model is not taught it either
    assert seen["bare"] == []
    (more,) = seen["end"]
    assert (more["sentence"], more["num_clips"], more["num_said"]) == ("One more", 1, 1) and seen["stored"] == 2


def lost_hands(clip: LandmarkClip) -> LandmarkClip:
    """Without the right hand in some frames, and without any score."""
    landmarks = clip.landmarks.copy()
    landmarks[5:9, PARTS["right_hand"]] = np.nan
    return replace(clip, landmarks=landmarks, visibility=np.full_like(clip.visibility, np.nan))


def no_torso(clip: LandmarkClip) -> LandmarkClip:
    """Without a body in some frames."""
    landmarks = clip.landmarks.copy()
    landmarks[7:10, PARTS["pose"]] = np.nan
    return replace(clip, landmarks=landmarks)


def rewritten(source: Path, target: Path, change: Any) -> Path:
    """A collection whose table of takes was changed."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            new.writestr(name, change(content.decode()).encode() if name == "takes.csv" else content)
    return target


@needs_ort
@needs_fflate
@pytest.mark.slow
def test_a_page_reads_what_python_wrote(web: Path, tmp_path: Path) -> None:
    here = ruled(1)
    teach(
        here, tmp_path / "mine", 1, 2, text="Ça fait mal, où ?", consent="recognize", language="fr", date="2026-11-28"
    )
    teach(here, tmp_path / "mine", 3, text="Open your mouth", consent="train", date="2026-11-29")
    teach(here, tmp_path / "mine", 4, text="Never kept")
    export_collection(tmp_path / "mine", tmp_path / "mine.zip")
    odd = [
        rewritten(tmp_path / "mine.zip", tmp_path / f"{number}.zip", change)
        for number, change in enumerate([
            lambda text: text.replace("recognize", "everything"),
            lambda text: text.replace("clip_id,", "clip,"),
            lambda text: text.replace("2026-11-28", "2026-02-30"),
            lambda text: text + text.splitlines()[1] + "\n",
        ])
    ]  # fmt: skip
    seen = asked_in_node(
        tmp_path, "taught", (signed(9),), RUNNER, bundle=str(web), file=str(tmp_path / "mine.zip"),
        odd=[str(file) for file in odd],
    )  # fmt: skip
    first, takes = seen["first"], read_takes(tmp_path / "mine")
    assert set(first["clip_ids"]) == {clip_id for clip_id, take in takes.items() if take.consent}
    assert (first["num_known"], first["left_out"]) == (0, [])
    assert (seen["again"]["clip_ids"], seen["again"]["num_known"]) == ([], 3)
    for clip_id, kept in zip(first["clip_ids"], seen["kept"], strict=True):
        np.testing.assert_array_equal(
            of_base64(kept).landmarks, load_clip(clip_path(tmp_path / "mine", clip_id)).landmarks
        )
    listed = {each["sentence"]: each for each in seen["listed"]}
    assert set(listed) == {"A sentence of this laptop", "Ça fait mal, où ?", "Open your mouth"}
    assert listed["Ça fait mal, où ?"] == {
        "sentence": "Ça fait mal, où ?",
        "signers": ["s09"],
        "language": "fr",
        "kept_": 2,
    }
    for message, refused in zip(
        ("consent 'everything'", "other columns", "date '2026-02-30'", "twice"), seen["refused"], strict=True
    ):
        assert message in refused
    assert seen["takes"] == 4
