"""How well the comparison of words tells support from its opposite, on real sentences: the numbers of docs/grounded.md."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path
from typing import Any

import pytest

from chainkit.documents import Chunk, Document, Retrieved
from chainkit.retrieval.grounding.checking import checked
from chainkit.retrieval.grounding.support import Passage
from chainkit.retrieval.splitting import split

DATA = Path(__file__).parents[2] / "benchmarks" / "data"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (DATA / "questions.jsonl").is_file(), reason="the questions are not in the wheel"),
]
_DENIES = re.compile(r"\b(not|no|nicht|kein\w*|never|nie|ohne|without)\b|n['’]t")
_VERB = re.compile(r"\b(is|are|can|will|ist|sind|kann|wird|werden|können)\b")


def rows(name: str) -> list[Any]:
    return [json.loads(line) for line in (DATA / name).read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def stated() -> list[tuple[str, str, Chunk]]:
    """(language, a sentence, the chunk that it stands in), for each question with a known passage."""
    texts = {lang: {r["id"]: r["text"] for r in rows(f"texts_{lang}.jsonl")} for lang in ("de", "en")}
    found: list[tuple[str, str, Chunk]] = []
    for row in rows("questions.jsonl"):
        text = texts[row["language"]][row["document"]]
        at = text.find(row["quote"])
        chunk = next(c for c in split(Document(row["document"], text)) if c.start <= at < c.end)
        passage = Passage(chunk)
        sentence = next(s for s, (a, b) in zip(passage.sentences, passage.spans, strict=True) if chunk.start + b > at)
        if len(sentence) > 25:
            found.append((row["language"], " ".join(sentence.split()), chunk))
    return found


def share(claims: list[tuple[str, list[Chunk]]]) -> float:
    kept = [checked(claim, [Retrieved(c, 1.0) for c in chunks]).supported for claim, chunks in claims]
    return sum(kept) / len(kept)


def test_real_sentences_are_supported_and_changed_ones_are_not(stated: Any) -> None:
    draw = random.Random(3)
    beside = [draw.sample([c for _, _, c in stated if c.id != chunk.id], 3) for _, _, chunk in stated]
    same = [(s, [o[0], c, o[1]]) for (_, s, c), o in zip(stated, beside, strict=True)]
    denied = [
        (_VERB.sub(lambda m, w="not" if lang == "en" else "nicht": f"{m.group()} {w}", s, count=1), [o[0], c])  # type: ignore[misc]
        for (lang, s, c), o in zip(stated, beside, strict=True)
        if _VERB.search(s) and not _DENIES.search(s)
    ]
    figures = [
        (re.sub(r"(?<![\w.])\d+(?!\w)", lambda m: str(int(m.group()) + 3), s, count=1), [c]) for _, s, c in stated
    ]
    figures = [(s, c) for (s, c), (_, plain, _) in zip(figures, stated, strict=True) if s != plain]
    elsewhere = [(s, o) for (_, s, _), o in zip(stated, beside, strict=True)]
    assert (len(stated), len(denied) > 100, len(figures) > 12) == (len(same), True, True)
    assert share(same) > 0.97
    assert share(denied) < 0.04
    assert share(figures) == 0
    assert share(elsewhere) == 0
