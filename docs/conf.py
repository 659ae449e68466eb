"""Settings of the docs site: `make docs` builds it from the pages beside this file and from the docstrings.

Nothing is fetched: no inventories of other sites, no fonts, no scripts from elsewhere.
"""

import ast
import re
from pathlib import Path

import fastapi  # noqa: F401 - autodoc loads modules twice to see their types, which FastAPI's do not survive
from sphinx.application import Sphinx

import signtalk

project = "SignTalk"
author = "The SignTalk developers"
copyright = author
release = version = signtalk.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
]
exclude_patterns = ["pictures"]
html_theme = "furo"
html_title = f"SignTalk {release}"
html_show_sphinx = False
html_copy_source = False
html_theme_options = {"navigation_with_keys": True}

# A heading can be linked to by its words, as on a forge: docs/scale.md#search-when-to-move.
myst_heading_anchors = 3
suppress_warnings = [
    "myst.xref_missing",  # links to files of the repository, which are no pages; tests/test_docs.py follows them
    "ref.python",  # what the front door offers stands on two pages
]

napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True
napoleon_attr_annotations = False  # the signature has them
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
default_role = "code"  # docstrings are plain text, with code in single backticks

_PACKAGE = Path(signtalk.__file__).parent


def write_room_pages(app: Sphinx) -> None:
    """A page a room with all its modules; made at each build, so that no list of modules can grow old."""
    folder = Path(app.srcdir) / "rooms"
    folder.mkdir(exist_ok=True)
    for room in sorted(path.parent for path in _PACKAGE.glob("*/__init__.py")):
        says = ast.get_docstring(ast.parse((room / "__init__.py").read_text(encoding="utf-8"))) or ""
        lines = [f"# {room.name}", says]
        for module in sorted(path.stem for path in room.glob("[!_]*.py")):
            directive = f".. automodule:: signtalk.{room.name}.{module}\n   :members:\n   :ignore-module-all:"
            lines.append(f"## {module}\n\n```{{eval-rst}}\n{directive}\n```")
        page = folder / f"{room.name}.md"
        text = "\n\n".join(lines) + "\n"
        if not page.exists() or page.read_text(encoding="utf-8") != text:
            page.write_text(text, encoding="utf-8")


def escape_plain_text(app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]) -> None:
    """Marks of reStructuredText mean nothing in a docstring: (T, *shape) is no emphasis, `x_` no link."""
    for number, line in enumerate(lines):
        bullet, text = re.match(r"(\s*(?:\* )?)(.*)", line, re.DOTALL).groups()  # type: ignore[union-attr]
        parts = re.split(r"(`[^`]*`)", text)
        parts[::2] = [re.sub(r"([*|]|(?<=\w)_(?!\w))", r"\\\1", part) for part in parts[::2]]
        lines[number] = bullet + "".join(parts)


def setup(app: Sphinx) -> None:
    """Called by Sphinx."""
    app.connect("autodoc-process-docstring", escape_plain_text, priority=100)  # before napoleon
    app.connect("builder-inited", write_room_pages)
