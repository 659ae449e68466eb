"""Settings of the docs site: `make docs` builds it from the pages beside this file and from the docstrings.

Nothing is fetched: no inventories of other sites, no fonts, no scripts from elsewhere.
"""

import fastapi  # noqa: F401 - autodoc loads modules twice to see their types, which FastAPI's do not survive

from signtalk import __version__

project = "SignTalk"
author = "The SignTalk developers"
copyright = author
release = version = __version__

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
suppress_warnings = ["myst.xref_missing"]  # links to files of the repository, which are no pages

napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True
autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
autodoc_preserve_defaults = True
