"""How the two sets of cases were made: `python -m benchmarks.build_cases FOLDER`.

FOLDER is the HTML of The Debian Administrator's Handbook (the Debian package `debian-handbook`, below
/usr/share/doc/debian-handbook/html). Nobody labelled anything: the label of a German paragraph is the part of the
book that it stands in, the answer to an English gap is the word that the authors wrote there. The draw is seeded.
"""

from __future__ import annotations

import html
import json
import random
import re
import sys
from collections.abc import Iterator
from pathlib import Path

DATA = Path(__file__).parent / "data"
TOPICS = {
    "Pakete": ("packaging-system", "apt", "debian-packaging"),
    "Netzwerk": ("network-infrastructure", "network-services"),
    "Sicherheit": ("security",),
    "Installation": ("installation",),
}
"""A topic, and the chapters of the book that are about it."""
CASES, EXAMPLES, GAPS = 40, 8, 160
"""Cases and examples of each topic, and gaps in all."""

_PARA = re.compile(r'<div class="para">(.*?)</div>', re.DOTALL)
_UP = re.compile(r'rel="up" href="([\w.-]+)\.html"')
_COMMAND = re.compile(r'<code class="(?:command|filename)">([^<]{2,24})</code>')
_GERMAN = re.compile(r"\b(?:der|die|das|und|ist|nicht|werden|eine[rsmn]?|auf|mit)\b")
_ENGLISH = re.compile(r"\b(?:the|and|of|is|are|with|this|that)\b")


def plain(markup: str) -> str:
    """The text of a piece of HTML, on one line."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", "", markup)).split())


def paragraphs(folder: Path) -> Iterator[tuple[str, str]]:
    """(chapter, markup) of each paragraph, in the order of the files' names."""
    for chapter, markups in sections(folder):
        yield from ((chapter, m) for m in markups)


def sections(folder: Path) -> Iterator[tuple[str, list[str]]]:
    """(chapter, the markup of its paragraphs) of each file."""
    for file in sorted(folder.glob("*.html")):
        text = file.read_text(encoding="utf-8")
        up = _UP.search(text)
        if up is None:
            continue
        chapter = up[1] if up[1] != "index" else file.stem
        yield chapter, [found[1] for found in _PARA.finditer(text)]


def topics(folder: Path, draw: random.Random) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """German paragraphs with their topic: cases, and examples that are no cases."""
    cases: list[dict[str, str]] = []
    examples: list[dict[str, str]] = []
    for topic, chapters in TOPICS.items():
        texts = {plain(m) for chapter, m in paragraphs(folder) if chapter in chapters and "<div" not in m}
        fitting = sorted(
            t for t in texts if 140 <= len(t) <= 600 and len(_GERMAN.findall(t)) > 3 > len(_ENGLISH.findall(t))
        )
        drawn = draw.sample(fitting, CASES + EXAMPLES)
        cases += [{"input": text, "expected": topic} for text in drawn[:CASES]]
        examples += [{"input": text, "expected": topic} for text in drawn[CASES:]]
    draw.shuffle(cases)
    return cases, examples


def gaps(folder: Path, draw: random.Random) -> list[dict[str, object]]:
    """English paragraphs with one command or file left out, and four that it could be, from the same section."""
    found: list[dict[str, object]] = []
    seen: set[str] = set()
    for _, markups in sections(folder):
        around = list(dict.fromkeys(w for m in markups for w in named(m)))
        for markup in markups:
            text = plain(markup)
            once = [w for w in named(markup) if text.count(w) == 1]
            # None that stands in the paragraph itself: the answer does not, once it is left out, and would show.
            others = [w for w in around if w not in text]
            if len(others) < 3 or not once or not 160 <= len(text) <= 600 or text in seen:
                continue
            seen.add(text)
            answer = draw.choice(once)
            options = [answer, *draw.sample(others, 3)]
            draw.shuffle(options)
            found.append({"input": {"passage": text.replace(answer, "____"), "options": options}, "expected": answer})
    return draw.sample(found, min(GAPS, len(found)))


def named(markup: str) -> list[str]:
    """The commands and files of a paragraph, each once."""
    return list(dict.fromkeys(html.unescape(w) for w in _COMMAND.findall(markup)))


def write(name: str, rows: list[dict[str, object]] | list[dict[str, str]]) -> None:
    """One JSON object a line."""
    lines = [json.dumps({"id": f"{name}-{i:03}", **row}, ensure_ascii=False) for i, row in enumerate(rows)]
    (DATA / f"{name}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


def main(folder: Path) -> None:
    """Write the three files."""
    draw = random.Random(2026)  # noqa: S311 - drawing lots
    cases, examples = topics(folder / "de-DE", draw)
    write("topics", cases)
    write("topic_examples", examples)
    write("gaps", gaps(folder / "en-US", draw))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
