"""The front door: what `import signtalk` offers, asked as a user of Python would."""

import json
import pickle
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import signtalk
from made.clips import made_clip, resting
from made.small_run import SmallRun
from signtalk.data.manifest import load_manifest

QUICK = 0.1


@pytest.fixture(scope="module")
def model(small_run: SmallRun):
    with signtalk.load(small_run.bundle) as opened:
        yield opened


@pytest.fixture(scope="module")
def clips(small_run: SmallRun) -> list[Path]:
    return [record.feature_path for record in load_manifest(small_run.data).records[:3]]


def same_answer(one: signtalk.Answer, other: signtalk.Answer) -> bool:
    """Numbers may differ in their last digits: sums round as clips happen to lie beside each other."""
    same_candidates = [c.clip_id for c in one.candidates] == [c.clip_id for c in other.candidates]
    return same_candidates and one.reason == other.reason and abs(one.confidence - other.confidence) < 1e-4


def test_what_is_offered_is_what_is_listed() -> None:
    assert sorted(signtalk.__all__) == sorted(["__version__", *signtalk._WHERE])
    for name in signtalk.__all__:
        assert getattr(signtalk, name) is not None
    assert dir(signtalk) == sorted(signtalk.__all__)
    with pytest.raises(AttributeError, match="no attribute 'recognise'; it offers"):
        _ = signtalk.recognise


def test_importing_is_instant_and_loads_nothing() -> None:
    program = (
        "import sys, time; before = set(sys.modules); began = time.process_time(); import signtalk;"
        "print(time.process_time() - began, *(set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    seconds, *modules = done.stdout.split()
    assert {name.split(".")[0] for name in modules} & {"numpy", "torch", "onnxruntime", "pydantic", "rich"} == set()
    assert float(seconds) < QUICK


def test_a_bundle_answers_one_clip_and_many(model: signtalk.Model, clips: list[Path]) -> None:
    one = model.recognize(str(clips[0]))
    assert isinstance(one, signtalk.Answer)
    many = model.recognize(clips)
    assert list(many.clips) == [str(path) for path in clips]
    assert same_answer(many[0], one)
    assert len(many) == len(clips)
    read = model.recognize([signtalk.read_clip(path) for path in clips])
    assert read.clips == ("clip 1", "clip 2", "clip 3")
    assert all(same_answer(*pair) for pair in zip(read, many, strict=True))
    rows = many.to_dicts()
    assert [row["clip"] for row in rows] == list(many.clips)
    assert {"text", "outcome", "confidence", "candidates"} <= rows[0].keys()
    assert str(many).splitlines()[0] == f"{clips[0]}: {one}"


def test_a_folder_is_many_clips(model: signtalk.Model, clips: list[Path]) -> None:
    answers = model.recognize(clips[0].parent)
    assert str(clips[0]) in answers.clips
    assert len(answers) == len(list(clips[0].parent.glob("*.npz")))


def test_a_bad_clip_is_an_error_or_left_out(model: signtalk.Model, clips: list[Path], tmp_path: Path) -> None:
    bad = tmp_path / "bad.npz"
    bad.write_bytes(b"no clip")
    with pytest.raises(signtalk.ClipError, match=r"bad\.npz"):
        model.recognize([clips[0], bad])
    answers = model.recognize([bad, clips[0]], strict=False)
    assert answers[0] is None
    assert same_answer(answers[1], model.recognize(clips[0]))
    assert [problem.clip_id for problem in answers.left_out] == [str(bad)]
    assert len(answers.to_dicts()) == 1
    assert "left out" in str(answers)
    with pytest.raises(signtalk.ClipError, match=r"bad\.npz"):
        model.recognize(bad)


def test_what_can_never_be_recognised_is_neither_asked_nor_taught(
    model: signtalk.Model, clips: list[Path], tmp_path: Path
) -> None:
    clip = signtalk.read_clip(clips[0])
    turned = clip.landmarks.copy()
    turned[..., 1] = 1 - turned[..., 1]
    upside_down = replace(clip, landmarks=turned)
    with pytest.raises(signtalk.ClipError, match="upside down"):
        model.recognize(upside_down)
    answers = model.recognize([clip, upside_down], strict=False)
    assert answers[0] is not None and answers[1] is None
    assert "clip 2: the person is upside down" in answers.left_out[0].message
    with pytest.raises(signtalk.ClipError, match="upside down"):
        model.enroll("The kettle whistles.", upside_down)
    fast = replace(clip, timestamps_s=clip.timestamps_s / 20)
    notes = model.recognize([fast]).notes
    assert len(notes) == 1 and "clip 1: " in notes[0] and "frames a second" in notes[0]
    assert any("frames a second" in warning for warning in model.enroll("The kettle sings.", fast).warnings)
    model.forget("The kettle sings.")


def test_an_answer_prints_as_a_person_reads(model: signtalk.Model, clips: list[Path]) -> None:
    for answer in model.recognize(clips):
        text = str(answer)
        expected = answer.text or ("one of these?" if answer.choices else f"not sure: {answer.reason}")
        assert expected in text
        assert answer.to_dict()["reason"] == answer.reason


def test_embeddings_are_of_unit_length(model: signtalk.Model, clips: list[Path]) -> None:
    rows = model.embed(clips)
    assert rows.dtype == np.float32
    assert rows.shape[0] == len(clips)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, rtol=1e-4)
    np.testing.assert_allclose(model.embed(clips[0]), rows[0], atol=1e-5)


def test_search_puts_the_very_words_first(model: signtalk.Model) -> None:
    sentence = model.sentences[0].sentence
    hits = model.search(sentence.upper(), limit=2)
    assert len(hits) == 2
    assert hits[0].sentence == sentence
    assert hits[0].to_dict()["rank"] == 1


def test_taught_is_known_at_once_and_forgotten(small_run: SmallRun, clips: list[Path], tmp_path: Path) -> None:
    with signtalk.load(small_run.bundle, index=tmp_path / "ward") as model:
        before = len(model.sentences)
        enrolled = model.enroll("The pump beeps", [str(clips[0])], signer="ward-3")
        assert isinstance(enrolled, signtalk.Enrolled)
        assert len(model.sentences) == before + 1
        assert model.recognize(clips[0]).candidates[0].sentence == "The pump beeps"
    with signtalk.load(str(small_run.bundle), index=str(tmp_path / "ward")) as again:
        assert again.recognize(clips[0]).candidates[0].sentence == "The pump beeps"
        assert again.forget("the pump beeps") == ("The pump beeps",)
        assert len(again.sentences) == before
        with pytest.raises(signtalk.ConfigError, match="nothing to forget"):
            again.forget()


def test_what_is_taught_without_a_folder_is_gone_with_the_model(small_run: SmallRun, clips: list[Path]) -> None:
    clip = signtalk.read_clip(clips[0])
    with signtalk.load(small_run.bundle) as model:
        model.enroll("The pump beeps", clip)
        assert model.recognize(clips[0]).candidates[0].sentence == "The pump beeps"
        assert model.personal is not None
        assert model.personal.exists()
        with pytest.raises(signtalk.ClipError, match="is there already"):
            model.enroll("The pump beeps", clip)
    assert not model.personal.exists()


def test_a_stream_answers_a_sentence_when_it_ends(model: signtalk.Model, clips: list[Path]) -> None:
    clip = signtalk.read_clip(clips[0])
    stream = model.stream(aspect=clip.aspect)
    assert stream.state == "idle"
    answers: list[signtalk.Answer] = []
    for landmarks, time, seen in zip(clip.landmarks, clip.timestamps_s, clip.visibility, strict=True):
        answers += stream.push(landmarks, float(time), seen)
    answers += stream.finish()
    assert len(answers) == len(signtalk.segment(clip))
    assert len(answers) >= 1
    assert isinstance(answers[0], signtalk.Answer)
    assert isinstance(stream.span, signtalk.Span)


def test_where_nothing_is_signed_the_reason_is_told() -> None:
    way = resting(60, "left")
    sentences = signtalk.segment(made_clip(way, way, 20.0))
    assert isinstance(sentences, signtalk.Sentences)
    assert sentences == ()
    assert "no signing found in 3.0 s" in str(sentences)
    assert sentences.seen.hands_share == 1.0


def test_a_bundle_verifies_itself_and_a_run_has_nothing_to_replay(model: signtalk.Model, small_run: SmallRun) -> None:
    assert max(model.verify().values()) < 1e-3
    with signtalk.load(small_run.run) as run, pytest.raises(signtalk.ConfigError, match="export it first"):
        run.verify()


def test_a_run_answers_as_its_bundle(model: signtalk.Model, small_run: SmallRun, clips: list[Path]) -> None:
    with signtalk.load(str(small_run.run)) as run:
        assert "signtalk.Model" in repr(run)
        assert all(same_answer(*pair) for pair in zip(run.recognize(clips), model.recognize(clips), strict=True))


def test_features_of_a_file_are_those_of_the_clip(clips: list[Path], model: signtalk.Model) -> None:
    config = model.feature_config
    assert isinstance(config, signtalk.FeatureConfig)
    rows = signtalk.features(str(clips[0]), config)
    np.testing.assert_array_equal(rows, signtalk.features(signtalk.read_clip(clips[0]), config))
    assert rows.ndim == 2
    assert np.isfinite(rows).all()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda path: signtalk.load(path / "none.zip"), "ArtifactError", "no such file"),
        (lambda path: signtalk.load(path), "ArtifactError", "no such checkpoint"),
        (lambda path: signtalk.load(str(path), variant="int8"), "ConfigError", "variants are a bundle's"),
        (lambda path: signtalk.read_clip(str(path / "none.npz")), "ClipError", "none.npz"),
        (lambda path: signtalk.extract(path), "ConfigError", "name the data folder to make"),
        (lambda path: signtalk.extract(path / "clip.npz"), "ConfigError", "read_clip reads landmark files"),
        (lambda path: signtalk.train(path, path / "run", recipe="defualt"), "ConfigError", "default"),
        (lambda path: signtalk.Run(path).index(), "ArtifactError", "no such checkpoint"),
    ],
)
def test_mistakes_are_told(call, error: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(getattr(signtalk, error), match=message):
        call(tmp_path)


@pytest.mark.slow
def test_the_story_in_python(small_run: SmallRun, tmp_path: Path) -> None:
    run = signtalk.train(small_run.data, tmp_path / "run", recipe="tiny", test_signer="C", epochs=1, progress=False)
    assert run.result is not None
    assert run.result.epochs == 1
    indexed = run.index()
    assert indexed.num_sentences > 0
    report = run.evaluate()
    assert report.retrieval
    assert (tmp_path / "run" / "report" / "report.html").is_file()
    exported = run.export(tmp_path / "shipped", licence="cc0-1.0")
    with signtalk.load(exported.bundle) as bundle, run.load() as model:
        assert len(bundle.sentences) == len(model.sentences)
    assert run.left_out == ()
    with pytest.raises(signtalk.ConfigError, match="either split or test_signer"):
        signtalk.train(small_run.data, tmp_path / "b", split=tmp_path / "s.json", test_signer="signer02")


def test_one_clip_that_cannot_be_used_is_an_error_however_it_is_asked(model: signtalk.Model, tmp_path: Path) -> None:
    with pytest.raises(signtalk.ClipError, match="no such file"):
        model.recognize(tmp_path / "none.npz", strict=False)
    with pytest.raises(signtalk.ClipError, match="no such file"):
        signtalk.read_clip(tmp_path / "none.mp4")
    with pytest.raises(TypeError, match="int is no clip"):
        model.recognize([3])


def test_nothing_gives_nothing(model: signtalk.Model) -> None:
    assert len(model.recognize([])) == 0
    assert model.embed([]).shape == (0, model.recognizer.index.embeddings.shape[1])


def test_folders_stand_for_their_clips_wherever_they_stand(model: signtalk.Model, clips: list[Path]) -> None:
    folder = clips[0].parent
    names = model.recognize([folder, clips[0]]).clips
    assert len(names) == len(list(folder.glob("*.npz"))) + 1
    assert names[-1] == str(clips[0])


def test_json_beside_clips_is_no_clip(model: signtalk.Model, clips: list[Path], tmp_path: Path) -> None:
    shutil.copy(clips[0], tmp_path)
    (tmp_path / "about.json").write_text("{}")
    assert model.recognize(tmp_path).clips == (str(tmp_path / clips[0].name),)


def test_a_closed_model_says_so(small_run: SmallRun, clips: list[Path]) -> None:
    model = signtalk.load(small_run.bundle)
    unpacked = model.bundle.folder
    assert unpacked.is_dir()
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(model)
    model.close()
    model.close()
    assert not unpacked.exists()
    assert "closed" in repr(model)
    for use in (lambda: model.recognize(clips[0]), lambda: model.enroll("x", clips[0]), lambda: model.sentences):
        with pytest.raises(signtalk.ConfigError, match="is closed; load it again"):
            use()


def test_a_model_that_nobody_closes_leaves_nothing(small_run: SmallRun) -> None:
    program = (
        "import sys, signtalk; model = signtalk.load(sys.argv[1]); print(model.bundle.folder);"
        "first = model.bundle.folder; del model; print(first.exists()); kept = signtalk.load(sys.argv[1]);"
        "print(kept.bundle.folder)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(small_run.bundle)], capture_output=True, text=True, check=True
    )
    first, there, second = done.stdout.split()
    assert there == "False"
    assert [path for path in (first, second) if Path(path).exists()] == []


def test_a_name_that_stands_alone_is_one_name(model: signtalk.Model) -> None:
    category = next(listed.category for listed in model.sentences if listed.category)
    hits = model.search("where does it hurt", categories=category)
    assert {hit.category for hit in hits} == {category}
    with pytest.raises(signtalk.ConfigError, match="no signer 'nobody'"):
        model.search("where does it hurt", signers="nobody")


def test_a_damaged_personal_index_is_told_at_once(small_run: SmallRun, tmp_path: Path) -> None:
    (tmp_path / "ward").mkdir()
    (tmp_path / "ward" / "index.json").write_text("{")
    with pytest.raises(signtalk.ArtifactError, match="ward"):
        signtalk.load(small_run.bundle, index=tmp_path / "ward")


def test_what_was_never_taught_cannot_be_forgotten(small_run: SmallRun) -> None:
    with (
        signtalk.load(small_run.bundle) as model,  # one of its own: others teach the shared one
        pytest.raises(signtalk.DataError, match="nothing was taught yet"),
    ):
        model.forget("The pump beeps")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda model, run: model.calibrate(run.data, precision=2), "precision"),
        (lambda model, run: signtalk.Run(run.run, run.data).index(precision=5), "precision"),
        (lambda model, run: signtalk.train(run.data, run.out / "x", recipe="tiny", devices=0), "devices 0"),
        (lambda model, run: model.stream(aspect=-1.0), "aspect -1"),
        (lambda model, run: signtalk.extract(run.out / "a.mp4", storage="memory://x"), "one video gives one clip"),
    ],
)
def test_settings_out_of_range_are_one_line(model: signtalk.Model, own_run: SmallRun, call, message: str) -> None:
    with pytest.raises(signtalk.ConfigError, match=message) as told:
        call(model, own_run)
    assert "\n" not in str(told.value)


def test_a_folder_that_is_neither_is_told_as_such(tmp_path: Path) -> None:
    with pytest.raises(signtalk.ArtifactError, match=r"neither a bundle .* nor a trained run"):
        signtalk.load(tmp_path)


def test_without_a_split_the_last_signer_is_tested(small_run: SmallRun, tmp_path: Path) -> None:
    run = signtalk.train(small_run.data, tmp_path / "run", recipe="tiny", epochs=1, progress=False)
    roles = json.loads((run.folder / "split.json").read_text())["roles"]
    tested = {clip_id for clip_id, role in roles.items() if role == "test"}
    signers = {record.clip_id: record.signer_id for record in load_manifest(small_run.data).records}
    assert {signers[clip_id] for clip_id in tested} == {"C"}


def test_a_model_knows_a_person_until_it_forgets(small_run: SmallRun, tmp_path: Path) -> None:
    records = [r for r in load_manifest(small_run.data).records if r.signer_id == "C" and not r.is_idle]
    taught = {record.sentence: record.feature_path for record in records[:4]}
    clip = records[-1].feature_path
    with signtalk.load(small_run.bundle) as model:
        everybodys, embedding = model.recognize(clip), model.embed(clip)
        person = model.learn_signer(taught)
        assert isinstance(person, signtalk.SignerTransform)
        assert (person.num_clips, model.signer) == (4, None)
        model.know(person)
        known = model.recognize(clip)
        distances = [each.candidates[0].dtw_distance for each in (everybodys, known)]
        assert distances[0] != distances[1]
        np.testing.assert_array_equal(model.embed(clip), embedding)
        taught_now = model.enroll("The pump beeps", clip, signer="C")  # everybody's, whoever is known
        assert model.signer is person and taught_now.clip_ids
        with_more = model.recognize(clip)
        assert with_more.candidates[0].sentence in {"The pump beeps", known.candidates[0].sentence}
        row = model.recognizer.index.row_of[taught_now.clip_ids[0]]
        shared = model.recognizer.encoder.encoder  # below what is peculiar to the person
        features = signtalk.features(clip, model.feature_config)
        encoded = shared.encode(features[None], np.ones((1, len(features)), dtype=np.bool_))
        length = model.recognizer.index.projection_lengths[row]
        np.testing.assert_allclose(
            model.recognizer.index.projections[row, :length], encoded.projections[0, :length], atol=2e-3
        )
        model.forget("The pump beeps")
        model.know(None)
        assert same_answer(model.recognize(clip), everybodys)
        person.save(tmp_path / "c.npz")
    with signtalk.load(small_run.bundle, signer=tmp_path / "c.npz") as model:
        assert model.signer is not None
        assert same_answer(model.recognize(clip), known)
        with pytest.raises(signtalk.ConfigError, match="give a data folder"):
            model.learn_signer(taught, signer="C")
        with pytest.raises(signtalk.DataError, match="0 clips to learn"):
            model.learn_signer({})
        assert len(model.next_sentences(limit=2)) == 2


def test_a_model_that_cannot_know_the_person_is_closed(small_run: SmallRun, tmp_path: Path) -> None:
    (tmp_path / "x.npz").write_bytes(b"nothing")
    with pytest.raises(signtalk.ArtifactError, match=r"x\.npz"):
        signtalk.load(small_run.bundle, signer=tmp_path / "x.npz")
