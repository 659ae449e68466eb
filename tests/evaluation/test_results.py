import pytest

from signtalk.evaluation.results import WrongClip


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("known", "I wait."),
        ("unknown", "not sure (I wait.: not indexed)"),
        ("idle", "not sure (nothing is signed)"),
    ],
)
def test_a_wrong_clip_says_what_should_have_been_told(kind: str, expected: str) -> None:
    clip = WrongClip(kind, "c1", "A", told="I go.", right="I wait.", reason="", candidate="I go.", confidence=0.9)
    assert clip.expected == expected
