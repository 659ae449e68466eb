"""The page's engine learns a signer as Python does: both get the same clips, one of them in node."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from made.signers import SENTENCES, SignWorld
from made.small_run import SmallRun
from made.web import asked_in_node, needs_node
from signtalk.bundle.bundle import open_bundle
from signtalk.bundle.web import write_web_bundle
from signtalk.data.manifest import clip_of_record, load_manifest
from signtalk.index.encoded import Encoded, valid_lengths
from signtalk.index.index import SentenceIndex
from signtalk.landmarks.features import extract_features
from signtalk.recognition.ctc import SpelledSentences
from signtalk.recognition.ctc_alignment import align_words, is_spelled
from signtalk.recognition.dtw import warping_path
from signtalk.recognition.signer_fit import fit_signer
from signtalk.recognition.signer_prompts import next_sentences

WORLD = SignWorld.made()
PERSON = WORLD.own_way("small", "tea")
INDEX = WORLD.index()
RNG = np.random.default_rng(3)


def asked(folder: Path, task: str, clips: Any = (), **job: Any) -> Any:
    return asked_in_node(folder, task, clips, script="signer_runner.mjs", **job)


def encoded_job(encoded: Encoded) -> dict[str, Any]:
    names = {"embedding": encoded.embeddings, "projections": encoded.projections, "memory": encoded.memory,
             "valid": encoded.memory_valid, "words": encoded.word_log_probs}  # fmt: skip
    clips = [
        {name: array[n].astype(float).ravel().tolist() for name, array in names.items()}
        for n in range(encoded.num_clips)
    ]
    return {"encoded": clips, "vocabulary": encoded.word_log_probs.shape[2]}


def index_job(index: SentenceIndex) -> dict[str, Any]:
    names = ("clip_id", "video_file", "feature_path", "sentence_id", "sentence", "category", "text_key")
    references = [
        {
            "entry": {name: getattr(entry, name) for name in names} | {"kind": "written" if written else "clip"},
            "embedding": index.embeddings[row].astype(float).tolist(),
            "frames": index.projections[row, : index.projection_lengths[row]].astype(float).ravel().tolist(),
        }
        for row, (entry, written) in enumerate(zip(index.entries, index.written, strict=True))
    ]
    return {"references": references, "tokenizer": WORLD.tokenizer.to_dict()}


def array(values: Any, *shape: int) -> Any:
    return np.array([float(value) for value in values]).reshape(*shape)


@needs_node
@pytest.mark.parametrize(("num_rows", "size", "width"), [(40, 7, 3), (4, 9, 1), (1, 1, 2), (300, 129, 5)])
def test_matrices_are_those_of_numpy(num_rows: int, size: int, width: int, tmp_path: Path) -> None:
    a, b, right = (RNG.standard_normal(shape) for shape in ((num_rows, size), (size, width), (size, width)))
    report = asked(
        tmp_path, "matrices", a=a.ravel().tolist(), b=b.ravel().tolist(), right=right.ravel().tolist(), size=size,
        width=width,
    )  # fmt: skip
    np.testing.assert_allclose(array(report["product"], num_rows, width), a @ b, atol=1e-9)
    np.testing.assert_allclose(array(report["gram"], size, size), a.T @ a, atol=1e-9)
    solved = np.linalg.solve(a.T @ a + np.eye(size), right)
    np.testing.assert_allclose(array(report["solved"], size, width), solved, rtol=1e-8, atol=1e-10)
    assert report["largest"] == pytest.approx(np.linalg.eigvalsh(a.T @ a)[-1], rel=1e-5)
    assert report["none"] == 0
    assert "not positive definite" in report["refusal"]


@needs_node
def test_warping_paths_are_those_of_python(tmp_path: Path) -> None:
    costs = [RNG.random(shape) for shape in ((5, 9), (1, 4), (4, 1), (1, 1), (12, 12))]
    costs += [np.ones((6, 4)), np.zeros((3, 3)), RNG.integers(0, 2, (9, 7)).astype(float)]  # ties
    job = [{"values": each.ravel().tolist(), "width": each.shape[1]} for each in costs]
    for cost, pairs in zip(costs, asked(tmp_path, "paths", costs=job), strict=True):
        assert [tuple(pair) for pair in pairs] == list(
            zip(*(part.tolist() for part in warping_path(cost)), strict=True)
        )


@needs_node
def test_words_lie_where_python_finds_them(tmp_path: Path) -> None:
    words = [[4], [4, 5], [5, 5], [4, 5, 6, 4], [6, 6, 6], [3], [9]]
    frames = [6, 6, 6, 7, 4, 3, 3]  # three words alike need five frames
    logits = [RNG.standard_normal((each, 8)) for each in frames]
    log_probs = [each - np.logaddexp.reduce(each, axis=1, keepdims=True) for each in logits]
    cases = [
        {"logProbs": each.ravel().tolist(), "numFrames": len(each), "vocabulary": 8, "words": said}
        for each, said in zip(log_probs, words, strict=True)
        if max(said) < 8
    ]
    report = asked(tmp_path, "alignments", cases=cases)
    for one, case in zip(report, cases, strict=True):
        sentences = SpelledSentences.of([case["words"]])
        read = np.array(case["logProbs"]).reshape(1, -1, 8)
        expected = align_words(read, np.ones(read.shape[:2], dtype=np.bool_), sentences)
        np.testing.assert_allclose(array(one["occupation"], -1, 8), expected.occupation[0], atol=1e-9)
        assert float(one["logLikelihood"]) == pytest.approx(expected.log_likelihoods[0])
        assert one["spelled"] == bool(is_spelled(sentences, 8, 3)[0])
    assert report[4]["logLikelihood"] == "-Infinity"


@needs_node
def test_a_person_is_learned_as_in_python(tmp_path: Path) -> None:
    known = next_sentences(INDEX, WORLD.tokenizer, (), 5)
    clips = PERSON.encoded(known, WORLD)
    unheard = ["a new word", *known[1:]]  # of one clip nothing is known
    unlisted = [f"{text} {text.split()[0]}" for text in known]  # spelled, but no sentence
    texts = [list(known), unheard, unlisted, ["never heard"] * 5]
    report = asked(tmp_path, "fit", texts=texts, **encoded_job(clips), **index_job(INDEX))
    for said, signer, moved in zip(texts[:3], report["signers"], report["moved"], strict=False):
        expected = fit_signer(clips, said, INDEX, WORLD.tokenizer)
        assert signer["numClips"] == expected.num_clips == 5
        assert signer["scale"] == pytest.approx(expected.scale, rel=1e-9)
        np.testing.assert_allclose(signer["centre"], expected.centre, atol=1e-9)
        np.testing.assert_allclose(array(signer["frames"], *expected.frames.shape), expected.frames, atol=1e-6)
        np.testing.assert_allclose(array(signer["words"], *expected.words.shape), expected.words, atol=1e-4)
        applied = expected.applied(clips)
        for n, clip in enumerate(moved):
            length = valid_lengths(clips.memory_valid[n])
            projections = array(clip["projections"], *applied.projections[n].shape)
            np.testing.assert_allclose(projections, applied.projections[n], atol=1e-5)
            read = array(clip["wordLogProbs"], *applied.word_log_probs[n].shape)
            np.testing.assert_allclose(read[:length], applied.word_log_probs[n, :length], atol=1e-3)
    assert report["signers"][3] is None  # Python refuses with a DataError


@needs_node
def test_the_next_sentences_are_those_that_python_asks_for(tmp_path: Path) -> None:
    signed = [[], [SENTENCES[3].upper()], list(SENTENCES[:20]), ["a new word"], list(SENTENCES)]
    report = asked(tmp_path, "prompts", signed=signed, limit=6, **index_job(INDEX))
    for said, sentences in zip(signed, report, strict=True):
        assert tuple(each["sentence"] for each in sentences) == next_sentences(INDEX, WORLD.tokenizer, said, 6)


@needs_node
@pytest.mark.parametrize("learn", [True, False])
def test_what_a_person_confirmed_makes_the_next_answers_theirs(
    learn: bool, small_run: SmallRun, tmp_path: Path
) -> None:
    clip = clip_of_record(next(each for each in load_manifest(small_run.data).records if not each.is_idle))
    with open_bundle(small_run.bundle) as bundle:
        recognizer = bundle.recognizer
        write_web_bundle(bundle, tmp_path / "web")
        features = extract_features(clip, recognizer.encoder.feature_config)
        encoded = recognizer.encoder.encode(features.features[None], features.valid[None])
        plain = recognizer.rank(encoded).candidates(0, 5)
        texts = [line.sentence for line in plain[1:]]
        signer = fit_signer(encoded.select(np.zeros(4, dtype=int)), texts, recognizer.index, recognizer.tokenizer)
        known = recognizer.rank(signer.applied(encoded)).candidates(0, 5)
        job = {"bundle": str(tmp_path / "web"), "learn": learn, "texts": texts, **encoded_job(encoded)}
        report = asked(tmp_path, "conversation", (clip,), **job)
    kinds = [each["type"] for each in report["heard"]]
    errors = [each["error"]["code"] for each in report["heard"] if each["type"] == "error"]
    answers = [each for each in report["heard"] if each["type"] == "answer"]
    prompts = next(each["sentences"] for each in report["heard"] if each["type"] == "next")
    assert [each["sentence"] for each in prompts] == (
        list(next_sentences(recognizer.index, recognizer.tokenizer, (), 3)) if learn else []
    )
    if learn:
        four = ["answer"] * 4
        assert kinds == ["next", *four, "signer", "error", "answer", "signer", "error", *four, "signer"]
        assert [each["sentences"] for each in report["heard"] if each["type"] == "signer"] == [4, 0, 4]
    assert set(errors) == {"not_offered"}
    assert [each["signer_sentences"] for each in answers] == [0] * 4 + [4 if learn else 0] + [0] * 4
    for answer, expected in zip(answers[3:6], (plain, known if learn else plain, plain), strict=True):
        lines = answer["answer"]["candidates"]
        assert [line["sentence"] for line in lines] == [line.sentence for line in expected]
        for name in ("similarity", "text_score", "dtw_score"):
            values = [getattr(line, name) for line in expected]
            np.testing.assert_allclose([line[name] for line in lines], values, atol=1e-3)
    own = encoded.projections[0, : valid_lengths(encoded.memory_valid[0])].astype(np.float16).astype(float)
    np.testing.assert_allclose(report["taught"], own.ravel(), atol=1e-6)  # taught as everybody's encoder gives it
