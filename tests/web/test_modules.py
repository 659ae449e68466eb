"""The page's modules: who imports whom, and what a test does that lacks its program."""

import re
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import pytest

from made.web import ROOT, needs
from signtalk.bundle.web import PAGE

SCRIPTS = sorted(path for folder in ("engine", "page") for path in (PAGE / folder).glob("*.js"))
_IMPORT = re.compile(
    r"""^(?:import|export)\b[^;]*?\bfrom\s*"([^"]+)"|^import\s*"([^"]+)"|\bimport\("([^"]+)"\)""", re.M
)
_WORKER = re.compile(r"""new Worker\(new URL\("([^"]+)", import\.meta\.url\)""")


def without_comments(text: str) -> str:
    return re.sub(r"(?s:/\*.*?\*/)|^\s*//[^\n]*$", "", text, flags=re.M)


def imported(script: Path, pattern: re.Pattern[str] = _IMPORT) -> set[Path]:
    """The project's modules that a script imports, at its beginning or later."""
    names = {next(filter(None, groups if isinstance(groups, tuple) else (groups,)))
             for groups in pattern.findall(without_comments(script.read_text()))}  # fmt: skip
    paths = {(script.parent / name).resolve() for name in names}
    return {path for path in paths if "vendor" not in path.parts}


def test_each_module_is_imported_by_some_other_or_is_a_page_of_its_own() -> None:
    wanted = set().union(*(imported(script) for script in SCRIPTS))
    roots = {
        PAGE / "page" / "app.js",
        PAGE / "page" / "recorder.js",
        *(path for script in SCRIPTS for path in imported(script, _WORKER)),
    }
    assert {path.name for path in set(SCRIPTS) - wanted - roots} == set()
    assert wanted <= set(SCRIPTS), "an import of a file that is not there"


def test_no_module_imports_itself_through_others() -> None:
    TopologicalSorter({script: imported(script) for script in SCRIPTS}).prepare()  # raises a CycleError


def test_the_engine_knows_nothing_of_the_page() -> None:
    for script in SCRIPTS:
        if script.parent.name == "engine":
            assert {path.parent.name for path in imported(script)} <= {"engine"}, script.name


def test_comments_import_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.js").write_text(
        '/** @import { B } from "./b.js" */\n// import "./c.js";\nimport {\n  D,\n} from "./d.js";\n'
        'export * from "./e.js";\nconst load = () => import("./f.js");\nimport * as v from "../vendor/v.mjs";\n'
    )
    assert {path.name for path in imported(tmp_path / "a.js")} == {"d.js", "e.js", "f.js"}


def test_what_is_missing_skips_a_test_and_fails_it_where_it_is_required() -> None:
    def test(answer: int) -> int:
        return answer

    assert needs(True, "all is there", required=True)(test)(42) == 42
    with pytest.raises(pytest.fail.Exception, match="CI must run this test: no node"):
        needs(False, "no node", required=True)(test)(42)
    (mark,) = _marks(needs(False, "no node", required=False)(test))
    assert (mark.name, mark.kwargs) == ("skip", {"reason": "no node"})


def _marks(test: Any) -> list[Any]:
    return list(test.pytestmark)


def test_the_lock_file_names_no_registry() -> None:
    assert '"resolved"' not in (ROOT / "web" / "package-lock.json").read_text()
