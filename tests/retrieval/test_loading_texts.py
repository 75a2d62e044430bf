"""Texts, tables and trees that somebody made to break their reader, and files that are none."""

from __future__ import annotations

import gzip
import json
import os
import socket
import sys

import pytest

sys.path.insert(0, os.path.dirname(__file__))

from chainkit.retrieval import load
from chainkit.retrieval.html import read_html
from chainkit.retrieval.loading import sources
from loading_files import made, measured, only, only_with, pdf_of, reason

pytestmark = pytest.mark.slow

docx = pytest.importorskip("docx")
pptx = pytest.importorskip("pptx")
openpyxl = pytest.importorskip("openpyxl")
pypdf = pytest.importorskip("pypdf")


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
