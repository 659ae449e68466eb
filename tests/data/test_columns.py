"""Titles of columns as people write them."""

import pytest

from signtalk.data.columns import ALIASES, NUMBERS, folded_title, matched_columns, spellings
from signtalk.errors import DataError


@pytest.mark.parametrize(
    ("titles", "expected"),
    [
        (["Video file", "Gloss", "Participant ID"], {"video_file": 0, "sentence": 1, "signer": 2}),
        (["file", "label", "person"], {"video_file": 0, "sentence": 1, "signer": 2}),
        (["FILE-NAME", " Phrase ", "Subject"], {"video_file": 0, "sentence": 1, "signer": 2}),
        (["path", "sign", "participant_id"], {"path": 0, "sentence": 1, "signer": 2}),
        (["Word", "text"], {"sentence": 1}),  # one text is taken; the other is told as not used
        (["class", "sentence"], {"category": 0, "sentence": 1}),
        (["file", "class"], {"video_file": 0, "sentence": 1}),  # without another text the class is what is signed
        (["Sentence", "Frame Rate"], {"sentence": 0, "fps": 1}),
        (["who", "what"], {}),
    ],
)
def test_titles_are_matched_without_case_blanks_and_punctuation(titles, expected):
    assert matched_columns("m.csv", titles) == expected


def test_only_columns_that_are_wanted_are_matched():
    assert matched_columns("m.csv", ["video", "sentence", "fps"], ("sentence",)) == {"sentence": 1}


def test_two_spellings_of_one_title_are_refused():
    with pytest.raises(DataError, match=r"m\.csv: two columns 'Video File' and 'video_file'"):
        matched_columns("m.csv", ["Video File", "video_file", "sentence"])


def test_aliases_are_written_as_they_are_compared():
    for ours, aliases in ALIASES.items():
        assert folded_title(ours) in aliases and all(folded_title(alias) == alias for alias in aliases)
    assert set(ALIASES) >= NUMBERS
    assert spellings("signer").startswith("signer, signerid, participant")
