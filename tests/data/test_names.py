import pytest

from signtalk.data.names import composed, folded_id, safe_name, split_letter, unique_names, unquoted


@pytest.mark.parametrize(("text", "name"), [
    ("Où? / weiß: nicht?", "Où_weiß_nicht"), ("../../etc", "etc"), ("?!", ""), ("", ""), ("a\0b\nc", "a_b_c"),
    ("x" * 300, "x" * 50), (".hidden", "hidden"),
])  # fmt: skip
def test_a_text_becomes_a_safe_name(text, name):
    assert safe_name(text) == name


def test_names_differ_whatever_their_case():
    assert unique_names(["a", "A", "a", "?", "a-2"]) == ["a", "A-2", "a-3", "clip", "a-2-2"]


@pytest.mark.parametrize(("name", "plain"), [
    ("my%20clip.mp4", "my clip.mp4"), ("file:///v/%C3%A9.mp4", "file:///v/é.mp4"), ("100%25.mp4", "100%25.mp4"),
])  # fmt: skip
def test_an_address_is_read_as_the_file_has_its_name(name, plain):
    assert unquoted(name) == plain


def test_letters_are_composed():
    assert composed("Ame\u0301lie") == "Am\u00e9lie" == composed("Am\u00e9lie")


@pytest.mark.parametrize(("name", "parts"), [
    ("1A", ("1", "A")), ("s02e", ("s02", "E")), ("care", ("care", "")), ("VIDEO_AB", ("VIDEO_AB", "")),
    ("1F", ("1F", "")), ("A", ("A", "")), ("", ("", "")),
])  # fmt: skip
def test_a_letter_is_a_signer_behind_a_digit_alone(name, parts):
    assert split_letter(name) == parts


def test_ids_are_compared_as_numbers_and_without_blanks_and_case():
    assert folded_id(" 007") == folded_id("7.0") == folded_id("7") == "7"
    assert folded_id("S 1") == "s1" != folded_id("s01")
