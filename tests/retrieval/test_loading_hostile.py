"""Packed files and PDFs that somebody made to break their reader: bounded, told, and never in silence."""

from __future__ import annotations

import io
import itertools
import os
import struct
import sys
import zipfile
import zlib

import pytest

sys.path.insert(0, os.path.dirname(__file__))

from chainkit.retrieval import load
from loading_files import TEXT_OF, changed, epub, made, measured, only, pdf_of, reason

pytestmark = pytest.mark.slow

docx = pytest.importorskip("docx")
pptx = pytest.importorskip("pptx")
openpyxl = pytest.importorskip("openpyxl")
pypdf = pytest.importorskip("pypdf")


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


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_pdf_of_ten_thousand_pages_is_read_in_bounded_memory(tmp_path) -> None:
    (tmp_path / "a.pdf").write_bytes(pdf_of([f"Page {n}. " + "Some words of it. " * 20 for n in range(10_000)]))
    count, size, pages, most = measured(tmp_path / "a.pdf")
    assert (count, pages) == (1, 10_000) and size > 3_000_000
    assert most < 250


def test_one_cell_far_out_does_not_make_a_sheet_of_empty_ones(tmp_path) -> None:
    path = tmp_path / "a.xlsx"
    book = openpyxl.Workbook()
    book.active["A1"], book.active["XFD50000"] = "near", "far"
    book.save(path)
    assert only(path).text == "# Sheet\n\nnear\nfar"
    changed(path, TEXT_OF["xlsx"], lambda data: data.replace(b'<row r="50000"', b'<row r="999999999999"'))
    assert reason(path) == "its sheet 'Sheet' has a row beyond 1,048,576, which no sheet has"
