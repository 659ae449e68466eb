"""States of one stream, with a segmenter whose probabilities the test gives."""

from typing import Any

import numpy as np
import pytest

import signtalk.segmentation.segmenter
from signtalk.errors import ClipError
from signtalk.landmarks.wire import FRAME
from signtalk.segmentation.segmenter import SegmenterConfig, SegmenterSettings, shipped_settings
from signtalk.service.session import LiveSession, Mode, Segment


@pytest.fixture(autouse=True)
def told_activity(monkeypatch: pytest.MonkeyPatch) -> None:
    """Probability of signing = x of the nose, so that a test says when somebody signs."""
    monkeypatch.setattr(
        signtalk.segmentation.segmenter.ActivityTracker, "push", lambda self, landmarks, time_s: float(landmarks[0, 0])
    )


def frames(signing: list[float], start_s: float = 0.0, fps: float = 25.0) -> Any:
    rows = np.zeros(len(signing), dtype=FRAME)
    rows["time_s"] = start_s + np.arange(len(signing)) / fps
    rows["landmarks"][:, 0, 0] = signing
    return rows


def kinds(notes: list[Any]) -> list[str]:
    names = [
        f"segment {note.number}" if isinstance(note, Segment) else note.get("state", note["type"]) for note in notes
    ]
    return [each for each in names if each != "activity"]


def session_of(mode: Mode = "auto") -> LiveSession:
    """With the plain hysteresis, not the fitted one."""
    return LiveSession(mode=mode, settings=SegmenterSettings(model=shipped_settings().model, config=SegmenterConfig()))


SENTENCE = [0.0] * 25 + [1.0] * 50 + [0.0] * 50


def test_a_sentence_is_signing_thinking_answer() -> None:
    session = session_of()
    notes = session.push(frames(SENTENCE))
    assert kinds(notes) == ["signing", "thinking", "segment 0"]
    assert session.state == "thinking"
    (segment,) = [note for note in notes if isinstance(note, Segment)]
    assert 0.8 < segment.start_s <= 1.0
    assert 2.9 < segment.end_s < 3.2
    assert segment.cause == "rest"
    signs = segment.clip.landmarks[:, 0, 0]
    assert 48 < signs.sum() <= 50  # the frames that showed signing
    assert kinds(session.answered(segment, {"outcome": "not_sure"})) == ["answer", "answer"]
    assert session.state == "answer"


def test_an_answer_tells_how_well_its_signer_was_known() -> None:
    session = session_of()
    said, _ = session.answered(_segment(session.push(frames(SENTENCE))), {}, 4)
    assert said["signer_sentences"] == 4


def test_frame_by_frame_is_as_all_at_once() -> None:
    single, together = session_of(), session_of()
    rows = frames(SENTENCE * 3)
    notes = [note for t in range(len(rows)) for note in single.push(rows[t : t + 1])]
    assert kinds(notes) == kinds(together.push(rows))
    assert kinds(notes).count("segment 2") == 1


def test_an_answer_does_not_interrupt_who_signs_on() -> None:
    session = session_of()
    notes = session.push(frames(SENTENCE))
    session.push(frames([1.0] * 20, start_s=5.0))
    assert session.state == "signing"
    said = session.answered(_segment(notes), {})
    assert kinds(said) == ["answer"]
    assert session.state == "signing"


def _segment(notes: list[Any]) -> Segment:
    return next(note for note in notes if isinstance(note, Segment))


def test_an_answer_is_not_told_to_the_next_person() -> None:
    session = session_of()
    segment = _segment(session.push(frames(SENTENCE)))
    assert kinds(session.reset()) == ["idle"]
    assert session.answered(segment, {"outcome": "answer"}) == []
    assert session.failed(segment, {"error": {}}) == []
    assert session.state == "idle"
    again = _segment(session.push(frames(SENTENCE, start_s=10.0)))
    assert kinds(session.answered(again, {})) == ["answer", "answer"]


def test_a_gap_does_not_take_the_answer_away() -> None:
    session = session_of()
    segment = _segment(session.push(frames(SENTENCE)))
    session.push(frames([0.0], start_s=60.0))
    assert kinds(session.answered(segment, {})) == ["answer", "answer"]


def test_nobody_thinks_any_longer_where_there_is_no_answer() -> None:
    session = session_of()
    segment = _segment(session.push(frames(SENTENCE)))
    error, state = session.failed(segment, {"error": {"code": "busy"}})
    assert (error["type"], error["segment"], error["error"]["code"]) == ("error", 0, "busy")
    assert state["state"] == session.state == "idle"
    session.push(frames([1.0] * 50, start_s=6.0))
    assert kinds(session.failed(segment, {"error": {}})) == ["error"]  # who signs on keeps that state
    assert session.state == "signing"


def test_a_twitch_is_cancelled() -> None:
    session = session_of()
    notes = session.push(frames([0.0] * 10 + [1.0] * 8 + [0.0] * 40))
    assert kinds(notes) == ["signing", "cancel", "idle"]


def test_a_button_begins_and_ends() -> None:
    session = session_of(mode="button")
    assert kinds(session.push(frames(SENTENCE))) == []
    assert kinds(session.start()) == ["signing"]
    session.push(frames([0.0] * 30, start_s=10.0 - 5.01))
    notes = session.stop()
    assert kinds(notes) == ["thinking", "segment 0"]
    assert _segment(notes).clip.num_frames == 30
    assert _segment(notes).cause == "button"
    assert session.stop() == []


def test_a_button_without_a_frame_is_no_sentence() -> None:
    session = session_of(mode="button")
    session.start()
    assert kinds(session.stop()) == ["cancel", "idle"]


def test_what_a_button_began_is_cut_in_the_end() -> None:
    session = session_of(mode="button")
    session.push(frames([0.0]))
    session.start()
    longest = session._segmenter.settings.config.longest_s
    notes = session.push(frames([0.0] * round(25 * (longest + 2)), start_s=0.04))
    assert kinds(notes) == ["thinking", "segment 0"]
    assert _segment(notes).clip.duration_s == pytest.approx(longest, abs=0.2)


def test_a_gap_forgets_the_person() -> None:
    session = session_of()
    session.push(frames([0.0] * 5 + [1.0] * 30))
    assert session.state == "signing"
    assert kinds(session.push(frames([0.0], start_s=60.0))) == ["idle"]
    assert kinds(session.push(frames(SENTENCE, start_s=61.0)))[-1] == "segment 0"
    assert session.reset() != []
    assert session.reset() == []


def test_a_button_pressed_within_a_gap_counts() -> None:
    session = session_of(mode="button")
    session.push(frames([0.0] * 5))
    session.start()
    session.push(frames([0.0] * 30, start_s=60.0))
    assert session.state == "signing"
    segment = _segment(session.stop())
    assert (segment.start_s, segment.clip.num_frames) == (60.0, 30)


def test_activity_is_told_five_times_a_second() -> None:
    notes = session_of().push(frames([0.1] * 100))
    times = [note["time_s"] for note in notes if not isinstance(note, Segment)]
    assert len(times) == 20
    assert np.diff(times) == pytest.approx(0.2)


def test_times_must_increase() -> None:
    session = session_of()
    session.push(frames([0.0, 0.0]))
    with pytest.raises(ClipError, match="must increase"):
        session.push(frames([0.0], start_s=0.04))
