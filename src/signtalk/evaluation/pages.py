"""A report as sections: written as Markdown, and as one HTML page that holds its pictures and asks for nothing else.

sections -> markdown_page -> text of report.md
sections + pictures -> html_page -> text of report.html
"""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template

from signtalk.evaluation.tables import markdown_table


@dataclass(frozen=True)
class Grid:
    """A table.

    Attributes:
        header: names of the columns.
        rows: cells, as many as columns.
    """

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    @classmethod
    def of(cls, header: Sequence[str], rows: Iterable[Sequence[str]]) -> Grid:
        """A table of any sequences."""
        return cls(tuple(header), tuple(tuple(row) for row in rows))


@dataclass(frozen=True)
class Bullets:
    """A list.

    Attributes:
        lines: one entry each.
    """

    lines: tuple[str, ...]


Part = str | Grid | Bullets
"""A paragraph, in which `code` and **strong** words are marked as in Markdown; a table; or a list."""


@dataclass(frozen=True)
class Section:
    """A heading and what stands below it.

    Attributes:
        title: the heading; "" for the lines below the page's own.
        parts: in their order.
    """

    title: str
    parts: tuple[Part, ...]


_PAGE = Template("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; color: #1b1b1b; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
h1, h2 { line-height: 1.2; }
h2 { margin-top: 2.5rem; border-bottom: 1px solid #ccc; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; margin: 1rem 0; font-variant-numeric: tabular-nums; }
th, td { text-align: left; vertical-align: top; padding: 0.3rem 0.8rem; border-bottom: 1px solid #ddd; }
th { background: #f3f3f3; }
figure { margin: 1.5rem 0; }
img { max-width: 100%; height: auto; }
figcaption { color: #444; }
code { background: #f3f3f3; padding: 0 0.2rem; }
</style>
</head>
<body>
<h1>$title</h1>
$body
</body>
</html>
""")


def markdown_page(title: str, sections: Iterable[Section]) -> str:
    """The page as Markdown."""
    parts = [f"# {title}"]
    for section in sections:
        parts += [f"## {section.title}"] if section.title else []
        parts += [_markdown(part) for part in section.parts]
    return "\n\n".join(parts) + "\n"


def _markdown(part: Part) -> str:
    if isinstance(part, Grid):
        return markdown_table(part.header, part.rows)
    return part if isinstance(part, str) else "\n".join(f"* {line}" for line in part.lines)


def html_page(title: str, sections: Iterable[Section], pictures: Mapping[str, Path]) -> str:
    """The page as one HTML file; every text is escaped.

    Args:
        title: of the page.
        sections: in their order.
        pictures: PNG files by what stands below them; they follow the sections.
    """
    blocks = []
    for section in sections:
        blocks += [f"<h2>{html.escape(section.title)}</h2>"] if section.title else []
        blocks += [_html(part) for part in section.parts]
    blocks += ["<h2>Pictures</h2>"] if pictures else []
    blocks += [_figure(caption, path) for caption, path in pictures.items()]
    return _PAGE.substitute(title=html.escape(title), body="\n".join(blocks))


def _html(part: Part) -> str:
    if isinstance(part, Grid):
        head = "".join(f"<th>{html.escape(name)}</th>" for name in part.header)
        rows = "\n".join(f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in row)}</tr>" for row in part.rows)
        return f'<div class="wide"><table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody>\n</table></div>'
    if isinstance(part, Bullets):
        return f"<ul>\n{''.join(f'<li>{html.escape(line)}</li>' for line in part.lines)}\n</ul>"
    text = re.sub(r"`([^`]*)`", r"<code>\1</code>", html.escape(part))
    text = re.sub(r"[*][*](.+?)[*][*]", r"<strong>\1</strong>", text)
    return f"<p>{text}</p>"


def _figure(caption: str, path: Path) -> str:
    data = base64.b64encode(path.read_bytes()).decode("ascii")
    words = html.escape(caption)
    image = f'<img alt="{words}" src="data:image/png;base64,{data}">'
    return f"<figure>{image}<figcaption>{words}</figcaption></figure>"
