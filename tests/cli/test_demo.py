"""What `signtalk demo` prints; the story itself is told in test_story.py."""

from pathlib import Path
from typing import Any

import pytest

from made.commands import terminal
from made.small_run import SmallRun
from signtalk.cli.story import FULL, SMALL


@pytest.fixture
def told_before(small_run: SmallRun, monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """Let the command tell the story of the small run; what the story was called with."""
    calls: list[tuple[Any, ...]] = []

    def run_demo(out: Path, size: Any, say: Any, progress: bool) -> Any:
        calls.append((out, size, progress))
        say("1 making up clips")
        return small_run.result

    monkeypatch.setattr("signtalk.cli.story.run_demo", run_demo)
    return calls


def test_it_ends_with_what_to_do_next(small_run: SmallRun, ask: Any, told_before: list[tuple[Any, ...]]) -> None:
    with terminal(200):
        lines = ask("demo", "--small", "--out", small_run.out).out.splitlines()
    assert told_before == [(small_run.out, SMALL, True)]
    assert lines[0] == "1 making up clips"
    assert "the bundle answers the same without torch: yes" in lines
    text = "\n".join(lines)
    for kind in small_run.result.answers:
        assert f" {kind} " in text
    at = lines.index("next:")
    assert len(lines) - at == 6
    assert f"--bundle {small_run.bundle}" in lines[at + 2]
    assert Path(lines[at + 1].split()[-1]).is_file()


def test_as_json_the_story_is_told_aside(small_run: SmallRun, ask: Any, told_before: list[tuple[Any, ...]]) -> None:
    told = ask("demo", "--out", small_run.out, "--json")
    assert told_before == [(small_run.out, FULL, False)]
    assert told["same_without_torch"] is True
    assert set(told["answers"]) == set(small_run.result.answers)
    assert told["report"]["retrieval"]
