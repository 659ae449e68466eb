"""Tables in JSON: a list of clips, words with their clips, lines."""

import json
from pathlib import Path
from typing import Any

import pytest

from signtalk.data.json_tables import is_json, json_rows
from signtalk.errors import DataError

PATH = Path("WLASL.json")


def rows(value: Any) -> list[list[str]]:
    return json_rows(PATH, json.dumps(value))


@pytest.mark.parametrize("text", ['[{"a": 1}]', ' \n{ "a": 1}', "[]", "{}", '["a"]'])
def test_json_is_known_by_its_beginning(text: str) -> None:
    assert is_json(text)


@pytest.mark.parametrize("text", ["video,sentence\n", "[video],[sentence]\n", "{x}\n", "", '"video","sentence"\n'])
def test_a_table_is_not_taken_for_json(text: str) -> None:
    assert not is_json(text)


def test_a_word_with_its_clips_is_a_row_a_clip() -> None:
    wlasl = [
        {"gloss": "book", "instances": [{"video_id": "69241", "signer_id": 118, "bbox": [1, 2]}, {"video_id": "7"}]},
        {"gloss": "drink", "instances": [{"video_id": "8", "signer_id": None}]},
    ]
    assert rows(wlasl) == [
        ["gloss", "video_id", "signer_id", "bbox"],
        ["book", "69241", "118", "[1, 2]"],
        ["book", "7", "", ""],
        ["drink", "8", "", ""],
    ]


def test_a_list_of_clips_may_stand_in_an_object_or_in_lines() -> None:
    clips = [{"file": "a.mp4", "text": "Où", "idle": False}, {"file": "b.mp4", "text": "x", "fps": 25.0}]
    expected = [["file", "text", "idle", "fps"], ["a.mp4", "Où", "0", ""], ["b.mp4", "x", "", "25"]]
    assert rows(clips) == rows({"info": {"year": 2026}, "annotations": clips}) == expected
    assert json_rows(PATH, "\n".join(map(json.dumps, clips))) == expected
    other = '{"text": "a\u2028b\x85c"}\n{"text": "d"}'  # marks within a text that end lines elsewhere
    assert json_rows(PATH, other) == [["text"], ["a\u2028b\x85c"], ["d"]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a": 1}', "another shape than a table; expected a list of objects"),
        ("[1, 2]", "another shape"),
        ("[]", "another shape"),
        ("[{}]", "without a clip"),
        ('[{"a": 1', "not readable as JSON"),
        ('{"a": [{"x": 1}], "b": [{"y": 1}]}', "another shape"),
    ],
)
def test_what_is_no_table_is_one_line(text: str, message: str) -> None:
    with pytest.raises(DataError, match=rf"WLASL\.json: .*{message}") as refused:
        json_rows(PATH, text)
    assert "\n" not in str(refused.value)
