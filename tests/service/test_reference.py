"""The page of the API tells of every path, and asks nothing of another host."""

import re
from types import SimpleNamespace
from typing import Any

from starlette.testclient import TestClient

from signtalk.service.app import create_app
from signtalk.service.reference import reference_page

NO_MODEL: Any = SimpleNamespace(answer=None)  # it is not asked


def test_every_path_stands_on_the_page_and_nothing_comes_from_elsewhere() -> None:
    app = create_app(NO_MODEL)
    with TestClient(app) as client:
        answer = client.get("/v1/docs")
        document = client.get("/openapi.json").json()
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    for path, methods in document["paths"].items():
        assert f"<code>{path}</code>" in answer.text
        assert all(f">{method.upper()}</span>" in answer.text for method in methods)
    assert set(re.findall(r"(?:href|src)=['\"]([^'\"]*)", answer.text)) == {"/openapi.json"}
    assert "<script" not in answer.text and "://" not in re.sub("<pre>.*?</pre>", "", answer.text, flags=re.DOTALL)
    assert answer.headers["content-security-policy"].startswith("default-src 'none'; style-src 'sha256-")


def test_what_a_document_says_is_text_and_no_markup() -> None:
    operation = {"description": "<b>bold</b>", "responses": {"200": {"description": "<i>"}}}
    page = reference_page({"info": {"title": "<t>", "version": "1"}, "paths": {"/<x>": {"get": operation}}})
    assert "<b>" not in page and "<i>" not in page and "<t>" not in page and "/&lt;x&gt;" in page
