"""The page's engine says what Python says: both get the same clips, one of them in node."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import web_engine
from made.references import many_like
from made.small_run import SmallRun
from made.web import CHROMIUM, NODE, ROOT, Ask, encoded_by_python, encoded_files, needs_browser, needs_node, needs_ort
from signtalk.bundle import web as web_export
from signtalk.bundle.bundle import Bundle, open_bundle
from signtalk.bundle.web import FILES_NAME, PAGE, write_web_bundle
from signtalk.index.written import WrittenSentence, write_sentences
from signtalk.landmarks.clip import HOLISTIC, PARTS, LandmarkClip
from signtalk.landmarks.features import FeatureConfig, extract_features
from signtalk.recognition.enrolment import EncodedClips, NewSentence, enroll_encoded
from signtalk.recognition.gate import GateConfig
from signtalk.recognition.recognizer import DecisionConfig
from signtalk.recognition.scoring import SKETCHED_FINELY, ScoringConfig, score_sentences
from signtalk.recognition.translation import TranslationRule
from signtalk.synthetic.dataset import SyntheticConfig, generate_clips

BODY = {"use_hands": False, "use_hand_local": False, "use_pose_hands": True, "use_depth": True, "frontal": True}
CONFIGS = (
    FeatureConfig(num_frames=64),
    FeatureConfig(num_frames=40, use_face=True, use_pose_hands=True, use_bones=True, use_depth=True, max_gap_s=0.0),
    FeatureConfig(num_frames=80, resampling="rate", num_differences=1, use_hand_local=False),
    FeatureConfig(num_frames=30, resampling="crop", num_differences=0, limit=1.5),
    FeatureConfig(num_frames=64, use_bones=True, use_centred=True, **BODY),
    FeatureConfig(num_frames=48, use_hand_angles=True, num_differences=1),
    FeatureConfig(num_frames=48, use_hand_angles=True, use_depth=True, use_hand_local=False, use_centred=True),
)


def mirrored(clip: LandmarkClip) -> LandmarkClip:
    partner = HOLISTIC.mirror
    landmarks = np.where((partner >= 0)[None, :, None], clip.landmarks[:, partner], np.nan).astype(np.float32)
    landmarks[..., 0] = 1 - landmarks[..., 0]
    return replace(clip, landmarks=landmarks)


def without(clip: LandmarkClip, parts: tuple[str, ...], first: int, stop: int) -> LandmarkClip:
    landmarks = clip.landmarks.copy()
    for part in parts:
        landmarks[first:stop, PARTS[part]] = np.nan
    return replace(clip, landmarks=landmarks)


def every(clip: LandmarkClip, step: int) -> LandmarkClip:
    kept = slice(None, None, step)
    return LandmarkClip(clip.landmarks[kept], clip.visibility[kept], clip.timestamps_s[kept], clip.aspect)


@pytest.fixture(scope="module")
def clips() -> tuple[LandmarkClip, ...]:
    """Signing and idle, with hands lost, other rates, mirrored, uneven in time, very short."""
    config = SyntheticConfig(num_sentences=5, num_signers=3, clips_per_sentence=(1, 1), num_idle=2, seed=5)
    signed = [each.clip for each in generate_clips(config)]
    first = signed[0]
    uneven = first.timestamps_s + np.random.default_rng(0).uniform(0, 0.01, first.num_frames)
    changed = (
        mirrored(signed[1]),
        without(first, ("left_hand", "right_hand"), 10, 40),
        without(signed[2], ("left_hand", "right_hand"), 0, 10_000),
        without(without(signed[3], ("pose",), 5, 9), ("face", "right_hand"), 0, 3),
        every(signed[4], 3),
        replace(first, timestamps_s=first.timestamps_s / 2, aspect=None),
        replace(first, timestamps_s=np.sort(uneven)),
        every(first, 40),
        every(first, 10_000),
    )
    return (*signed, *changed)


def numbers(values: Any) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.array([float(value) for value in values])


@needs_node
def test_features_are_those_of_python(node: Ask, clips: tuple[LandmarkClip, ...]) -> None:
    answered = node("features", clips, configs=[config.model_dump() for config in CONFIGS])
    for config, report in zip(CONFIGS, answered, strict=True):
        for clip, each in zip(clips, report, strict=True):
            truth = extract_features(clip, config)
            assert each["numFeatures"] == config.num_features
            assert each["valid"] == truth.valid.astype(int).tolist()
            features = np.array(each["features"]).reshape(truth.features.shape)
            np.testing.assert_allclose(features, truth.features, atol=1e-4)
            assert each["motion"] == pytest.approx(truth.motion, abs=1e-5)


PROOF = {"precision_asked": 0.98, "precision_reached": True, "precision_found": 0.99, "num_accepted": 40}
MISSED = GateConfig(motion_floor=0.05, threshold=0.2, bias=0.0, precision_asked=0.98, precision_lower_bound=0.5)
DECISIONS = {
    "open": DecisionConfig(gate=GateConfig(motion_floor=0.05, threshold=0.2, bias=0.0, **PROOF)),
    "taught": DecisionConfig(
        gate=MISSED.model_copy(update={"enrolled": GateConfig(threshold=0.03, bias=0.4, **PROOF)}), translate=False
    ),
    "fewer": DecisionConfig(
        gate=MISSED.model_copy(
            update=dict.fromkeys(
                ("enrolled", "written"), GateConfig(threshold=0.3, bias=0.4, least_sentences=999, **PROOF)
            )
        ),
        translate=False,
    ),
    "shorter": DecisionConfig(
        gate=MISSED.model_copy(
            update=dict.fromkeys(("enrolled", "written"), GateConfig(threshold=0.3, bias=0.4, least_words=99, **PROOF))
        ),
        translate=False,
    ),
    "unproven": DecisionConfig(gate=MISSED, translation=TranslationRule(fitted=True, threshold=0.0)),
    "research": DecisionConfig(
        gate=MISSED.model_copy(update={"threshold": 0.6}), policy="research",
        translation=TranslationRule(fitted=True, threshold=0.0, precision_asked=0.9),
    ),
    "choices": DecisionConfig(
        scoring=ScoringConfig(
            similarity_weight=0, prototype_weight=0, dtw_weight=0.6, text_weight=0.4, rerank_sentences=4,
            references_per_sentence=1,
        ),
        gate=GateConfig(motion_floor=0.3, threshold=0.995, choice_threshold=0.05, bias=1.0, **PROOF),
        sets={"gap": 0.02, "coverage": 0.9, "num_clips": 20},
        translation=TranslationRule(fitted=True, precision_reached=True, threshold=0.0),
    ),
    "bare": DecisionConfig(
        scoring=ScoringConfig(
            similarity_weight=0.5, prototype_weight=0.5, dtw_weight=0.0, text_weight=0.0, rerank_sentences=0
        ),
        gate=GateConfig(fitted=False),
        translate=False,
    ),
}  # fmt: skip
_MAIN = ("taught", "choices")


@pytest.fixture(scope="module")
def bundle(small_run: SmallRun) -> Any:
    with open_bundle(small_run.bundle) as opened:
        yield opened


def deciding(bundle: Bundle, decision: DecisionConfig, index: Any = None) -> Bundle:
    return replace(bundle, recognizer=bundle.recognizer.changed(index=index, decision=decision))


def agree(actual: Any, expected: Any, tolerance: float) -> None:
    """The same JSON document but for rounding."""
    if isinstance(expected, dict):
        assert list(actual) == list(expected)
        for name in expected:
            agree(actual[name], expected[name], tolerance)
    elif isinstance(expected, list | tuple):
        assert len(actual) == len(expected)
        for one, other in zip(actual, expected, strict=True):
            agree(one, other, tolerance)
    elif isinstance(expected, float) and not isinstance(actual, str):
        assert actual == pytest.approx(expected, abs=tolerance)
    else:
        assert actual == expected


@needs_node
@pytest.mark.parametrize("written", [False, True])
@pytest.mark.parametrize("name", [pytest.param(n, marks=() if n in _MAIN else pytest.mark.slow) for n in DECISIONS])
def test_answers_to_encoded_clips_are_those_of_python(
    name: str, written: bool, node: Ask, clips: tuple[LandmarkClip, ...], bundle: Bundle, tmp_path: Path
) -> None:
    index, decision = bundle.recognizer.index, DECISIONS[name].model_copy(update={"translate": False})
    if name in ("taught", "shorter"):
        half = len(index.entries) // 2
        entries = [replace(e, sentence_id=f"enrolled-{e.sentence_id}") for e in index.entries[:half]]
        index = replace(index, entries=(*entries, *index.entries[half:]))
    if written:
        texts = ("Where does it hurt", "I am a doctor", "My arm hurts", "Zyx")
        space = bundle.recognizer.text_space
        assert space is not None
        index = write_sentences(index, [WrittenSentence(text) for text in texts], space).index
        gate = decision.gate.model_copy(update={"written": GateConfig(threshold=0.4, bias=0.5, **PROOF)})
        decision = decision.model_copy(update={"gate": gate})
    changed = deciding(bundle, decision, index)
    write_web_bundle(changed, tmp_path / "web")
    encoded, motions = encoded_by_python(changed, clips)
    expected = changed.recognizer.answer(encoded, motions, num_candidates=30).answers
    files = encoded_files(tmp_path, encoded)
    answers = node("given", clips, bundle=str(tmp_path / "web"), encoded=files, candidates=30)
    if name == "taught" and not written:
        assert {answer.promise.population for answer in expected if answer.promise} == {"trained", "enrolled"}
    if name == "shorter":
        assert not any(answer.promise.proven for answer in expected if answer.promise)
    for one, other in zip(answers, expected, strict=True):
        agree(one, other.to_dict(), 2e-4)


@needs_node
def test_among_many_sentences_the_same_ones_are_looked_at(
    node: Ask, clips: tuple[LandmarkClip, ...], bundle: Bundle, tmp_path: Path
) -> None:
    few = bundle.recognizer.index
    index = many_like(few, 1 + SKETCHED_FINELY // len(few.sentences))
    assert len(index.sentences) > SKETCHED_FINELY
    changed = deciding(bundle, DECISIONS["choices"].model_copy(update={"translate": False}), index)
    write_web_bundle(changed, tmp_path / "web")
    encoded, motions = encoded_by_python(changed, clips)
    ranking = changed.recognizer.rank(encoded)
    words, scoring = changed.recognizer.prepared.words, changed.recognizer.decision.scoring
    without = score_sentences(encoded, index, scoring, spellings=words)
    assert (ranking.classes[:, :4] != without.classes[:, :4]).any()  # sketches lead to other sentences
    expected = changed.recognizer.answer(encoded, motions, num_candidates=60).answers
    files = encoded_files(tmp_path, encoded)
    answers = node("given", clips, bundle=str(tmp_path / "web"), encoded=files, candidates=60)
    agree(answers, [each.to_dict() for each in expected], 2e-4)


@needs_ort
@pytest.mark.slow
@pytest.mark.parametrize("name", ["choices", "open", "unproven", "research"])
def test_the_whole_chain_answers_as_python_does(
    name: str, node: Ask, clips: tuple[LandmarkClip, ...], bundle: Bundle, tmp_path: Path
) -> None:
    changed = deciding(bundle, DECISIONS[name])
    num_golden = write_web_bundle(changed, tmp_path / "web")
    report = node("whole", clips, bundle=str(tmp_path / "web"), search="my head hurts")
    expected = [answer.to_dict() for answer in changed.recognizer.recognize(clips)]
    outcomes = {answer["outcome"] for answer in expected}
    assert {"open": {"answer"}, "choices": {"answer", "not_sure"}, "unproven": {"choices"}, "research": {"answer"}}[
        name
    ] <= outcomes
    assert name != "unproven" or "answer" not in outcomes
    promised = {answer["promise"]["proven"] for answer in expected if answer["promise"]}
    assert promised == {"open": {True}, "choices": {True}, "unproven": {False}, "research": {False}}[name]
    for one, other in zip(report["answers"], expected, strict=True):
        agree(one, other, 1e-3)
    assert report["verified"]["clips"] == num_golden
    assert report["verified"]["different"] == []
    assert report["verified"]["largest_difference"] < 1e-3
    listed = {(each["sentence"], each["num_clips"], each["layer"]) for each in report["sentences"]}
    groups = bundle.recognizer.index.groups
    assert listed == {
        (bundle.recognizer.index.entries[row].sentence, int(count), "base")
        for row, count in zip(groups.canonical_rows, groups.counts, strict=True)
    }
    canonical = [bundle.recognizer.index.entries[row] for row in groups.canonical_rows]
    counts = sorted(Counter(entry.category for entry in canonical).items())
    assert report["categories"] == [{"category": category, "sentences": count} for category, count in counts]
    assert [set(texts) for texts in report["listed"]] == [
        {entry.sentence for entry in canonical if entry.category == category} for category, _ in counts
    ]
    assert len(report["hits"]) == 5


@needs_node
def test_an_enrolled_sentence_is_found_after_the_page_was_opened_again(
    node: Ask, clips: tuple[LandmarkClip, ...], bundle: Bundle, tmp_path: Path
) -> None:
    changed = deciding(bundle, DECISIONS["open"].model_copy(update={"translate": False}))
    write_web_bundle(changed, tmp_path / "web")
    new = [signed.clip for signed in generate_clips(SyntheticConfig(num_sentences=1, first_sentence=40, num_signers=5,
           clips_per_sentence=(3, 3), num_idle=0))]  # fmt: skip
    still = without(clips[0], ("left_hand", "right_hand"), 0, 10_000)
    files = encoded_files(tmp_path, encoded_by_python(changed, (*new, still))[0])
    report = node("enroll", (*new, still), bundle=str(tmp_path / "web"), text=" Zebra crossing, please ", encoded=files)
    enrolled = report["enrolled"]
    assert (enrolled["sentence"], enrolled["category"]) == ("Zebra crossing, please", "here")
    assert enrolled["num_references"] == 2
    assert -1 <= enrolled["agreement"] <= 1.001
    assert 1 <= len(enrolled["nearest"]) <= 3
    assert [message.split(":")[0] for message in report["refusals"]] == [
        "clip 1 is there already, as a clip of 'Zebra crossing, please'; film another",
        "clip 1",
        "the text '?!' holds no word; give what the clips say",
    ]
    assert "0% of the frames show a hand" in report["refusals"][1]
    assert "Zebra crossing, please" in [candidate["sentence"] for candidate in report["answer"]["candidates"]]
    assert [(each["num_clips"], each["layer"]) for each in report["listed"]] == [(2, "personal")]
    assert (report["forgotten"], report["left"]) == (2, [])
    (taught,), (renamed,) = report["taught"], report["renamed"]
    assert (taught["sentence"], taught["signers"], taught["language"]) == ("Zebra crossing, please", ["s07"], "en")
    assert (taught["num_clips"], taught["num_kept"], taught["num_lost"], taught["has_sign"]) == (2, 2, 0, True)
    assert report["kept"]["frames"] in {clip.num_frames for clip in new[:2]} and report["kept"]["signs"] == 2
    assert renamed["sentence"] == "Another text" and renamed["sentence_id"] != taught["sentence_id"]
    assert report["restored"] == report["taught"]


@needs_node
@pytest.mark.parametrize(("bias", "doubts"), [(-5.0, [0, 1, 1, 0]), (5.0, [1, 3, 2, 1])])
def test_what_is_told_of_a_clip_that_looks_like_another_sentence_is_what_python_tells(
    bias: float, doubts: list[int], node: Ask, clips: tuple[LandmarkClip, ...], bundle: Bundle, tmp_path: Path
) -> None:
    changed = deciding(bundle, DecisionConfig(gate=GateConfig(threshold=0.5, bias=bias, **PROOF), translate=False))
    write_web_bundle(changed, tmp_path / "web")
    lessons = [("Zebra crossing", [0]), ("Two at once", [1, 2]), ("Zebra crossing", [3]), ("Red fish", [4])]
    encoded, motions = encoded_by_python(changed, clips)
    expected = []
    for text, places in lessons:
        names = tuple(f"{place}.npz" for place in places)
        parts = EncodedClips(names, encoded.select(np.array(places)), motions[places])
        expected.append(enroll_encoded(changed.recognizer, tmp_path / "mine", NewSentence(text), parts))
    told = node(
        "lessons", clips, bundle=str(tmp_path / "web"), encoded=encoded_files(tmp_path, encoded), lessons=lessons
    )
    for one, other in zip(told, expected, strict=True):
        assert [len(one[name]) for name in ("clip_ids", "warnings")] == [len(other.clip_ids), len(other.warnings)]
        named_alike = {"clip_ids": one["clip_ids"], "warnings": one["warnings"]}  # each names clips in its own way
        agree(one, other.to_dict() | named_alike, 2e-4)
    assert [len(each.confused_with) for each in expected] == [len(each.warnings) for each in expected] == doubts


@pytest.mark.slow
@needs_ort
def test_the_benchmark_counts_answers_that_differ(
    small_run: SmallRun, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    web_engine.main([str(small_run.bundle), str(small_run.data / "clips"), "--clips", "3"])
    figures = json.loads(capsys.readouterr().out)
    assert (figures["clips"], figures["left_out"], figures["different"]) == (3, 0, 0)
    assert sum(figures["outcomes"].values()) == 3
    assert max(figures["largest_difference"].values()) < 1e-3
    assert figures["python_ms"] > 0 and figures["node_ms"] > 0


def arrays_of(clip: LandmarkClip) -> tuple[np.ndarray[Any, Any], ...]:
    return clip.landmarks, clip.visibility, clip.timestamps_s


def one_after_another(clips: list[LandmarkClip], aspect: float | None) -> LandmarkClip:
    """One long clip; the times go on."""
    times, end = [], 0.0
    for clip in clips:
        times.append(end + clip.timestamps_s - clip.timestamps_s[0])
        end = float(times[-1][-1]) + 1 / clip.fps
    landmarks, visibility = (np.concatenate([getattr(c, name) for c in clips]) for name in ("landmarks", "visibility"))
    return LandmarkClip(landmarks, visibility, np.concatenate(times), aspect)


@pytest.fixture(scope="module")
def streams() -> tuple[LandmarkClip, ...]:
    """Signing and resting in turn, by three people; one slower, one with a hand that comes and goes."""
    signed: list[LandmarkClip] = []
    for seed in range(3):
        config = SyntheticConfig(num_sentences=3, num_signers=1, clips_per_sentence=(1, 1), num_idle=3, seed=seed)
        parts = [each.clip for each in generate_clips(config)]
        turns = [parts[i] for i in (3, 0, 4, 1, 5, 2)]
        signed.append(one_after_another(turns, parts[0].aspect))
    return signed[0], every(signed[1], 2), without(without(signed[2], ("left_hand",), 100, 160), ("pose",), 200, 260)


@needs_node
@pytest.mark.parametrize("lowest_hand", [None, 0.5])
def test_sentences_of_a_stream_begin_and_end_as_in_python(
    node: Ask, streams: tuple[LandmarkClip, ...], tmp_path: Path, lowest_hand: float | None
) -> None:
    segmenter = pytest.importorskip("signtalk.segmentation.segmenter", reason="this version has no segmenter")
    shipped, path = segmenter.shipped_settings(), tmp_path / "segmenter.json"
    changes = {} if lowest_hand is None else {"lowest_hand": lowest_hand}
    settings = shipped.model_copy(update={"config": shipped.config.model_copy(update=changes)})
    settings.save(path)
    report = node("segments", streams, settings=str(path))
    assert sum(len(each["events"]) for each in report) >= 6
    assert any(e["cause"] == "too low" for each in report for e in each["events"]) == (lowest_hand is not None)
    for clip, each in zip(streams, report, strict=True):
        ours, events, probabilities = segmenter.Segmenter(settings, clip.aspect), [], []
        for frame, time in zip(clip.landmarks, clip.timestamps_s, strict=True):
            events += ours.push(frame, float(time))
            probabilities.append(ours.probability)
        events += ours.finish()
        np.testing.assert_allclose(each["probabilities"], probabilities, atol=1e-6)
        spans = [(event.kind, event.span.first, event.span.stop, event.span.cause) for event in events]
        assert [(e["kind"], e["first"], e["stop"], e["cause"]) for e in each["events"]] == spans
        times = [(event.span.start_s, event.span.end_s, event.span.activity) for event in events]
        np.testing.assert_allclose([(e["start"], e["end"], e["activity"]) for e in each["events"]], times, atol=1e-6)


@needs_ort
@pytest.mark.slow
def test_a_live_session_tells_what_the_service_tells(
    node: Ask, streams: tuple[LandmarkClip, ...], bundle: Bundle, tmp_path: Path
) -> None:
    changed = deciding(bundle, DECISIONS["open"])
    write_web_bundle(changed, tmp_path / "web")
    clip = streams[0]
    heard = node("stream", (clip,), bundle=str(tmp_path / "web"), mode="auto")
    answers = [event for event in heard if event["type"] == "answer"]
    states = [event["state"] for event in heard if event["type"] == "state"]
    assert len(answers) >= 2
    assert states[:2] == ["signing", "thinking"]
    assert [event["segment"] for event in answers] == sorted(event["segment"] for event in answers)
    for event in answers:
        within = (clip.timestamps_s >= event["start_s"] - 1e-6) & (clip.timestamps_s <= event["end_s"] + 1e-6)
        cut = LandmarkClip(
            clip.landmarks[within], clip.visibility[within], clip.timestamps_s[within], float(np.float32(clip.aspect))
        )
        agree(event["answer"], changed.recognizer.recognize([cut], 3)[0].to_dict(), 1e-3)
    activities = [event["time_s"] for event in heard if event["type"] == "activity"]
    assert np.diff(activities).min() >= 0.2 - 1e-6


@needs_node
def test_a_button_says_where_a_sentence_begins_and_ends(
    node: Ask, streams: tuple[LandmarkClip, ...], bundle: Bundle, tmp_path: Path
) -> None:
    changed = deciding(bundle, DECISIONS["open"].model_copy(update={"translate": False}))
    write_web_bundle(changed, tmp_path / "web")
    signed = LandmarkClip(*(array[150:261] for array in arrays_of(streams[0])), streams[0].aspect)
    files = encoded_files(tmp_path, encoded_by_python(changed, [streams[0], signed])[0])
    job = {"bundle": str(tmp_path / "web"), "mode": "button", "button": [150, 260], "encoded": files}
    events = [event for event in node("stream", (streams[0], signed), **job) if event["type"] != "activity"]
    assert [event.get("state", event["type"]) for event in events] == ["signing", "thinking", "answer", "answer"]
    assert [event["type"] for event in events[2:]] == ["answer", "state"]
    times = streams[0].timestamps_s
    assert (events[2]["start_s"], events[2]["end_s"]) == pytest.approx((times[150], times[260]))
    agree(events[2]["answer"], changed.recognizer.recognize([signed], 3)[0].to_dict(), 1e-3)


@pytest.mark.slow
@needs_browser
def test_a_browser_answers_with_the_server_gone(bundle: Bundle, tmp_path: Path) -> None:
    page = tmp_path / "page"
    shutil.copytree(PAGE, page, ignore=shutil.ignore_patterns("wasm"))  # no landmarker is needed here
    (page / "index.html").write_text("<!doctype html><title>page</title>")
    changed = deciding(bundle, DECISIONS["open"])
    write_web_bundle(changed, page / "bundle")
    (page / FILES_NAME).write_text(json.dumps({"files": web_export._described(page)}))
    runner = ROOT / "tests" / "web" / "engine_browser.mjs"
    done = subprocess.run([NODE, runner, CHROMIUM, page], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    for seen in json.loads(done.stdout).values():  # with the server, and without
        assert seen["verified"]["different"] == []
        assert seen["verified"]["largest_difference"] < 1e-3
        assert seen["personal"] == ["Zebra crossing"]
        assert seen["answer"]["outcome"] == "choices"  # nothing has proven what was enrolled
        assert seen["answer"]["choices"][0]["sentence"] == "Zebra crossing"
