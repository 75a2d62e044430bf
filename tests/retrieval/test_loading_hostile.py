"""Files that somebody made to break their reader, and files that are broken: bounded, told, and never in silence."""

from __future__ import annotations

import gzip
import io
import itertools
import json
import os
import socket
import struct
import subprocess
import sys
import textwrap
import zipfile
import zlib

import pytest

sys.path.insert(0, os.path.dirname(__file__))

from chainkit.retrieval.html import read_html
from chainkit.retrieval.loading import load, sources
from test_loading import epub, only, pdf_of

docx = pytest.importorskip("docx")
pptx = pytest.importorskip("pptx")
openpyxl = pytest.importorskip("openpyxl")
pypdf = pytest.importorskip("pypdf")

TEXT_OF = {
    "docx": "word/document.xml",
    "pptx": "ppt/slides/slide1.xml",
    "xlsx": "xl/worksheets/sheet1.xml",
    "epub": "O/c 0.xhtml",
}


def reason(path, **options) -> str:
    found = load(path, **options)
    assert list(found) == []
    (unread,) = found.errors
    return unread.reason


def made(kind: str, path) -> None:
    if kind == "docx":
        document = docx.Document()
        document.add_paragraph("hello")
        document.save(path)
    elif kind == "pptx":
        slides = pptx.Presentation()
        slides.slides.add_slide(slides.slide_layouts[5]).shapes.title.text = "hello"
        slides.save(path)
    elif kind == "xlsx":
        book = openpyxl.Workbook()
        book.active.append(["hello", "there"])
        book.save(path)
    else:
        epub(path, ["<p>hello"])


def changed(path, name: str, change) -> None:
    """The packed file with one of its parts changed."""
    with zipfile.ZipFile(path) as old:
        parts = [(entry, old.read(entry)) for entry in old.infolist()]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for entry, data in parts:
            new.writestr(entry.filename, change(data) if entry.filename == name else data)


@pytest.mark.parametrize("kind", list(TEXT_OF))
def test_a_packed_file_that_unpacks_to_too_much_is_refused_by_its_directory(tmp_path, kind) -> None:
    path = tmp_path / f"a.{kind}"
    made(kind, path)
    changed(path, TEXT_OF[kind], lambda data: data + b" " * 30_000_000)
    assert path.stat().st_size < 200_000
    assert "times its size or more; the bound is max_ratio=200" in reason(path)
    assert "bytes or more; the bound is max_unpacked=20,000,000" in reason(path, max_unpacked=20_000_000)


@pytest.mark.parametrize("kind", list(TEXT_OF))
def test_a_directory_that_lies_about_sizes_gains_nothing(tmp_path, kind) -> None:
    path = tmp_path / f"a.{kind}"
    made(kind, path)
    changed(path, TEXT_OF[kind], lambda data: data + b" " * 30_000_000)
    with zipfile.ZipFile(path) as packed:
        entry = packed.getinfo(TEXT_OF[kind])
        real, crc = packed.read(entry), 0
        crc = zlib.crc32(real[:1000])
    whole = path.read_bytes()
    # Both headers say 1,000 bytes, with the checksum of those.
    whole = whole.replace(
        struct.pack("<LLL", entry.CRC, entry.compress_size, entry.file_size),
        struct.pack("<LLL", crc, entry.compress_size, 1000),
    )
    path.write_bytes(whole)
    before = peak()
    found = load(path)
    assert all(len(document.text) < 1000 for document in found) or found.errors
    assert peak() - before < 20_000_000


def peak() -> int:
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


@pytest.mark.parametrize("kind", ["docx", "pptx", "xlsx"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_entities_that_multiply_are_refused(tmp_path, kind, encoding) -> None:
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    bomb = f'<?xml version="1.0" encoding="{encoding}"?><!DOCTYPE x [<!ENTITY l0 "ha">{laughs}]><x>&l9;</x>'
    path = tmp_path / f"a.{kind}"
    made(kind, path)
    changed(path, TEXT_OF[kind], lambda data: bomb.encode(encoding))
    assert "declares entities of its own" in reason(path)


def test_entities_of_a_sitemap_and_of_a_book_are_refused(tmp_path) -> None:
    bomb = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]>'
    (tmp_path / "sitemap.xml").write_text(f"{bomb}<urlset><url><loc>http://&b;</loc></url></urlset>")
    with pytest.raises(ValueError, match="declares entities"):
        from chainkit.retrieval.loading.options import Options
        from chainkit.retrieval.loading.xml import parsed

        parsed((tmp_path / "sitemap.xml").read_bytes(), Options())
    epub(tmp_path / "a.epub", ["<p>x"])
    changed(tmp_path / "a.epub", "O/book.opf", lambda data: bomb.encode() + data)
    assert "declares entities of its own" in reason(tmp_path / "a.epub")


@pytest.mark.parametrize("kind", ["docx", "pptx", "epub"])
def test_xml_of_very_many_small_tags_is_bounded_before_a_tree_is_made_of_it(tmp_path, kind) -> None:
    path = tmp_path / f"a.{kind}"
    made(kind, path)
    name = "O/book.opf" if kind == "epub" else TEXT_OF[kind]
    changed(path, name, lambda data: data + b"<a/>" * 30_000)
    assert reason(path, max_nodes=20_000).endswith("tags and attributes or more; the bound is max_nodes=20,000")


def test_a_protected_word_file_an_old_one_and_a_protected_zip_are_told(tmp_path) -> None:
    ole = bytes.fromhex("d0cf11e0a1b11ae1") + bytes(504)
    (tmp_path / "a.docx").write_bytes(ole + "EncryptedPackage".encode("utf-16-le") + bytes(100))
    assert reason(tmp_path / "a.docx") == "it is protected by a password"
    (tmp_path / "b.docx").write_bytes(ole)
    assert "old binary form" in reason(tmp_path / "b.docx")
    (tmp_path / "c.doc").write_bytes(ole)
    assert reason(tmp_path / "c.doc") == "a .doc file is the old binary form; save it as .docx"
    (tmp_path / "d.docx").write_bytes(b"PK\x03\x04 cut")
    assert reason(tmp_path / "d.docx") == "it is no .docx file: File is not a zip file"


def test_an_encrypted_pdf_is_told_and_one_that_opens_for_all_is_read(tmp_path) -> None:
    for name, password in (("locked", "secret"), ("open", "")):
        writer = pypdf.PdfWriter(clone_from=io.BytesIO(pdf_of(["hello"])))
        writer.encrypt(password, "owner", algorithm="RC4-128")
        writer.write(tmp_path / f"{name}.pdf")
    assert reason(tmp_path / "locked.pdf") == "it is protected by a password"
    assert only(tmp_path / "open.pdf").text == "hello"


def test_a_pdf_beyond_its_bound_of_pages_and_one_without_text_are_told(tmp_path) -> None:
    (tmp_path / "a.pdf").write_bytes(pdf_of(["x"] * 30))
    assert reason(tmp_path / "a.pdf", max_pages=29) == "it has 30 pages; the bound is max_pages=29"
    (tmp_path / "b.pdf").write_bytes(pdf_of([""]))
    assert "its pages hold no text, as those of a scan" in reason(tmp_path / "b.pdf")


def test_a_file_that_takes_too_long_is_left_between_two_pages(tmp_path, monkeypatch) -> None:
    clock = itertools.count(0, 300)
    monkeypatch.setattr("chainkit.retrieval.loading.opened.monotonic", lambda: next(clock))
    (tmp_path / "a.pdf").write_bytes(pdf_of(["x"] * 9))
    assert reason(tmp_path / "a.pdf") == "it takes longer to read than that; the bound is max_seconds=600"


@pytest.mark.parametrize("kids", [b"[2 0 R]", b"[5 0 R " + b"2 0 R " * 99 + b"]", b"5", b"[9999 0 R]"])
def test_pages_of_a_pdf_that_lead_round_in_a_circle_or_nowhere_come_to_an_end(tmp_path, kids) -> None:
    (tmp_path / "a.pdf").write_bytes(pdf_of(["hello"]).replace(b"[5 0 R]", kids))
    found = load(tmp_path / "a.pdf")
    assert len(list(found)) + len(found.errors) == 1


def test_a_stream_of_a_pdf_that_unpacks_without_end_is_bounded(tmp_path) -> None:
    bomb = zlib.compress(b" " * 200_000_000, 9)
    whole = pdf_of(["hello"]).replace(
        b"<</Length 35>>stream\nBT /F 12 Tf 72 720 Td (hello) Tj ET",
        b"<</Filter/FlateDecode/Length %d>>stream\n%s" % (len(bomb), bomb),
    )
    assert len(whole) > 100_000
    (tmp_path / "a.pdf").write_bytes(whole)
    assert "cannot be read as pdf" in reason(tmp_path / "a.pdf") or "no text" in reason(tmp_path / "a.pdf")


MEASURED = """
    import sys, time
    from chainkit.retrieval.loading import load
    begun, count, size = time.perf_counter(), 0, 0
    found = load(sys.argv[1], errors="raise")
    for document in found:
        count, size = count + 1, size + len(document.text)
    # What getrusage tells begins with the parent's memory.
    most = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
    print(count, size, len(document.regions), int(most) // 1024)
    print(f"{time.perf_counter() - begun:.1f} s")
"""


def measured(path) -> tuple[int, int, int, int]:
    """(documents, characters, regions of the last, most MB held) of a load in a process of its own."""
    said = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(MEASURED), str(path)], capture_output=True, text=True, check=True
    ).stdout
    a, b, c, d = map(int, said.splitlines()[0].split())
    return a, b, c, d


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_pdf_of_ten_thousand_pages_is_read_in_bounded_memory(tmp_path) -> None:
    (tmp_path / "a.pdf").write_bytes(pdf_of([f"Page {n}. " + "Some words of it. " * 20 for n in range(10_000)]))
    count, size, pages, most = measured(tmp_path / "a.pdf")
    assert (count, pages) == (1, 10_000) and size > 3_000_000
    assert most < 250


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_text_of_a_gigabyte_is_read_in_bounded_memory(tmp_path) -> None:
    line = b"A line of a very long log, with its number and an \xc3\xa4 in it: 0123456789\n"
    block = line * (1_000_000 // len(line))
    with (tmp_path / "a.log").open("wb") as file:
        for _ in range(1074):
            file.write(block)
    total = (tmp_path / "a.log").stat().st_size
    assert total > 10**9
    count, size, _, most = measured(tmp_path / "a.log")
    os.unlink(tmp_path / "a.log")
    assert size == total - total // len(line) and count > 100
    assert most < 200


def test_a_binary_that_is_called_a_text_is_told(tmp_path) -> None:
    (tmp_path / "a.txt").write_bytes(bytes(1000))
    assert reason(tmp_path / "a.txt") == "it is no text: there is a NUL at 0"
    assert reason(tmp_path / "a.txt", part_size=100) == "it is no text: there is a NUL at 0"
    assert reason(tmp_path / "a.txt", encoding="cp1252") == "it is no text: there is a NUL at 0"
    with (tmp_path / "a.txt").open("wb") as sparse:
        sparse.truncate(10**9)
    assert reason(tmp_path / "a.txt") == "it is no text: there is a NUL at 0"


@pytest.mark.parametrize("size", [10_000_000, 1000])
def test_a_wrong_byte_is_told_by_its_place_however_long_the_text(tmp_path, size) -> None:
    for at in (0, 5, 1_048_575, 1_048_576, 1_048_577, 1_999_999):
        text = bytearray("ä".encode() * 1_000_000)
        text[at - at % 2 : at - at % 2 + 1] = b"\xff"
        (tmp_path / "a.txt").write_bytes(text)
        assert reason(tmp_path / "a.txt", part_size=size).startswith(f"it is not UTF-8 at byte {at - at % 2:,};")
    (tmp_path / "a.txt").write_bytes("ä".encode() * 1000 + b"\xc3")
    assert reason(tmp_path / "a.txt", part_size=size).startswith("it is not UTF-8 at byte 2,000;")
    (tmp_path / "a.txt").write_bytes("ab".encode("utf-16") + b"x")
    assert "nor the utf-16 that its first bytes promise" in reason(tmp_path / "a.txt", part_size=size)


@pytest.mark.parametrize(
    "markup",
    [
        "<div>" * 100_000 + "x" + "</div>" * 100_000,
        "<nav>" * 50_000 + "x",
        "<div><nav>" * 50_000 + "x" + "</nav>" * 50_000,
        "<a " * 100_000, "<" * 100_000, "<!--" * 100_000, "<a b='" * 50_000, "<svg>" * 50_000, "<pre>" * 20_000,
        "<script>" + "</scrip" * 100_000, "&" * 300_000, "<p>" + " " * 1_000_000, "<a " + "x=1 " * 100_000 + ">",
    ],
)  # fmt: skip
def test_html_of_any_form_is_read_in_time_that_grows_with_its_length(markup) -> None:
    import time

    begun = time.process_time()
    read_html(markup)
    assert time.process_time() - begun < 3


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.md", "\n" * 1_000_000 + "x"),
        ("a.md", "# a" + " " * 1_000_000 + "b\n"),
        ("a.md", "# " * 500_000),
        ("a.md", "---\n" + "a\n" * 300_000),
        ("a.rst", "===\n" * 300_000),
        ("a.1", ".TH a 1\n" + "\\f[" * 300_000),
        ("a.1", ".TH a 1\n" + " " * 1_000_000 + "x"),
        ("a.1", ".TH" + " " * 1_000_000),
        ("a.1", ".TH a 1\n.B " + '" ' * 300_000),
        ("a.html", "<p>" + "-\n<li>" * 100_000),
        ("a.html", "<pre>```\n" * 50_000),
        ("a.eml", "Subject: " + "=?utf-8?q?" * 50_000),
        ("a.eml", "From: " + "(" * 5_000),
        ("a.eml", "From: " + "a " * 500_000),
        ("a.eml", "To: " + '"' * 500_000),
        ("a.eml", "Subject: x\nContent-Type: text/plain; " + 'a="b;' * 100_000),
        ("a.csv", '"' * 900_000),
        ("a.csv", "," * 900_000),
    ],
)
def test_no_text_makes_a_pattern_slow(tmp_path, name, text) -> None:
    import time

    (tmp_path / name).write_text(text)
    begun = time.process_time()
    assert len(list(load(tmp_path / name))) <= 1
    assert time.process_time() - begun < 3


def test_html_that_is_nested_deep_keeps_its_text(tmp_path) -> None:
    (tmp_path / "a.html").write_text("<div>" * 100_000 + "inside" + "</div>" * 100_000 + "<p>after")
    assert only(tmp_path / "a.html").text == "inside\n\nafter"


def test_rows_of_tables_are_bounded(tmp_path) -> None:
    (tmp_path / "a.csv").write_text('a,b\n1,"' + "x" * 10_000_000 + '"\n')
    assert reason(tmp_path / "a.csv") == "its line 2 has more characters than that; the bound is max_row=1,000,000"
    assert len(only_with(tmp_path / "a.csv", max_row=20_000_000, part_size=20_000_000).text) > 10_000_000
    (tmp_path / "b.csv").write_text('a,b\n1,"never closed\n' + "x,y\n" * 500_000)
    assert "a quote that is never closed does this; the bound is max_row=1,000,000" in reason(tmp_path / "b.csv")


def only_with(path, **options):
    (document,) = load(path, errors="raise", **options)
    return document


@pytest.mark.parametrize("deep", [200, 100_000])
@pytest.mark.parametrize("name", ["a.json", "a.jsonl", "a.ipynb"])
def test_json_that_is_nested_deep_is_told(tmp_path, name, deep) -> None:
    (tmp_path / name).write_text("[" * deep + "1" + "]" * deep)
    said = reason(tmp_path / name)
    assert "no notebook" in said if name == "a.ipynb" and deep == 200 else "the bound is max_depth=100" in said


def test_json_beyond_its_bound_and_huge_numbers_are_told(tmp_path) -> None:
    (tmp_path / "a.json").write_text(json.dumps(["x" * 2000]))
    assert reason(tmp_path / "a.json", max_bytes=1000).endswith("the bound is max_bytes=1,000")
    assert reason(tmp_path / "a.json", max_chars=1000).endswith("the bound is max_chars=1,000")
    (tmp_path / "a.json").write_text("1" * 10_000)
    assert "cannot be read as json: ValueError: Exceeds the limit" in reason(tmp_path / "a.json")


def test_mail_that_is_nested_deep_is_told(tmp_path) -> None:
    text = "".join(f'Content-Type: multipart/mixed; boundary="b{n}"\n\n--b{n}\n' for n in range(150))
    (tmp_path / "a.eml").write_text("Subject: x\n" + text + "\nend")
    assert "the bound is max_depth=100" in reason(tmp_path / "a.eml")


def test_a_gzip_bomb_is_bounded(tmp_path) -> None:
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress(b"a" * 50_000_000))
    assert "the bound is max_unpacked=10,000,000" in reason(tmp_path / "a.txt.gz", max_unpacked=10_000_000)


def test_one_cell_far_out_does_not_make_a_sheet_of_empty_ones(tmp_path) -> None:
    path = tmp_path / "a.xlsx"
    book = openpyxl.Workbook()
    book.active["A1"], book.active["XFD50000"] = "near", "far"
    book.save(path)
    assert only(path).text == "# Sheet\n\nnear\nfar"
    changed(path, TEXT_OF["xlsx"], lambda data: data.replace(b'<row r="50000"', b'<row r="999999999999"'))
    assert reason(path) == "its sheet 'Sheet' has a row beyond 1,048,576, which no sheet has"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes")
def test_pipes_devices_sockets_and_links_in_a_circle_are_not_opened(tmp_path) -> None:
    os.mkfifo(tmp_path / "a.txt")
    (tmp_path / "b.txt").symlink_to(tmp_path / "c.txt")
    (tmp_path / "c.txt").symlink_to(tmp_path / "b.txt")
    (tmp_path / "d.txt").symlink_to("/dev/zero")
    with socket.socket(socket.AF_UNIX) as listening:
        here = os.getcwd()
        os.chdir(tmp_path)  # a socket's path is short
        try:
            listening.bind("e.txt")
        finally:
            os.chdir(here)
        (tmp_path / "in").mkdir()
        (tmp_path / "in" / "up").symlink_to(tmp_path)
        (tmp_path / "in" / "f.txt").write_text("fine")
        found = load(tmp_path)
        assert [d.text for d in found] == ["fine"]
    assert [u.reason for u in found.errors] == [
        "it is a pipe (FIFO), not a file",
        "Too many levels of symbolic links",
        "Too many levels of symbolic links",
        "it is a device, not a file",
        "it is a socket, not a file",
    ]
    with pytest.raises(ValueError, match="it is a pipe"):
        sources(tmp_path / "a.txt")[0].stamp()


def test_a_file_that_changes_while_it_is_read_is_told(tmp_path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("line\n" * 10_000)
    found = load(path, part_size=1000)
    next(found)
    with path.open("a") as file:
        file.write("more")
    os.utime(path, ns=(1, 1))
    assert len(list(found)) > 10
    assert found.errors[0].reason == "it changed while it was read"


def test_a_broken_file_of_every_kind_is_told_and_nothing_else_is_raised(tmp_path) -> None:
    from chainkit.retrieval.loading.formats import FORMATS

    for kind in ("docx", "pptx", "xlsx", "epub"):
        made(kind, tmp_path / f"whole.{kind}")
        whole = (tmp_path / f"whole.{kind}").read_bytes()
        for n in range(0, len(whole), max(len(whole) // 12, 1)):
            (tmp_path / f"{kind}{n}.{kind}").write_bytes(whole[:n] + b"\x00\xff" + whole[n + 2 :])
    whole = pdf_of(["hello"])
    for n in range(0, len(whole), 40):
        (tmp_path / f"pdf{n}.pdf").write_bytes(whole[:n] + b"<<[" + whole[n + 3 :])
    for found in FORMATS:
        for n, data in enumerate((b"", b"\xff\xfe", b"\x00", b"PK\x03\x04", b"%PDF-1.7", b"<", b"{", b"From ", b".TH")):
            (tmp_path / f"{n}{found.kind}{found.suffixes[0]}").write_bytes(data)
    loaded = load(tmp_path)
    documents = list(loaded)
    assert len(documents) + len(loaded.errors) == loaded.total
    assert all(u.reason and "0x" not in u.reason for u in loaded.errors)
