"""What README, pages and Makefile say fits the code."""

import ast
import json
import re
import shlex
import shutil
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import typer
from typer.core import TyperGroup

import signtalk
from made.small_run import SmallRun
from signtalk.cli.main import app

PROJECT = Path(__file__).resolve().parent.parent
PAGES = [
    page
    for page in sorted([*PROJECT.glob("*.md"), *PROJECT.glob("docs/**/*.md"), *PROJECT.glob("examples/*.md")])
    if page.parent.name != "rooms"  # made by `make docs`
]
CODE = [path for folder in ("src", "tests", "benchmarks") for path in (PROJECT / folder).rglob("*.py")]


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def without_code(text: str) -> str:
    return re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)


def name_of(page: Path) -> str:
    return str(page.relative_to(PROJECT))


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)\s]+)\)", without_code(text_of(page)))
    inside = [link.split("#")[0] for link in links if "://" not in link]
    assert [link for link in inside if link and not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_paths_that_a_page_names_are_there(page: Path) -> None:
    paths = re.findall(r"\b(?:src/signtalk|tests|benchmarks|examples|web|docs)/[\w./+-]*\.\w+", text_of(page))
    recorded = {"docs/results.md", "src/signtalk/segmenter.json"}  # in commands, told as they were typed
    missing = {path for path in paths if not (PROJECT / path).exists() and "NAME" not in path}
    assert sorted(missing - recorded) == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_modules_that_a_page_names_are_there(page: Path) -> None:
    names = {path.name for path in [*CODE, *(PROJECT / "docs").rglob("*.py"), *(PROJECT / "examples").glob("*.py")]}
    named = re.findall(r"`(?:[\w/]+/)?(\w+\.py)\b", text_of(page))
    assert sorted(set(named) - names - {"signdata.py", "utils.py", "NAME.py", "test_NAME.py"}) == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_prose_fits_a_screen(page: Path) -> None:
    lines = without_code(text_of(page)).splitlines()
    prose = [line for line in lines if not line.lstrip().startswith(("|", "<", "!"))]
    breakable = [line for line in prose if re.sub(r"`[^`]*`|\([^)]*\)", "", line).strip(" *.,;:").count(" ") > 1]
    made = page.parent.name == "results"
    assert [line for line in breakable if len(line) > 100 and not made] == []


def test_every_page_stands_in_the_site() -> None:
    listed = {name for page in PAGES if page.is_relative_to(PROJECT / "docs") for name in toctree(text_of(page))}
    pages = {page.stem for page in (PROJECT / "docs").glob("*.md")} - {"index"}
    assert pages - listed == set()


def toctree(text: str) -> list[str]:
    blocks = re.findall(r"^```\{toctree\}\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line and not line.startswith(":")]


def test_the_site_has_a_page_of_every_room() -> None:
    rooms = {path.parent.name for path in (PROJECT / "src" / "signtalk").glob("*/__init__.py")}
    assert {f"rooms/{room}" for room in rooms} == set(toctree(text_of(PROJECT / "docs" / "rooms.md")))


def test_the_reference_lists_what_the_front_door_offers() -> None:
    listed = re.findall(r"^\.\. auto\w+:: signtalk\.(\w+)$", text_of(PROJECT / "docs" / "api.md"), flags=re.MULTILINE)
    assert sorted(listed) == sorted(signtalk.__all__)


def test_every_reason_of_a_refusal_is_told_with_what_to_do() -> None:
    from signtalk.recognition.gate import Reason

    rows = re.findall(r"^\| `(\w+)` \|(.+)\|$", text_of(PROJECT / "docs" / "calibration.md"), flags=re.MULTILINE)
    told = {name: cells.split(" | ") for name, cells in rows if len(cells.split(" | ")) == 3}
    assert set(told) == set(get_args(Reason)) - {""}
    assert all(cell.strip() for cells in told.values() for cell in cells)
    texts = json.loads(text_of(PROJECT / "src/signtalk/service/web/texts/en.json"))
    assert {f"reason.{name}" for name in told} <= set(texts)


def test_the_contract_has_every_number_that_the_code_cites() -> None:
    contract = text_of(PROJECT / "docs" / "contract.md")
    sections = set(re.findall(r"^#+ (\d(?:\.\d+)?) ", contract, flags=re.MULTILINE))
    faults = set(re.findall(r"^(\d+)\. \*\*", contract.split("## 2 ")[1].split("## 3 ")[0], flags=re.MULTILINE))
    assert faults == {str(number) for number in range(1, 30)}
    known = sections | {f"2.{number}" for number in faults}
    text = "\n".join(text_of(path) for path in CODE if path != Path(__file__).resolve())
    cited = set(re.findall(r"(?:SPEC|contract\.md) (\d\.\d+)", text))
    cited |= {f"2.{number}" for number in re.findall(r"(?:SPEC|contract\.md) faults? (\d+)", text)}
    assert len(cited) > 10
    assert cited - known == set()


def test_make_help_names_every_target() -> None:
    makefile = text_of(PROJECT / "Makefile")
    targets = re.search(r"^\.PHONY: (.*)$", makefile, flags=re.MULTILINE)
    assert targets
    named = re.findall(r'^\t@echo "make ([\w-]+) +\S', makefile, flags=re.MULTILINE)
    assert len(named) == len(set(named)), "one line a target"
    assert set(targets[1].split()) - {"help"} == set(named)


# --- commands


def commands_of(page: Path) -> list[str]:
    """What follows `signtalk` in the shell blocks of a page, and where its text names a command."""
    blocks = re.findall(r"^```([^\n]*)\n(.*?)^```", text_of(page), flags=re.MULTILINE | re.DOTALL)
    shell = [block for language, block in blocks if language in ("", "sh", "bash")]
    lines = [line for block in shell for line in block.replace("\\\n", " ").splitlines()]
    named = [code.replace("\n", " ") for code in re.findall(r"`([^`]+)`", without_code(text_of(page)))]
    found = (re.match(r"(?:[A-Z_]+=\S+ )*signtalk (.+)", line.strip()) for line in lines + named)
    return [re.split(r"\s+#\s| \| | && | > ", each[1])[0] for each in found if each]


@pytest.mark.parametrize("page", [page for page in PAGES if commands_of(page)], ids=name_of)
def test_commands_of_a_page_are_ones_that_the_program_has(page: Path) -> None:
    commands = commands_of(page)
    assert len(commands) >= len(re.findall(r"^signtalk ", text_of(page), flags=re.MULTILINE))
    for line in commands:
        words, command = shlex.split(line), typer.main.get_command(app)
        while isinstance(command, TyperGroup) and words:
            command = command.commands[words.pop(0)]
        if words and words[-1].startswith("--"):
            words.append("0")  # an option is named without its value
        _, left, _ = command.make_parser(typer.Context(command)).parse_args(words)
        assert left in ([], ["0"]), f"{line}: the command does not take {left}"


# --- snippets


def snippets() -> list[tuple[str, str]]:
    """(where, code) of every block of Python in README and pages."""
    return [
        (f"{name_of(page)} {number}", code)
        for page in PAGES
        for number, code in enumerate(
            re.findall(r"^```python\n(.*?)^```", text_of(page), flags=re.MULTILINE | re.DOTALL), start=1
        )
    ]


def test_there_are_snippets() -> None:
    assert {where.split()[0] for where, _ in snippets()} >= {"README.md", "docs/api.md", "docs/enrolment.md"}


@pytest.fixture
def room_for_snippets(small_run: SmallRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the files that snippets name; clips of landmarks stand in for videos."""
    roles = json.loads((small_run.run / "split.json").read_text(encoding="utf-8"))["roles"]
    unseen = sorted(clip_id for clip_id, role in roles.items() if role in ("test", "test_unknown"))
    for name, clip_id in zip(("clip", "a", "b"), unseen, strict=False):
        shutil.copy(small_run.data / "clips" / f"{clip_id}.npz", tmp_path / f"{name}.npz")
    shutil.copy(small_run.bundle, tmp_path / "clinic.zip")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(("where", "code"), snippets(), ids=[where for where, _ in snippets()])
def test_a_snippet_runs(where: str, code: str, room_for_snippets: Path) -> None:
    clip = signtalk.read_clip(room_for_snippets / "clip.npz")
    names: dict[str, Any] = {
        "camera": zip(clip.landmarks, clip.timestamps_s, clip.visibility, strict=True),
        "np": np,
    }
    exec(compile(ast.parse(code.replace(".mp4", ".npz")), where, "exec"), names)
