"""Files for the tests of loading, made as the programs make them whose formats they have."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import zipfile
from email.message import EmailMessage

from chainkit.retrieval import load

TEXT_OF = {
    "docx": "word/document.xml",
    "pptx": "ppt/slides/slide1.xml",
    "xlsx": "xl/worksheets/sheet1.xml",
    "epub": "O/c 0.xhtml",
}

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


def rewritten(path, name, old, new) -> None:
    with zipfile.ZipFile(path) as packed:
        parts = {n: packed.read(n) for n in packed.namelist()}
    parts[name] = parts[name].replace(old, new, 1)
    with zipfile.ZipFile(path, "w") as packed:
        for n, data in parts.items():
            packed.writestr(n, data)


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


def letter(subject: str, text: str) -> EmailMessage:
    made = EmailMessage()
    made["Subject"], made["From"], made["To"] = subject, "Ada <ada@example.org>", "bob@example.org"
    made["Date"] = "Tue, 03 Feb 2026 10:00:00 +0200"
    made.set_content(text)
    return made


def reason(path, **options) -> str:
    found = load(path, **options)
    assert list(found) == []
    (unread,) = found.errors
    return unread.reason


def made(kind: str, path) -> None:
    import docx
    import openpyxl
    import pptx

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


def only_with(path, **options):
    (document,) = load(path, errors="raise", **options)
    return document


def measured(path) -> tuple[int, int, int, int]:
    """(documents, characters, regions of the last, most MB held) of a load in a process of its own."""
    said = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(MEASURED), str(path)], capture_output=True, text=True, check=True
    ).stdout
    a, b, c, d = map(int, said.splitlines()[0].split())
    return a, b, c, d
