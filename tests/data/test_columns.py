"""Titles of columns as people write them."""

import pytest

from signtalk.data.columns import ALIASES, NUMBERS, folded_title, matched_columns, places_of, spellings
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
        (["Video file (mp4)", "Sign / Gloss", "Participant Code"], {"video_file": 0, "sentence": 1, "signer": 2}),
        (["File [.mp4]", "Gloss (English)", "Signer name"], {"video_file": 0, "sentence": 1, "signer": 2}),
        (["Word/Sign/Gloss (Twi)", "Signer / Participant"], {"sentence": 0, "signer": 1}),
        (["Gloss (Twi)", "gloss"], {"sentence": 1}),  # what is spelled as we know it comes first
        (["Class", "Sentence (English)"], {"category": 0, "sentence": 1}),
        (["Video", "Gloss", "Signer (age)", "File (MB)", "Number (of takes)"], {"video_file": 0, "sentence": 1}),
        (["Video", "Gloss", "Category (main)", "Category (sub)"], {"video_file": 0, "sentence": 1}),
        (["Name", "Sign / Signer", "Yes / Gloss", "Text (a", "/", "()"], {}),
    ],
)
def test_titles_are_matched_without_case_blanks_and_punctuation(titles, expected):
    assert matched_columns("m.csv", titles) == expected


def test_only_columns_that_are_wanted_are_matched():
    assert matched_columns("m.csv", ["video", "sentence", "fps"], ("sentence",)) == {"sentence": 1}


def test_two_spellings_of_one_title_are_refused():
    with pytest.raises(DataError, match=r"m\.csv: two columns 'Video File' and 'video_file'"):
        matched_columns("m.csv", ["Video File", "video_file", "sentence"])
    with pytest.raises(DataError, match=r"m\.csv: two columns 'Gloss \(Twi\)' and 'Gloss \(English\)'"):
        matched_columns("m.csv", ["Video", "Gloss (Twi)", "Gloss (English)"])


def test_all_titles_that_may_mean_a_column_are_found_the_best_first():
    titles = ["Gloss (English)", "class", "word", "Sign / Text", "sentence", "signer"]
    assert places_of(titles, "sentence") == [4, 2, 3, 0, 1]


def test_aliases_are_written_as_they_are_compared():
    for ours, aliases in ALIASES.items():
        assert folded_title(ours) in aliases and all(folded_title(alias) == alias for alias in aliases)
    assert set(ALIASES) >= NUMBERS
    assert spellings("signer").startswith("signer, signerid, participant")
