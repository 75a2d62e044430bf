"""Documents in: what each kind of file becomes."""

from __future__ import annotations

import gzip
import json
import os
import sys
from datetime import date, datetime

import pytest

sys.path.insert(0, os.path.dirname(__file__))

from chainkit.retrieval import load
from loading_files import epub, letter, only, pdf_of, regions, rewritten

docx = pytest.importorskip("docx")
pptx = pytest.importorskip("pptx")
openpyxl = pytest.importorskip("openpyxl")
pypdf = pytest.importorskip("pypdf")


def test_markdown_keeps_its_headings_and_gives_its_front_matter(tmp_path) -> None:
    (tmp_path / "a.md").write_text("---\ntitle: Rules\nauthor: 'Ada'\n---\n# First\n\nNo smoking.\n")
    os.utime(tmp_path / "a.md", (0, 86400))
    found = only(tmp_path / "a.md")
    assert found.text == "# First\n\nNo smoking.\n"
    assert found.metadata == {
        "source": str(tmp_path / "a.md"),
        "modified": "1970-01-02T00:00:00+00:00",
        "title": "Rules",
        "author": "Ada",
    }
    assert found.id == str(tmp_path / "a.md")


def test_a_text_does_not_say_where_it_came_from_and_its_date_is_one(tmp_path) -> None:
    (tmp_path / "a.md").write_text("---\nsource: official.pdf\nmodified: 2026-02-03T10:00:00+02:00\n---\nx")
    (tmp_path / "b.md").write_text("---\nmodified: yesterday\nowner: Ada\n---\nx")
    os.utime(tmp_path / "b.md", (0, 0))
    one, two = load(tmp_path)
    assert (one.metadata["source"], one.metadata["modified"]) == (one.id, "2026-02-03T08:00:00+00:00")
    assert (two.metadata["modified"], two.metadata["owner"]) == ("1970-01-01T00:00:00+00:00", "Ada")


def test_restructured_text_has_a_title_and_line_ends_become_newlines(tmp_path) -> None:
    (tmp_path / "a.rst").write_bytes(b"=====\r\nGuide\r\n=====\r\n\r\nText.\r\n")
    found = only(tmp_path / "a.rst")
    assert found.metadata["title"] == "Guide" and found.text == "=====\nGuide\n=====\n\nText.\n"


def test_html_gives_its_main_part_with_headings_lists_tables_and_code(tmp_path) -> None:
    (tmp_path / "a.html").write_text(
        '<html lang="de"><head><title>Preise &amp; mehr</title><meta name="author" content="Ada"><style>x{}</style>'
        '</head><body><nav><a href="/">Start</a></nav><main><h1>Preise</h1><p>Eine   Glocke\nkostet <b>12</b>&nbsp;Euro.'
        "</p><ul><li>eins</li><li><p>zwei</p></li></ul><table><tr><th>Ware<th>Preis</tr><tr><td>Glocke<td>12</tr></table>"
        "<pre>a =  1\n# kein Titel</pre></main><footer>Impressum</footer><script>var s=1</script></body></html>"
    )
    found = only(tmp_path / "a.html")
    assert found.text == (
        "# Preise\n\nEine Glocke kostet 12 Euro.\n\n- eins\n- zwei\n\nWare | Preis\nGlocke | 12\n\n```\na =  1\n# kein Titel\n```"
    )
    assert (found.metadata["title"], found.metadata["author"], found.metadata["language"]) == (
        "Preise & mehr",
        "Ada",
        "de",
    )


def test_a_footnote_belongs_to_the_text_though_it_stands_aside(tmp_path) -> None:
    aside = (
        "<aside class='footnote brackets' role='doc-footnote'><p>Since 1991.</p></aside><aside><p>Our shop</p></aside>"
    )
    (tmp_path / "a.html").write_text(f"<body><main><p>Python is old.</p>{aside}</main></body>")
    assert next(iter(load(tmp_path / "a.html"))).text == "Python is old.\n\nSince 1991."


def test_a_page_that_marks_no_main_part_is_read_whole_and_one_of_navigation_alone_too(tmp_path) -> None:
    (tmp_path / "a.html").write_text("<title>T</title><h2>A</h2>text<br>more<nav>menu</nav>")
    (tmp_path / "b.html").write_text("<nav>only this</nav>")
    assert [d.text for d in load(tmp_path)] == ["## A\n\ntext\nmore", "only this"]


def test_html_is_decoded_as_it_says(tmp_path) -> None:
    (tmp_path / "a.html").write_bytes('<meta charset="iso-8859-1"><p>Grüße – €'.encode("cp1252"))
    found = only(tmp_path / "a.html")
    assert found.text == "Grüße – €" and found.metadata["encoding"] == "cp1252"


def test_pdf_pages_are_regions(tmp_path) -> None:
    (tmp_path / "a.pdf").write_bytes(pdf_of(["First page", "Second page"]))
    found = only(tmp_path / "a.pdf")
    assert found.text == "First page\n\nSecond page"
    assert regions(found, "page") == [(1, "First page"), (2, "Second page")]
    assert found.at(found.text.index("Second"))["page"] == 2
    assert (found.metadata["title"], found.metadata["author"], found.metadata["pages"]) == ("Report", "Ada", 2)


def test_word_gives_headings_lists_tables_and_what_it_says_of_itself(tmp_path) -> None:
    made = docx.Document()
    made.add_heading("Handbook", 0)
    made.add_heading("Leave", 1)
    made.add_paragraph("Thirty days a year.")
    made.add_paragraph("first", style="List Bullet")
    made.add_paragraph("second", style="List Bullet")
    table = made.add_table(rows=2, cols=3)
    for cell, text in zip(table._cells, ["Who", "Days", "Note", "Ada", "30", "full time"]):
        cell.text = text
    table.cell(1, 1).merge(table.cell(1, 2))
    made.add_paragraph("After the table.")
    made.core_properties.title, made.core_properties.author = "The Handbook", "Ada"
    made.core_properties.language = "en"
    made.core_properties.modified = datetime(2026, 1, 2, 3, 4, 5)  # noqa: DTZ001 - as the package gives it
    made.save(tmp_path / "a.docx")
    found = only(tmp_path / "a.docx")
    assert found.text == (
        "# Handbook\n\n# Leave\n\nThirty days a year.\n\n- first\n- second\n\nWho | Days | Note\nAda | 30 full time\n\nAfter the table."
    )
    about = {k: found.metadata[k] for k in ("title", "author", "language", "modified")}
    assert about == {
        "title": "The Handbook", "author": "Ada", "language": "en", "modified": "2026-01-02T03:04:05+00:00",
    }  # fmt: skip


def test_word_text_in_links_boxes_forms_and_marked_changes_is_not_lost(tmp_path) -> None:
    made = docx.Document()
    made.add_paragraph("begin")
    made.save(tmp_path / "a.docx")
    run = "<w:r><w:t xml:space='preserve'>%s</w:t></w:r>"
    box = f"<w:txbxContent><w:p>{run % 'boxed'}</w:p></w:txbxContent>"
    body = (
        f"<w:sdt><w:sdtContent><w:p>{run % 'form'}</w:p></w:sdtContent></w:sdt>"
        f"<w:p>{run % 'a '}<w:hyperlink>{run % 'link'}</w:hyperlink><w:ins>{run % ' new'}</w:ins>"
        "<w:del><w:r><w:delText> old</w:delText></w:r></w:del></w:p>"
        f"<w:p>{run % 'by'}<w:r><mc:AlternateContent xmlns:mc='http://schemas.openxmlformats.org/markup-compatibility/2006'>"
        f"<mc:Choice Requires='wps'>{box}</mc:Choice><mc:Fallback>{box}</mc:Fallback></mc:AlternateContent></w:r></w:p>"
        f"<w:tbl><w:tr><w:sdt><w:sdtContent><w:tc><w:p>{run % 'cell'}</w:p><w:tbl><w:tr><w:tc><w:p>{run % 'inner'}</w:p>"
        "</w:tc></w:tr></w:tbl></w:tc></w:sdtContent></w:sdt></w:tr></w:tbl>"
    )
    rewritten(tmp_path / "a.docx", "word/document.xml", b"<w:sectPr", body.encode() + b"<w:sectPr")
    assert only(tmp_path / "a.docx").text == "begin\n\nform\n\na link new\n\nby\nboxed\n\ncell inner"


def test_slides_are_regions_with_titles_tables_groups_and_notes(tmp_path) -> None:
    made = pptx.Presentation()
    first = made.slides.add_slide(made.slide_layouts[1])
    first.shapes.title.text = "Results"
    first.placeholders[1].text = "More bells\nFewer errors"
    first.notes_slide.notes_text_frame.text = "Speak slowly."
    second = made.slides.add_slide(made.slide_layouts[5])
    second.shapes.title.text = "Figures"
    table = second.shapes.add_table(2, 2, 0, 0, 100, 100).table
    for n, text in enumerate(["Year", "Bells", "2026", "12"]):
        table.cell(n // 2, n % 2).text = text
    second.shapes.add_group_shape().shapes.add_textbox(0, 0, 9, 9).text_frame.text = "inside a group"
    made.save(tmp_path / "a.pptx")
    found = only(tmp_path / "a.pptx")
    assert regions(found, "slide") == [
        (1, "# Results\n\n- More bells\n- Fewer errors\n\nNotes: Speak slowly."),
        (2, "# Figures\n\nYear | Bells\n2026 | 12\n\ninside a group"),
    ]


def test_sheets_and_rows_are_regions_that_name_their_columns(tmp_path) -> None:
    book = openpyxl.Workbook()
    book.active.title = "Staff"
    for row in (
        ["Name", "Born", "Days", "Full"],
        ["Ada", date(1815, 12, 10), 30, True],
        [],
        ["Bob", None, 2.5, False],
    ):
        book.active.append(row)
    other = book.create_sheet("Empty")
    other = book.create_sheet("Numbers")
    other.append([1, 2])
    other.append([3, 4])
    book.save(tmp_path / "a.xlsx")
    found = only(tmp_path / "a.xlsx")
    assert found.text == (
        "# Staff\n\nName | Born | Days | Full\nName: Ada | Born: 1815-12-10 | Days: 30 | Full: true\n"
        "Name: Bob | Days: 2.5 | Full: false\n\n# Numbers\n\n1 | 2\n3 | 4"
    )
    known = found.at(found.text.index("Bob"))
    assert (known["sheet"], known["row"]) == ("Staff", 4)
    assert found.at(found.text.index("# Numbers"))["sheet"] == "Numbers"


@pytest.mark.parametrize(("name", "sign"), [("a.csv", ","), ("a.csv", ";"), ("a.tsv", "\t")])
def test_tables_name_their_columns_in_every_row(tmp_path, name, sign) -> None:
    rows = [["name", "city", "note"], ["Ada", "Köln", '"one\ntwo"'], ["Bob", "", "x"]]
    (tmp_path / name).write_text("\n".join(sign.join(row) for row in rows) + "\n")
    found = only(tmp_path / name)
    assert found.text == "name | city | note\nname: Ada | city: Köln | note: one two\nname: Bob | note: x"
    assert [known["row"] for _, known in found.regions] == [1, 2, 3]


def test_json_becomes_a_line_for_each_value_and_a_region_for_each_item(tmp_path) -> None:
    (tmp_path / "a.json").write_text(json.dumps({"title": "T", "b": {"c": [1, "x"], "d": None}, "e": [{"f": True}]}))
    (tmp_path / "b.json").write_text(json.dumps([{"n": "Ada"}, {"n": "Bob \ud83d"}]))
    one, two = load(tmp_path)
    assert one.text == "title: T\nb.c: 1, x\ne.1.f: true" and one.metadata["title"] == "T"
    assert regions(two, "row") == [(1, "n: Ada"), (2, "n: Bob �")]


def test_json_lines_are_regions(tmp_path) -> None:
    (tmp_path / "a.jsonl").write_text('{"q": "why", "a": 1}\n\n"plain"\n')
    found = only(tmp_path / "a.jsonl")
    assert found.text == "q: why\na: 1\n\nplain"
    assert regions(found, "row") == [(1, "q: why\na: 1"), (3, "plain")]


def test_notebook_cells_are_regions(tmp_path) -> None:
    cells = [
        {"cell_type": "markdown", "source": ["# Bells\n", "\n", "Counted."]},
        {
            "cell_type": "code",
            "source": "print(1 + 1)",
            "outputs": [{"output_type": "stream", "text": ["2\n"]}, {"data": {"image/png": "AAAA"}}],
        },
    ]
    about = {"language_info": {"name": "python"}}
    (tmp_path / "a.ipynb").write_text(json.dumps({"cells": cells, "metadata": about, "nbformat": 4}))
    found = only(tmp_path / "a.ipynb")
    assert regions(found, "cell") == [
        (1, "# Bells\n\nCounted."),
        (2, "```python\nprint(1 + 1)\n```\n\n```text\n2\n```"),
    ]
    assert found.metadata["title"] == "Bells"


def test_epub_chapters_are_regions_in_the_order_of_the_spine(tmp_path) -> None:
    epub(
        tmp_path / "a.epub",
        ["<h1>Two</h1><p>later", "<!DOCTYPE html><h1>One</h1><p>first"],
        "<dc:title>Bells</dc:title><dc:creator>Ada</dc:creator><dc:language>de</dc:language>"
        '<meta property="dcterms:modified">2025-05-06T07:08:09Z</meta>',
    )
    found = only(tmp_path / "a.epub")
    assert regions(found, "chapter") == [(1, "# One\n\nfirst"), (2, "# Two\n\nlater")]
    assert [found.metadata[k] for k in ("title", "author", "language", "modified")] == [
        "Bells", "Ada", "de", "2025-05-06T07:08:09+00:00",
    ]  # fmt: skip


def test_a_letter_has_its_subject_sender_text_and_names_of_what_is_attached(tmp_path) -> None:
    made = letter("Glocken für Köln", "Liebe Grüße\n")
    made.add_alternative("<p>Liebe <b>Grüße</b>", subtype="html")
    made.add_attachment(b"%PDF", maintype="application", subtype="pdf", filename="Größe.pdf")
    (tmp_path / "a.eml").write_bytes(bytes(made))
    found = only(tmp_path / "a.eml")
    assert found.text == (
        "# Glocken für Köln\n\nFrom: Ada <ada@example.org>\nTo: bob@example.org\nDate: Tue, 03 Feb 2026 10:00:00 +0200\n"
        "Attachments: Größe.pdf\n\nLiebe Grüße"
    )
    assert found.metadata["modified"] == "2026-02-03T08:00:00+00:00"
    assert found.metadata["attachments"] == ["Größe.pdf"] and found.metadata["author"] == "Ada <ada@example.org>"


def test_letters_of_a_mailbox_are_regions(tmp_path) -> None:
    raw = b"".join(
        b"From x Mon Jan  1\n" + bytes(letter(f"No {n}", f"Text {n}\n\n>From here on.\n")) + b"\n" for n in (1, 2)
    )
    (tmp_path / "a.mbox").write_bytes(raw)
    found = only(tmp_path / "a.mbox")
    known = found.at(found.text.index("Text 2"))
    assert (known["message"], known["title"], len(found.regions)) == (2, "No 2", 2)
    assert "\nFrom here on." in found.text


def test_source_code_stands_as_it_is_and_names_its_language(tmp_path) -> None:
    (tmp_path / "a.rs").write_text("---\nfn main() {}\n")
    found = only(tmp_path / "a.rs")
    assert found.text == "---\nfn main() {}\n" and found.metadata["language"] == "rust"


def test_manual_pages_are_read_packed_too(tmp_path) -> None:
    page = '.TH BELL 1\n.SH NAME\nbell \\- ring\n.SH "OPTIONS"\n.TP\n\\fB\\-l\\fR\nLoud.\n.PP\nUse \\(lqit\\(rq\n.B now\n.nf\n  bell -l\n.fi\n'
    (tmp_path / "bell.1.gz").write_bytes(gzip.compress(page.encode()))
    found = only(tmp_path)
    assert found.text == "# NAME\n\nbell - ring\n\n# OPTIONS\n\n-l\nLoud.\n\nUse “it” now\n\n```\n  bell -l\n```"
    assert found.metadata["title"] == "BELL(1)"
