"""A public function of three or more parameters tells what each of them is.

Ruff (D417) checks that an `Args:` section names every parameter; this test checks that the section is there.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent / "src" / "signtalk"
FEWEST = 3
ELSEWHERE = re.compile(r"\b[Aa]s `[\w.]+`")  # "As `References.narrowed`": told where the interface stands
HOOKS = {"on_exception", "configure_gradient_clipping"}  # Lightning says what they are called with


def public_functions(tree: ast.AST, of: str = "") -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """Functions and methods by name, without overloads and what is private."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield from public_functions(node, f"{node.name}.")
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_"):
            decorators = {ast.unparse(decorator) for decorator in node.decorator_list}
            yield from [] if "overload" in decorators else [(of + node.name, node)]


def parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    spec = function.args
    return [each.arg for each in (*spec.posonlyargs, *spec.args, *spec.kwonlyargs) if each.arg not in ("self", "cls")]


def untold(source: str) -> list[str]:
    """Names of functions that lack the section."""
    return [
        name
        for name, function in public_functions(ast.parse(source))
        if len(parameters(function)) >= FEWEST
        and "Args:" not in (text := ast.get_docstring(function) or "")
        and not ELSEWHERE.search(text)
        and name.split(".")[-1] not in HOOKS
    ]


def test_three_parameters_are_told() -> None:
    # Options of a command are told by `--help`.
    paths = [path for path in PACKAGE.rglob("*.py") if path.parent.name != "cli"]
    missing = {str(path.relative_to(PACKAGE)): untold(path.read_text(encoding="utf-8")) for path in paths}
    assert {path: names for path, names in missing.items() if names} == {}


def test_the_check_can_fail() -> None:
    source = '''
def told(a, b, c):
    """What.

    Args:
        a: one.
        b: two.
        c: three.
    """

def untold(a, b, *, c):
    """What."""

class Class:
    def method(self, a, b, c):
        """What."""

    def elsewhere(self, a, b, c):
        """As `Other.elsewhere`."""

    def two(self, a, b):
        """What."""

    def _private(self, a, b, c):
        """What."""
'''
    assert untold(source) == ["untold", "Class.method"]
