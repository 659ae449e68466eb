"""The service's own description as a page that a person reads: `/v1/docs`, from the same document as `/openapi.json`.

One file without scripts, pictures or anything of another host; it works without a connection.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from fastapi import FastAPI
from fastapi.responses import HTMLResponse

REFERENCE_PATH = "/v1/docs"

_STYLE = """
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 52rem; margin: 2rem auto; padding: 0 1rem; color: #1b1b1b; }
h2 { margin-top: 2.5rem; border-top: 1px solid #ccc; padding-top: 1rem; font-size: 1.1rem; }
h3 { font-size: 1rem; margin-bottom: .2rem; }
code, pre { font: .9rem/1.4 ui-monospace, monospace; background: #f3f3f3; }
pre { padding: .6rem; overflow-x: auto; } table { border-collapse: collapse; width: 100%; }
td, th { text-align: left; vertical-align: top; padding: .2rem .8rem .2rem 0; border-bottom: 1px solid #ddd; }
.method { display: inline-block; min-width: 3.5rem; font-weight: 700; }
"""
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def add_reference(app: FastAPI) -> None:
    """Serve the page at REFERENCE_PATH; it tells of every path that the application has when it is first asked for."""

    @app.get(REFERENCE_PATH, include_in_schema=False)
    async def reference() -> HTMLResponse:
        return HTMLResponse(reference_page(app.openapi()), headers={"Content-Security-Policy": _POLICY})


def reference_page(document: Mapping[str, Any]) -> str:
    """An OpenAPI document as one HTML page."""
    about = document["info"]
    title = f"{escape(about['title'])} {escape(about['version'])}"
    parts = [
        f"<h1>{title}</h1><p>{escape(about.get('description', ''))}</p>",
        "<p>The same for programs: <a href='/openapi.json'>/openapi.json</a>. Live signing goes over a socket, "
        "<code>/v1/stream</code>, which docs/protocol.md describes.</p>",
        *_paths(document),
        *_schemas(document),
    ]
    head = f"<meta charset='utf-8'><meta name='viewport' content='width=device-width'><title>{title}</title>"
    return (
        f"<!doctype html><html lang='en'><head>{head}<style>{_STYLE}</style></head><body>{''.join(parts)}</body></html>"
    )


def _paths(document: Mapping[str, Any]) -> Iterator[str]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"<h2><span class='method'>{method.upper()}</span> <code>{escape(path)}</code></h2>"
            yield f"<p>{escape(operation.get('description') or operation.get('summary', ''))}</p>"
            yield from _parameters(operation.get("parameters", ()))
            body = operation.get("requestBody", {}).get("content", {})
            for kind, content in body.items():
                yield f"<h3>Body, <code>{escape(kind)}</code></h3>{_json(content)}"
            yield _table("Answers", ((code, each["description"]) for code, each in operation["responses"].items()))


def _parameters(parameters: Any) -> Iterator[str]:
    if parameters:
        yield _table("Parameters", ((each["name"], _about_parameter(each)) for each in parameters))


def _about_parameter(parameter: Mapping[str, Any]) -> str:
    schema = parameter.get("schema", {})
    bounds = [f"{name} {schema[name]}" for name in ("default", "minimum", "maximum", "maxLength") if name in schema]
    kind = ", ".join([f"in {parameter['in']}", str(schema.get("type", "")), *bounds])
    return f"{parameter.get('description', '')} ({kind})".strip()


def _schemas(document: Mapping[str, Any]) -> Iterator[str]:
    schemas = document.get("components", {}).get("schemas", {})
    if schemas:
        yield "<h2>Objects</h2>"
    for name, schema in schemas.items():
        yield f"<h3><code>{escape(name)}</code></h3>{_json(schema)}"


def _table(title: str, rows: Any) -> str:
    cells = "".join(f"<tr><td><code>{escape(str(a))}</code></td><td>{escape(str(b))}</td></tr>" for a, b in rows)
    return f"<h3>{title}</h3><table>{cells}</table>"


def _json(value: Any) -> str:
    return f"<pre>{escape(json.dumps(value, indent=2, ensure_ascii=False))}</pre>"
