"""Documents in: what each kind of file becomes, what is listed, what is told of the rest."""

from __future__ import annotations

import gzip
import json
import os
import zipfile
from datetime import date, datetime, timezone
from email.message import EmailMessage
from pathlib import Path

import pytest

from chainkit.errors import ChainkitError, CompositionError
from chainkit.retrieval import load
from chainkit.retrieval.loading import origin, sources

docx = pytest.importorskip("docx")
pptx = pytest.importorskip("pptx")
openpyxl = pytest.importorskip("openpyxl")
pypdf = pytest.importorskip("pypdf")

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360000002000001e221bc330000000049454e44ae426082"
)


def only(path):
    with load(path, errors="raise") as found:
        (document,) = found
    return document


def regions(document, name):
    """The text of each region, by what it is called."""
    ends = [start for start, _ in document.regions[1:]] + [len(document.text)]
    return [
        (known[name], document.text[start:end].strip())
        for (start, known), end in zip(document.regions, ends)
        if name in known
    ]


def pdf_of(pages: list[str]) -> bytes:
    """A PDF written by hand: one line of text a page."""
    objects = [b"<</Type/Catalog/Pages 2 0 R>>", b"", b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"]
    kids = []
    for text in pages:
        content = b"BT /F 12 Tf 72 720 Td (" + text.encode("latin-1") + b") Tj ET"
        objects.append(b"<</Length %d>>stream\n%s\nendstream" % (len(content), content))
        kids.append(len(objects) + 1)
        objects.append(
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents %d 0 R/Resources<</Font<</F 3 0 R>>>>>>"
            % len(objects)
        )
    objects[1] = b"<</Type/Pages/Count %d/Kids[%s]>>" % (len(pages), b" ".join(b"%d 0 R" % k for k in kids))
    out, places = bytearray(b"%PDF-1.4\n"), []
    for number, body in enumerate(objects, start=1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer<</Size %d/Root 1 0 R/Info<</Title(Report)/Author(Ada)>>>>\nstartxref\n%d\n%%%%EOF" % (
        len(objects) + 1,
        start,
    )
    return bytes(out)


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


def rewritten(path, name, old, new) -> None:
    with zipfile.ZipFile(path) as packed:
        parts = {n: packed.read(n) for n in packed.namelist()}
    parts[name] = parts[name].replace(old, new, 1)
    with zipfile.ZipFile(path, "w") as packed:
        for n, data in parts.items():
            packed.writestr(n, data)


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


def epub(path, chapters, about="") -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("mimetype", "application/epub+zip")
        book.writestr(
            "META-INF/container.xml",
            '<?xml version="1.0"?><container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
            '<rootfile full-path="O/book.opf" media-type="application/oebps-package+xml"/></rootfiles></container>',
        )
        items = "".join(
            f'<item id="c{n}" href="c%20{n}.xhtml" media-type="application/xhtml+xml"/>' for n in range(len(chapters))
        )
        spine = "".join(f'<itemref idref="c{n}"/>' for n in reversed(range(len(chapters))))
        book.writestr(
            "O/book.opf",
            '<package xmlns="http://www.idpf.org/2007/opf"><metadata xmlns:dc="http://purl.org/dc/elements/1.1/">'
            f"{about}</metadata><manifest>{items}</manifest><spine>{spine}</spine></package>",
        )
        for n, text in enumerate(chapters):
            book.writestr(f"O/c {n}.xhtml", text)


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


def letter(subject: str, text: str) -> EmailMessage:
    made = EmailMessage()
    made["Subject"], made["From"], made["To"] = subject, "Ada <ada@example.org>", "bob@example.org"
    made["Date"] = "Tue, 03 Feb 2026 10:00:00 +0200"
    made.set_content(text)
    return made


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


def test_a_folder_means_its_files_of_known_kinds_and_nothing_hidden(tmp_path) -> None:
    for name in (
        "b.md",
        "a.txt",
        "in/c.py",
        ".git/d.md",
        "node_modules/e.md",
        "__pycache__/f.py",
        ".g.md",
        "h.bin",
        "README",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "linked.md").symlink_to(tmp_path / "b.md")
    names = [os.path.relpath(s.id, tmp_path) for s in sources(tmp_path)]
    assert names == ["README", "a.txt", "b.md", "in/c.py", "linked.md"]
    assert [Path(s.id).name for s in sources(tmp_path, kinds=["code", ".txt"])] == ["a.txt", "c.py"]
    assert [Path(s.id).name for s in sources(tmp_path, exclude=["in", "*.md"])] == ["README", "a.txt"]
    assert [Path(s.id).name for s in sources(str(tmp_path / "**/*.md"))] == ["b.md", "linked.md"]
    assert [Path(s.id).name for s in sources(str(tmp_path / "i*/**"))] == ["c.py"]
    assert [Path(s.id).name for s in sources(str(tmp_path / "**.txt"))] == ["a.txt"]
    assert [Path(s.id).name for s in sources(str(tmp_path / ".*/*.md"))] == ["d.md"]


def test_ids_keep_the_form_in_which_a_path_was_given(tmp_path, monkeypatch) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in/a.md").write_text("x")
    monkeypatch.chdir(tmp_path)
    assert [s.id for s in sources("in")] == ["in/a.md"] == [d.id for d in load("in/*.md")]
    assert [s.id for s in sources(["in", Path("in/a.md"), str(tmp_path)])] == ["in/a.md", str(tmp_path / "in/a.md")]


def test_a_stamp_is_time_and_size_and_opens_nothing(tmp_path) -> None:
    path = tmp_path / "a.md"
    path.write_text("x")
    (source,) = sources(path)
    about = path.stat()
    assert source.stamp() == f"{about.st_mtime_ns}:{about.st_size}"
    path.unlink()
    with pytest.raises(ValueError, match="No such file"):
        source.stamp()
    with pytest.raises(ValueError, match="No such file"):
        next(source.read())


def test_a_long_text_is_read_in_parts_that_join_to_the_whole(tmp_path) -> None:
    whole = "# Title\n" + "".join(f"line {n} äöü\n" for n in range(3000)) + "x" * 25_000
    (tmp_path / "a.md").write_text(whole)
    found = list(load(tmp_path, part_size=10_000))
    assert "".join(d.text for d in found) == whole and len(found) > 4
    assert [d.id for d in found[:2]] == [str(tmp_path / "a.md"), f"{tmp_path / 'a.md'}#part=2"]
    assert all(whole[d.metadata["offset"] :].startswith(d.text) for d in found)
    assert [d.metadata["part"] for d in found] == list(range(1, len(found) + 1))
    assert found[1].text.startswith("line") and {d.metadata["title"] for d in found} == {"Title"}
    assert {origin(d.id) for d in found} == {str(tmp_path / "a.md")}


@pytest.mark.parametrize("kind", ["csv", "jsonl", "mbox"])
def test_long_tables_records_and_mailboxes_are_cut_between_their_entries(tmp_path, kind) -> None:
    made = {
        "csv": lambda n: f"{'' if n else 'no,text' + chr(10)}{n},bell {n}\n",
        "jsonl": lambda n: json.dumps({"no": n, "text": f"bell {n}"}) + "\n",
        "mbox": lambda n: f"From x\nSubject: bell {n}\n\nno {n}\n\n",
    }[kind]
    (tmp_path / f"a.{kind}").write_text("".join(map(made, range(300))))
    path = str(tmp_path / f"a.{kind}")
    whole = "".join(d.text for d in load(path, part_size=2_000))
    parts = list(load(path, part_size=2_000))
    assert whole.rstrip() == only(path).text and len(parts) > 2
    assert all(whole[p.metadata["offset"] :].startswith(p.text) and len(p.text) <= 2_000 for p in parts)
    name = {"csv": "row", "jsonl": "row", "mbox": "message"}[kind]
    counted = [known[name] for p in parts for _, known in p.regions]
    assert (
        counted == list(range(1, len(counted) + 1))
        and f"bell {counted[-1] - (2 if kind == 'csv' else 1)}" in parts[-1].text
    )


def test_what_cannot_be_read_is_kept_and_told_and_the_rest_is_read(tmp_path) -> None:
    (tmp_path / "a.md").write_text("fine")
    (tmp_path / "b.txt").write_bytes(b"caf\xe9 au lait")
    (tmp_path / "c.pdf").write_bytes(b"no pdf")
    (tmp_path / "d.json").write_text("{nothing")
    (tmp_path / "e.md").symlink_to(tmp_path / "gone.md")
    told: list[tuple[int, int, str]] = []
    found = load(tmp_path, progress=lambda *all: told.append(all))
    assert [d.text for d in found] == ["fine"]
    assert {Path(u.path).name: u.reason.split(":")[0].split(";")[0] for u in found.errors} == {
        "b.txt": "it is not UTF-8 at byte 3",
        "c.pdf": "it cannot be read as pdf",
        "d.json": "it is no JSON at line 1, column 2",
        "e.md": "No such file or directory",
    }
    assert [(done, total) for done, total, _ in told] == [(n, 5) for n in range(1, 6)]
    assert repr(found) == "Loading(5 of 5 sources, 4 not read)" and "encoding='cp1252'" in str(found.errors[0])
    with pytest.raises(ChainkitError, match=r"b\.txt: it is not UTF-8 at byte 3"):
        list(load(tmp_path, errors="raise"))
    assert only(tmp_path / "a.md").text == "fine"
    assert [d.text for d in load(tmp_path / "b.txt", encoding="cp1252")] == ["café au lait"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("size", [8_000_000, 100])
def test_a_mark_at_the_begin_says_how_a_text_is_coded(tmp_path, encoding, size) -> None:
    text = "Grüße 🎉\n" * 50
    (tmp_path / "a.txt").write_bytes(text.encode(encoding))
    assert "".join(d.text for d in load(tmp_path, part_size=size)) == text


def test_a_missing_parser_is_told_with_the_line_that_installs_it(tmp_path, monkeypatch) -> None:
    import sys

    (tmp_path / "a.pdf").write_bytes(pdf_of(["x"]))
    (tmp_path / "b.md").write_text("fine")
    monkeypatch.setitem(sys.modules, "pypdf", None)
    found = load(tmp_path)
    assert [d.text for d in found] == ["fine"]
    assert found.errors[0].reason == "reading PDF needs the package pypdf; pip install 'chainkit[documents]'"


def test_loading_is_lazy(tmp_path) -> None:
    for n in range(3):
        (tmp_path / f"{n}.md").write_text(str(n))
    with load(tmp_path) as found:
        assert next(found).text == "0" and found.done == 0
        (tmp_path / "2.md").unlink()
        assert [d.text for d in found] == ["1"]
    assert found.errors[0].path.endswith("2.md")


def test_wrong_questions_are_refused_with_the_cure(tmp_path) -> None:
    with pytest.raises(ChainkitError, match="no documents at") as told:
        load(tmp_path / "nowhere")
    assert "docs/**/*.md" in str(told.value)
    with pytest.raises(CompositionError, match="no option 'max_page'.*", check=lambda e: "max_pages" in str(e)):  # type: ignore[call-overload]
        load(tmp_path, max_page=3)
    with pytest.raises(CompositionError, match="'pfd' is neither a kind nor a suffix"):
        load(tmp_path, kinds=["pfd"])
    with pytest.raises(CompositionError, match="max_pages=0 is no positive"):
        load(tmp_path, max_pages=0)
    with pytest.raises(CompositionError, match="takes paths and URLs, and got int"):
        load([3])
    with pytest.raises(CompositionError, match="neither 'keep' nor 'raise'"):
        load(tmp_path, errors="ignore")  # type: ignore[arg-type]


def test_times_in_the_future_and_before_1970_are_told(tmp_path) -> None:
    (tmp_path / "a.md").write_text("x")
    os.utime(tmp_path / "a.md", (0, 4102444800))
    assert only(tmp_path / "a.md").metadata["modified"] == datetime(2100, 1, 1, tzinfo=timezone.utc).isoformat()
