"""The texts that the retrieval benchmarks search, and the passages that their questions were written from.

    python -m benchmarks.build_questions texts HANDBOOK PYTHON
    python -m benchmarks.build_questions draw de
    python -m benchmarks.build_questions check

HANDBOOK is the HTML of the Debian package `debian-handbook`, PYTHON that of `python3.11-doc`. `texts` writes
benchmarks/data/texts_de.jsonl and texts_en.jsonl: whole sections and pages, without navigation. `draw` shows passages, drawn
by lot, for somebody to write questions to; `check` holds the questions against the texts: each quote stands exactly once in
its document, and no question copies its passage.
"""

from __future__ import annotations

import json
import random
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from chainkit.documents import Chunk, Document
from chainkit.retrieval.html import read_html
from chainkit.retrieval.splitting import split

DATA = Path(__file__).parent / "data"
LANGUAGES = ("de", "en")
GERMAN = """sect.user-space sect.regular-upgrades sect.creating-accounts sect.hostname-name-service sect.hotplug
    sect.kernel-role-and-tasks sect.installation-steps installation sect.dealing-with-compromised-machine sect.selinux
    sect.release-lifecycle sect.network-config sect.nfs-file-server sect.quotas sect.syslog
    sect.asynchronous-task-scheduling-anacron sect.backup sect.monitoring sect.user-group-databases solving-problems
    short-remedial-course sect.other-security-considerations sect.filesystem-hierarchy sect.web-browsers
    advanced-administration sect.book-structure sect.dhcp sect.task-scheduling-cron-atd sect.virtual-private-network
    sect.windows-file-server-with-samba sect.after-first-boot""".split()
ENGLISH = """apt sect.package-authentication sect.debian-internals sect.apparmor sect.firewall-packet-filtering
    sect.dist-upgrade sect.x509-cert sect.ldap-directory sect.rights-management sect.package-meta-information""".split()
PYTHON = """faq/design library/tempfile library/csv library/heapq library/secrets library/sched tutorial/errors
    tutorial/floatingpoint tutorial/venv howto/sorting library/textwrap""".split()
WAYS = ("words", "paraphrase", "inflected", "mixed")
"""How a question was written: with words of its passage; in other words; with its words in other forms - compounds taken
apart or put together, ae for ä, plurals, verbs made nouns; or with words of its passage and others."""

_BODY = re.compile(r'<div class="body" role="main">(.*?)<div class="sphinxsidebar"', re.DOTALL)
_FOOT = re.compile(r"\n- (?:Zurück|Prev)[^\n]*\s+- (?:Nach oben|Up)\b.*\Z", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Question:
    """What somebody asks, and where it is answered: a quote that stands once in a document. None where nowhere."""

    id: str
    language: str
    question: str
    document: str = ""
    quote: str = ""
    way: str = ""
    expected: tuple[str, ...] = ()

    def answered_by(self, chunk: Chunk) -> bool:
        """Whether a chunk holds the beginning of the quote, or most of it."""
        start = place(self)
        middle = start + len(self.quote) // 2
        return chunk.id == self.document and (chunk.start <= start < chunk.end or chunk.start <= middle < chunk.end)


@cache
def documents(language: str) -> tuple[Document, ...]:
    """The texts of a language."""
    lines = (DATA / f"texts_{language}.jsonl").read_text(encoding="utf-8").splitlines()
    rows = map(json.loads, lines)
    return tuple(Document(r["id"], r["text"], {"source": r["id"], "title": r["title"]}) for r in rows)


@cache
def texts(language: str) -> dict[str, str]:
    """The text of each document by its id."""
    return {d.id: d.text for d in documents(language)}


@cache
def place(question: Question) -> int:
    """Where in its document a question's quote begins."""
    return texts(question.language)[question.document].index(question.quote)


@cache
def questions(language: str | None = None, name: str = "questions") -> tuple[Question, ...]:
    """The questions of a file, of one language or all."""
    rows = map(json.loads, (DATA / f"{name}.jsonl").read_text(encoding="utf-8").splitlines())
    made = (Question(**{**r, "expected": tuple(r.get("expected", ()))}) for r in rows)
    return tuple(q for q in made if language in (None, q.language))


def halves(language: str) -> tuple[tuple[Question, ...], tuple[Question, ...]]:
    """The half of the questions on which settings are chosen, and the other, on which they are measured."""
    drawn = sorted(questions(language), key=lambda q: q.id)
    random.Random(7).shuffle(drawn)  # noqa: S311 - drawing lots
    middle = len(drawn) // 2
    return tuple(drawn[:middle]), tuple(drawn[middle:])


def handbook(folder: Path, language: str, name: str) -> dict[str, str]:
    """A section of the handbook."""
    text, title = read_html((folder / {"de": "de-DE", "en": "en-US"}[language] / f"{name}.html").read_text("utf-8"))
    return {"id": f"handbook/{name}", "title": title or name, "text": _FOOT.sub("", text[text.index("\n#") + 1 :])}


def python(folder: Path, name: str) -> dict[str, str]:
    """A page of Python's documentation."""
    markup = (folder / f"{name}.html").read_text("utf-8")
    body = _BODY.search(markup)
    if body is None:
        raise ValueError(f"{name} has no body")
    text = read_html(body[1])[0].replace("¶", "")
    return {"id": f"python/{name}", "title": text.splitlines()[0].lstrip("# "), "text": text}


def write(name: str, rows: Iterable[dict[str, Any]]) -> None:
    """One JSON object a line."""
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    (DATA / f"{name}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


def draw(language: str, count: int = 135) -> list[Chunk]:
    """Passages by lot: of some length, at the most one in four of a document, code left out."""
    found: list[Chunk] = []
    lots = random.Random(2026)  # noqa: S311 - drawing lots
    for document in documents(language):
        fitting = [c for c in split(document) if len(c.text) > 260 and _prose(c.text, language)]
        found += lots.sample(fitting, min(len(fitting), max(1, round(len(fitting) / 3))))
    lots.shuffle(found)
    return found[:count]


def _prose(text: str, language: str) -> bool:
    words = {"de": r"\b(?:der|die|das|und|ist|nicht|werden|eine[rsmn]?|auf|mit)\b", "en": r"\b(?:the|and|of|is|that)\b"}
    return len(re.findall(words[language], text)) >= len(text) / 80


def faults() -> list[str]:
    """What is wrong with the questions; nothing, where they may be used."""
    found: list[str] = []
    for q in questions():
        times = texts(q.language).get(q.document, "").count(q.quote)
        if times != 1:
            found.append(f"{q.id}: its quote stands {times} times in {q.document}")
        elif _plain(q.question) in _plain(texts(q.language)[q.document]):
            found.append(f"{q.id}: the question stands in the text")
        if not 12 <= len(q.quote) <= 160 or q.way not in WAYS:
            found.append(f"{q.id}: a quote of {len(q.quote)} characters, way {q.way!r}")
    for n, q in enumerate(whole := questions() + questions(name="unanswerable")):
        if q.id in {w.id for w in whole[:n]} or q.question in {w.question for w in whole[:n]}:
            found.append(f"{q.id}: stands twice")
    return found


def _plain(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.lower()))


def main(what: str, *rest: str) -> None:
    """Write the texts, show passages, or check the questions."""
    if what == "texts":
        book, manual = map(Path, rest)
        write("texts_de", [handbook(book, "de", n) for n in GERMAN])
        write("texts_en", [*(handbook(book, "en", n) for n in ENGLISH), *(python(manual, n) for n in PYTHON)])
    elif what == "draw":
        for n, chunk in enumerate(draw(*rest)):
            print(f"=== {n} {chunk.id} {chunk.start} | {' > '.join(chunk.headings[-2:])}\n{chunk.text}")
    else:
        print("\n".join(faults()) or f"{len(questions())} questions, all in order")


if __name__ == "__main__":
    main(*sys.argv[1:])
