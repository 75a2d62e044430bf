"""The folder of real files that `benchmarks.ingest` reads: `python -m benchmarks.mixed_files UNPACKED ...`.

UNPACKED are folders into which Debian packages were unpacked (`apt-get download debian-handbook python3.11-doc manpages
manpages-de manpages-dev`, then `dpkg-deb -x`). Their HTML, text and man pages are copied as they are; so are Python's own
sources and the notes of installed packages. For kinds that no package ships, sections of the handbook in eight languages are
written again as PDF, DOCX, PPTX, XLSX, CSV, notebooks, e-mail, EPUB, JSON Lines. All below benchmarks/.cache/files; seeded.
"""

from __future__ import annotations

import csv
import json
import random
import shutil
import sys
import sysconfig
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from email.message import EmailMessage
from itertools import islice
from pathlib import Path
from xml.sax.saxutils import escape

from chainkit.retrieval.html import read_html

FILES = Path(__file__).parent / ".cache" / "files"
TONGUES = ("de-DE", "en-US", "fr-FR", "es-ES", "it-IT", "ja-JP", "ru-RU", "pl-PL")
EACH = 60
"""Files of each kind that is written here."""
Text = tuple[str, list[str]]
"""A title and its paragraphs."""


def copied(found: Sequence[Path], kind: str) -> int:
    """Copy files into a folder of their own, each under a name of its own."""
    (FILES / kind).mkdir(parents=True, exist_ok=True)
    for n, path in enumerate(found):
        shutil.copyfile(path, FILES / kind / f"{n:04}-{path.name}")
    return len(found)


def below(unpacked: Sequence[Path], pattern: str) -> list[Path]:
    """Files of the packages, sorted, each once, however many links lead to it."""
    return sorted({p.resolve() for folder in unpacked for p in folder.glob(pattern) if p.is_file()})


def copy(unpacked: Sequence[Path]) -> None:
    """What is taken as it is."""
    lots = random.Random(5)  # noqa: S311 - drawing lots
    manuals = below(unpacked, "usr/share/man/**/*.[1-8].gz")
    copied(lots.sample(manuals, min(600, len(manuals))), "manuals")
    copied([p for t in TONGUES for p in below(unpacked, f"usr/share/doc/debian-handbook/html/{t}/*.html")], "handbook")
    copied(below(unpacked, "usr/share/doc/python3*/html/[acdfhilrtuw]*/*.html"), "python-html")
    copied(below(unpacked, "usr/share/doc/python3*/html/_sources/**/*.rst.txt"), "python-rst")
    library = Path(sysconfig.get_path("stdlib"))
    copied(sorted([*library.glob("*.py"), *library.glob("asyncio/*.py"), *library.glob("email/*.py")]), "python-source")
    packages = Path(sysconfig.get_path("purelib"))
    copied(sorted(p for s in ("md", "rst", "txt") for p in packages.glob(f"*.dist-info/**/*.{s}")), "package-notes")


def sections(unpacked: Sequence[Path]) -> Iterator[Text]:
    """Sections of the handbook, one language after the other by turns."""
    pages = [below(unpacked, f"usr/share/doc/debian-handbook/html/{t}/sect.*.html") for t in TONGUES]
    for several in zip(*pages, strict=False):
        for page in several:
            text, title = read_html(page.read_text("utf-8"))
            yield title or page.stem, [p for p in text.split("\n\n") if len(p) > 40]


def pdf(file: Path, title: str, paragraphs: Sequence[str]) -> None:
    """A PDF of pages of 50 lines, in the one alphabet that every reader knows."""
    words = " ".join([title, *paragraphs]).encode("latin-1", "replace").decode("latin-1").split()
    lines = [" ".join(words[i : i + 11]) for i in range(0, len(words), 11)]
    pages = [lines[i : i + 50] for i in range(0, len(lines), 50)] or [[""]]
    kids = " ".join(f"{4 + 2 * n} 0 R" for n in range(len(pages)))
    made = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Count {len(pages)} /Kids [{kids}] >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    for n, page in enumerate(pages):
        shown = "\n".join(f"({line.translate(_PDF)}) Tj T*" for line in page)
        stream = f"BT /F1 9 Tf 12 TL 50 800 Td\n{shown}\nET"
        own = f"/MediaBox [0 0 595 842] /Contents {5 + 2 * n} 0 R"
        made.append(f"<< /Type /Page /Parent 2 0 R /Resources << /Font << /F1 3 0 R >> >> {own} >>")
        made.append(f"<< /Length {len(stream.encode('latin-1'))} >>\nstream\n{stream}\nendstream")
    data, at = b"%PDF-1.4\n", list[int]()
    for n, body in enumerate(made, 1):
        at.append(len(data))
        data += f"{n} 0 obj\n{body}\nendobj\n".encode("latin-1")
    table = "".join(f"{a:010} 00000 n \n" for a in at)
    tail = f"xref\n0 {len(made) + 1}\n0000000000 65535 f \n{table}trailer\n<< /Size {len(made) + 1} /Root 1 0 R >>\n"
    file.write_bytes(data + f"{tail}startxref\n{len(data)}\n%%EOF\n".encode("latin-1"))


_PDF = str.maketrans({"(": r"\(", ")": r"\)", "\\": r"\\"})


def docx(file: Path, title: str, paragraphs: Sequence[str]) -> None:
    """A Word document."""
    from docx import Document

    made = Document()
    made.add_heading(title, 1)
    for text in paragraphs:
        made.add_paragraph(_printable(text))
    made.save(str(file))


def pptx(file: Path, title: str, paragraphs: Sequence[str]) -> None:
    """Slides, a paragraph each."""
    from pptx import Presentation

    made = Presentation()
    for text in paragraphs[:20]:
        slide = made.slides.add_slide(made.slide_layouts[1])
        slide.shapes.title.text = title
        slide.placeholders[1].text = _printable(text)
    made.save(str(file))


def xlsx(file: Path, title: str, paragraphs: Sequence[str]) -> None:
    """A sheet with a row for each paragraph."""
    from openpyxl import Workbook

    made = Workbook()
    for row in rows(title, paragraphs):
        made.active.append([_printable(str(cell)) for cell in row])
    made.save(str(file))


def table(file: Path, title: str, paragraphs: Sequence[str]) -> None:
    """The same as CSV."""
    with file.open("w", newline="", encoding="utf-8") as out:
        csv.writer(out).writerows(rows(title, paragraphs))


def rows(title: str, paragraphs: Sequence[str]) -> list[list[str | int]]:
    """A table of paragraphs."""
    return [["section", "number", "text"], *([title, n, " ".join(p.split())] for n, p in enumerate(paragraphs))]


def notebook(file: Path, title: str, paragraphs: Sequence[str]) -> None:
    """A notebook of text and code cells by turns."""
    cells = [{"cell_type": "markdown", "metadata": {}, "source": [f"# {title}"]}]
    for n, text in enumerate(paragraphs):
        code = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": n, "source": [f"print({n})"]}
        cells += [{"cell_type": "markdown", "metadata": {}, "source": [text]}, code]
    made = {"cells": cells, "metadata": {"kernelspec": {"language": "python"}}, "nbformat": 4, "nbformat_minor": 5}
    file.write_text(json.dumps(made), encoding="utf-8")


def email(file: Path, title: str, paragraphs: Sequence[str]) -> None:
    """An e-mail."""
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = "roland@falcot.example", "admins@falcot.example", title
    made["Date"] = "Mon, 02 Mar 2026 09:00:00 +0000"
    made.set_content("\n\n".join(paragraphs))
    file.write_bytes(made.as_bytes())


def epub(file: Path, title: str, paragraphs: Sequence[str]) -> None:
    """A book of one chapter."""
    body = "".join(f"<p>{escape(p)}</p>" for p in paragraphs)
    page = f'<html xmlns="http://www.w3.org/1999/xhtml"><head><title>{escape(title)}</title></head><body><h1>{escape(title)}</h1>{body}</body></html>'  # fmt: skip
    about = f'<metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>{escape(title)}</dc:title><dc:identifier id="i">{file.stem}</dc:identifier><dc:language>en</dc:language></metadata>'  # fmt: skip
    package = f'<?xml version="1.0"?><package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="i">{about}<manifest><item id="c" href="c.xhtml" media-type="application/xhtml+xml"/></manifest><spine><itemref idref="c"/></spine></package>'  # fmt: skip
    where = '<?xml version="1.0"?><container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles><rootfile full-path="b.opf" media-type="application/oebps-package+xml"/></rootfiles></container>'  # fmt: skip
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("mimetype", "application/epub+zip", zipfile.ZIP_STORED)
        made.writestr("META-INF/container.xml", where)
        made.writestr("b.opf", package)
        made.writestr("c.xhtml", page)


def lines(file: Path, title: str, paragraphs: Sequence[str]) -> None:
    """JSON Lines."""
    made = [json.dumps({"title": title, "number": n, "text": p}, ensure_ascii=False) for n, p in enumerate(paragraphs)]
    file.write_text("\n".join(made) + "\n", encoding="utf-8")


WRITERS: dict[str, Callable[[Path, str, Sequence[str]], None]] = {
    "pdf": pdf, "docx": docx, "pptx": pptx, "xlsx": xlsx, "csv": table, "ipynb": notebook, "eml": email, "epub": epub, "jsonl": lines,
}  # fmt: skip


def _printable(text: str) -> str:
    """Without what XML cannot hold."""
    return "".join(c for c in text if c in "\n\t" or c.isprintable())


def write(unpacked: Sequence[Path]) -> None:
    """What no package ships."""
    texts = sections(unpacked)
    for suffix, writer in WRITERS.items():
        (FILES / suffix).mkdir(parents=True, exist_ok=True)
        for n, (title, paragraphs) in enumerate(islice(texts, EACH)):
            writer(FILES / suffix / f"{n:04}.{suffix}", title, paragraphs)


def main(*unpacked: str) -> None:
    """Make the folder anew."""
    shutil.rmtree(FILES, ignore_errors=True)
    folders = [Path(u) for u in unpacked]
    copy(folders)
    write(folders)
    found = [p for p in FILES.rglob("*") if p.is_file()]
    kinds = Counter(p.parent.name for p in found)
    print(f"{len(found)} files, {sum(p.stat().st_size for p in found) / 1e6:.1f} MB: {dict(kinds)}")


if __name__ == "__main__":
    main(*sys.argv[1:])
