import pytest

from signtalk.data.names import safe_name, unique_names


@pytest.mark.parametrize(("text", "name"), [
    ("Où? / weiß: nicht?", "Où_weiß_nicht"), ("../../etc", "etc"), ("?!", ""), ("", ""), ("a\0b\nc", "a_b_c"),
    ("x" * 300, "x" * 50), (".hidden", "hidden"),
])  # fmt: skip
def test_a_text_becomes_a_safe_name(text, name):
    assert safe_name(text) == name


def test_names_differ_whatever_their_case():
    assert unique_names(["a", "A", "a", "?", "a-2"]) == ["a", "A-2", "a-3", "clip", "a-2-2"]
