"""Who is seen signing a sentence: those alone who agreed to it, as long as they do."""

from pathlib import Path

import pytest

from made.recording import FORM, PROMPTS, signed_take
from made.service import asked_service
from made.small_run import SmallRun
from signtalk.errors import DataError
from signtalk.service.films import SignFilms
from signtalk.service.recording import Prompt, PromptedTake, RecordingFolder

SENTENCE = PROMPTS[0].sentence


@pytest.fixture
def recording(tmp_path: Path) -> RecordingFolder:
    recorded = RecordingFolder(tmp_path / "signs", PROMPTS, FORM, keeps_videos=True)
    recorded.agree("s01", videos=True, shown=True)
    recorded.agree("s02", videos=True)
    return recorded


def filmed(recording: RecordingFolder, signer: str, seed: int, number: int = 0, suffix: str = ".webm") -> Path:
    clip_id = recording.add(PromptedTake(number, signer, "today"), signed_take(seed)).clip_id
    recording.add_video(clip_id, b"a film", suffix)
    return recording.folder / "videos" / f"{clip_id}{suffix}"


def test_the_last_film_of_whom_agreed_to_be_seen(recording: RecordingFolder) -> None:
    films = SignFilms(recording.folder)
    assert films.of(SENTENCE) is None  # nothing is recorded yet
    first = filmed(recording, "s01", 1)
    assert films.of(SENTENCE) == first
    second = filmed(recording, "s01", 2, suffix=".mp4")
    filmed(recording, "s02", 3)
    assert films.of("where does it HURT") == second
    assert films.of(PROMPTS[1].sentence) is None and films.of("no such sentence") is None
    recording.remove_last(0, "s01")
    assert films.of(SENTENCE) == first
    first.unlink()
    assert films.of(SENTENCE) is None


def test_who_takes_it_back_is_seen_no_longer(recording: RecordingFolder) -> None:
    kept = filmed(recording, "s01", 1)
    films = SignFilms(recording.folder)
    assert films.of(SENTENCE) == kept
    recording.agree("s01", videos=True)  # kept, but not shown
    assert films.of(SENTENCE) is None and kept.is_file()
    recording.agree("s01", videos=True, shown=True)
    assert films.of(SENTENCE) == kept
    recording.withdraw("s01")
    assert films.of(SENTENCE) is None


def test_a_consent_that_cannot_be_read_is_none(recording: RecordingFolder) -> None:
    filmed(recording, "s01", 1)
    films = SignFilms(recording.folder)
    consents = recording.folder / "consents.csv"
    consents.write_text("broken\n")
    assert films.of(SENTENCE) is None
    consents.unlink()
    assert films.of(SENTENCE) is None


def test_a_folder_that_nobody_recorded_into_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"consents\.csv; expected a folder that `signtalk record --videos` filled"):
        SignFilms(tmp_path)


def test_the_service_shows_who_agreed(recording: RecordingFolder, small_run: SmallRun) -> None:
    with asked_service(small_run.bundle, films=recording.folder) as (client, _):
        known = client.get("/v1/sentences").json()["sentences"][0]
        assert known["has_film"] is False
        prompts = (Prompt("1", known["sentence"].upper()), *PROMPTS)
        recorded = RecordingFolder(recording.folder, prompts, FORM, keeps_videos=True)
        filmed(recorded, "s01", 1)
        listed = client.get("/v1/sentences").json()["sentences"]
        assert [each["sentence_id"] for each in listed if each["has_film"]] == [known["sentence_id"]]
        path = f"/v1/sentences/{known['sentence_id']}/film"
        whole, part = client.get(path), client.get(path, headers={"Range": "bytes=2-3"})
        assert (whole.status_code, whole.content) == (200, b"a film")
        assert (whole.headers["content-type"], whole.headers["cache-control"]) == ("video/webm", "no-store")
        assert (part.status_code, part.content) == (206, b"fi")  # some browsers play nothing without ranges
        other = next(each["sentence_id"] for each in listed if not each["has_film"])
        assert client.get(f"/v1/sentences/{other}/film").status_code == 404
        recorded.withdraw("s01")
        assert client.get(path).status_code == 404
    with asked_service(small_run.bundle) as (client, _):
        assert not any(each["has_film"] for each in client.get("/v1/sentences").json()["sentences"])
        assert client.get(path).status_code == 404
