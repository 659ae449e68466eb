"""What cells say that nobody meant: told, and never changed."""

import pytest

from signtalk.data.cells import cell_notes, span_titles, worded_column


@pytest.mark.parametrize(
    ("titles", "expected"),
    [
        (("video", "start", "end", "text"), ("start", "end")),
        (("START_REALIGNED", "END_REALIGNED", "SENTENCE"), ("START_REALIGNED", "END_REALIGNED")),
        (("frame_end", "frame_start", "gloss"), ("frame_start", "frame_end")),
        (("start_time", "signer", "start", "end", "end_time"), ("start", "end")),
        (("Begin Time", "End Time"), ("Begin Time", "End Time")),
        (("video", "start", "text"), ()),
        (("recording_end", "start"), ()),
    ],
)
def test_titles_that_mean_parts_of_videos(titles: tuple[str, ...], expected: tuple[str, ...]) -> None:
    assert span_titles(titles) == expected


def test_words_are_taken_before_numbers_of_classes() -> None:
    titles = ["video", "label", "class_name"]
    assert worded_column(titles, [["a", "41", "doctor"], ["b", "7"]], 1) == 2
    assert worded_column(titles, [["a", "hello", "doctor"]], 1) == 1
    assert worded_column(titles, [["a", "41", "2"]], 1) == 1  # no words anywhere
    assert worded_column(titles, [["a", "", "doctor"]], 1) == 1  # nothing tells


def notes(**columns: list[str]) -> list[str]:
    return cell_notes("m.csv", columns)


def test_usual_cells_are_not_spoken_of() -> None:
    fine = ["Où avez-vous mal ?", "a < b & c", "IX<loc>", "R&B", "the same", "kyɛw", "naïve 3", "Ätna", "7", ""]
    assert (
        notes(
            sentence=fine,
            signer=["Amélie", "Kɔfi", "", "A", "B", "S1", "S10", "S100", "1", "10"],
            sentence_id=["1", "2"],
        )
        == []
    )
    assert notes(sentence=["7", "7"]) == []  # one text may be a number


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        ({"sentence": ["OÃ¹ avez-vous mal ?"]}, "1 texts look as if encoded twice, such as 'OÃ¹ avez-vous mal ?'"),
        ({"signer": ["AmÃ©lie", "Kofi"]}, "1 texts look as if encoded twice, such as 'AmÃ©lie'"),
        ({"sentence": ["O\ufffd avez-vous"]}, "1 texts have lost letters"),
        ({"signer": ["Ama", "unknown", "N/A", "?"]}, "3 cells for signer say 'unknown', 'N/A', '?'"),
        ({"sentence": ["hello", "nan"]}, "1 cells for sentence say 'nan', which counts as a text"),
        ({"signer": ["Ama", "ama", "Kofi", "kofi  B", "Kofi B"]}, "'Ama' and 'ama'; 'kofi  B' and 'Kofi B'"),
        ({"sentence_id": ["2026-02-01", "7"]}, "1 cells for sentence_id are dates, such as '2026-02-01'"),
        ({"sentence": ['["HELLO", "AMA"]', "[waves] hello"]}, '1 texts are lists, such as \'["HELLO", "AMA"]\''),
        (
            {"sentence": ["hello\u200b", "hello"]},
            r"1 texts hold invisible characters, such as 'hello\u200b'",
        ),
        ({"sentence": ["['HELLO']", '{"en": "hello"}']}, "2 texts are lists"),
        (
            {"sentence": ["hello"], "video_file": ["\ufeff1A.mp4"]},
            r"1 texts hold invisible characters, such as '\ufeff1A",
        ),
        ({"signer": ["01", "1", "1.0"]}, "zeros alone count as several people: '01' and '1' and '1.0'"),
        ({"signer": ["S-01", "s_1", "S10", "S1 0"]}, "'S-01' and 's_1'; 'S10' and 'S1 0'"),
        ({"sentence": ["hello", '"', ",,"]}, "2 cells for sentence say '\"', ',,', which counts as a text"),
        ({"signer": ["Ama", "dito", "Same as above"]}, "write out what stands in the row above"),
        ({"sentence": ["Don&#39;t eat", "Salt &amp; sugar", "<b>Help</b>"]}, "3 texts hold marks of a web page"),
        ({"sentence": ["41", "7", "7.0"]}, "its texts are numbers alone, such as '41', '7'"),
    ],
)
def test_each_oddity_is_one_note(columns: dict[str, list[str]], told: str) -> None:
    (note,) = notes(**columns)
    assert note.startswith("m.csv: ") and told in note
