from pathlib import Path

from signtalk.evaluation.pages import Bullets, Grid, Section, html_page, markdown_page

EVIL = '<script>alert("x")</script> & co'
SECTIONS = (
    Section("", ("Model `abc<b>`. **Mind:** this.",)),
    Section(EVIL, (Grid.of(("clip", "told"), [(EVIL, "a|b")]), "Reasons:", Bullets((EVIL, "two")))),
)


def test_markdown_is_headings_tables_and_lists() -> None:
    assert markdown_page("Title", [SECTIONS[0], Section("Part", SECTIONS[1].parts[:2])]) == (
        "# Title\n\nModel `abc<b>`. **Mind:** this.\n\n## Part\n\n"
        f"| clip | told |\n| --- | --- |\n| {EVIL} | a/b |\n\nReasons:\n"
    )
    assert markdown_page("T", [Section("List", (Bullets(("one", "two")),))]) == "# T\n\n## List\n\n* one\n* two\n"


def test_nothing_from_outside_is_markup_or_is_fetched(tmp_path: Path) -> None:
    (tmp_path / "p.png").write_bytes(b"\x89PNG")
    page = html_page(EVIL, SECTIONS, {EVIL: tmp_path / "p.png"})
    assert "<script" not in page
    assert page.count("&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt; &amp; co") == 7  # title twice, alt and caption
    assert "<code>abc&lt;b&gt;</code>. <strong>Mind:</strong> this." in page
    assert '<img alt="&lt;script' in page
    assert 'src="data:image/png;base64,iVBORw=="' in page
    assert "http://" not in page
    assert "https://" not in page
    assert "default-src 'none'" in page


def test_a_page_without_pictures_has_no_heading_for_them() -> None:
    page = html_page("T", SECTIONS[:1], {})
    assert "Pictures" not in page
    assert "$" not in page
