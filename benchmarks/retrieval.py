"""What searching and splitting cost, beside the libraries under them: `python -m benchmarks.retrieval [--json] [--peers]`.

- terms: 20,000 documents of about 40 words with the frequencies of a natural language, 300 questions of 3 words, the best 10;
- vectors: the nearest 10 of 100,000 x 384 numbers, one question at a time and 200 together, exact;
- splitting: 10 MB of Markdown in chunks of at most 1,000 characters.

Each part has a process of its own on one core. What is compared takes turns within it, block by block, and a ratio is the
median of the pairs, by CPU time: "0.8x" is 0.8 times the speed of the raw library, which gives numbers of rows where
chainkit gives chunks with their text and metadata. Other libraries come from an environment of their own, under
benchmarks/.cache.
"""

from __future__ import annotations

import json
import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.measure import pinned
from benchmarks.report import retrieval_table

ROOT = Path(__file__).parent.parent
PEERS = Path(__file__).parent / ".cache" / "retrieval"
WANTED = ("langchain-text-splitters", "langchain-community", "rank-bm25", "numpy")
DOCUMENTS, QUESTIONS, BEST = 20_000, 300, 10
ROWS, WIDE, TOGETHER = 100_000, 384, 200
MEGABYTES, SIZE = 10, 1000
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}

Rounds = dict[str, Callable[[], Any]]


def words(draw: random.Random, count: int, least: int, most: int) -> list[str]:
    """Words that can be spoken, and mean nothing."""
    return [
        "".join(draw.choice("bcdfghklmnprst") + draw.choice("aeiou") for _ in range(draw.randint(least, most)))
        for _ in range(count)
    ]


def corpus() -> tuple[list[str], list[str]]:
    """Documents whose words are as frequent as Zipf says, and questions of words that stand together in one."""
    draw = random.Random(7)  # noqa: S311 - drawing words
    known = words(draw, 30_000, 2, 4)
    weights = [1 / (n + 2.7) for n in range(len(known))]
    texts = [" ".join(draw.choices(known, weights, k=draw.randint(25, 55))) for _ in range(DOCUMENTS)]
    return texts, [" ".join(draw.sample(draw.choice(texts).split(), 3)) for _ in range(QUESTIONS)]


def markdown(megabytes: float = MEGABYTES) -> str:
    """Sections of headings, paragraphs, lists and code."""
    draw = random.Random(11)  # noqa: S311 - drawing words
    known = words(draw, 5000, 1, 4)
    parts: list[str] = []
    size = 0
    while size < megabytes * 1e6:
        made = [f"{'#' * draw.randint(1, 4)} {' '.join(draw.choices(known, k=4)).title()}\n\n"]
        made += [_block(draw, known) for _ in range(draw.randint(2, 6))]
        parts += made
        size += sum(map(len, made))
    return "".join(parts)


def _block(draw: random.Random, known: Sequence[str]) -> str:
    which = draw.random()
    if which < 0.7:
        told = [" ".join(draw.choices(known, k=draw.randint(6, 22))).capitalize() for _ in range(draw.randint(2, 8))]
        return " ".join(t + draw.choice("..?!") for t in told) + "\n\n"
    if which < 0.85:
        return "".join(f"- {' '.join(draw.choices(known, k=8))}\n" for _ in range(5)) + "\n"
    return "```python\n" + "".join(f"    x = {' '.join(draw.choices(known, k=4))}\n" for _ in range(6)) + "```\n\n"


def turns(works: Rounds, units: float, blocks: int) -> dict[str, float]:
    """Units a CPU second of each, in turn; and of each the ratio to the first, the median of the pairs."""
    for work in works.values():
        work()
    rows: list[dict[str, float]] = []
    for _ in range(blocks):
        row: dict[str, float] = {}
        for name, work in works.items():
            start = time.process_time()
            work()
            row[name] = time.process_time() - start
        rows.append(row)
    base = next(iter(works))
    found = {name: round(units / statistics.median(r[name] for r in rows), 1) for name in works}
    return found | {
        f"{n} / {base}": round(statistics.median(r[base] / r[n] for r in rows), 3) for n in works if n != base
    }


# Terms.


def lexical() -> dict[str, Any]:
    """Questions a CPU second: SQLite beside raw FTS5, tantivy beside raw tantivy, in memory both."""
    texts, asked = corpus()
    found = {
        "sqlite": turns({"FTS5": _raw_fts5(texts, asked), "chainkit": _ours(texts, asked, "sqlite")}, QUESTIONS, 5)
    }
    try:
        raw = _raw_tantivy(texts, asked)
    except ImportError:
        return found
    return found | {"tantivy": turns({"tantivy": raw, "chainkit": _ours(texts, asked, "tantivy")}, QUESTIONS, 7)}


def _ours(texts: Sequence[str], asked: Sequence[str], kind: str) -> Callable[[], Any]:
    from chainkit import index
    from chainkit.documents import Document
    from chainkit.retrieval import store

    held = index([Document(f"d{n}", text) for n, text in enumerate(texts)], store=store(kind))
    return lambda: [held.search(question, BEST) for question in asked]


def _raw_fts5(texts: Sequence[str], asked: Sequence[str]) -> Callable[[], Any]:
    import sqlite3

    held = sqlite3.connect(":memory:")
    held.execute("create virtual table d using fts5(t)")
    held.executemany("insert into d(rowid, t) values (?, ?)", list(enumerate(texts)))
    sql = f"select rowid from d where d match ? order by rank limit {BEST}"
    return lambda: [held.execute(sql, (" OR ".join(q.split()),)).fetchall() for q in asked]


def _raw_tantivy(texts: Sequence[str], asked: Sequence[str]) -> Callable[[], Any]:
    import tantivy  # pyright: ignore[reportMissingImports]

    schema = tantivy.SchemaBuilder()
    schema.add_integer_field("n", stored=True)
    schema.add_text_field("t", stored=False)
    held = tantivy.Index(schema.build())
    writer = held.writer(128_000_000, 1)
    for n, text in enumerate(texts):
        writer.add_document(tantivy.Document(n=n, t=text))
    writer.commit()
    writer.wait_merging_threads()
    held.reload()
    looking: Any = held.searcher()

    def ask(question: str) -> list[int]:
        found = looking.search(held.parse_query(question, ["t"]), BEST)
        return [looking.doc(where)["n"][0] for _, where in found.hits]

    return lambda: [ask(q) for q in asked]


# Vectors.


def dense() -> dict[str, Any]:
    """Questions a CPU second: memory beside numpy and faiss, one at a time and together."""
    import numpy as np

    rows, asked = vectors()
    held = _kept("memory", rows)

    def best(scores: Any) -> Any:
        near = np.argpartition(scores, -BEST)[-BEST:]
        return near[np.argsort(-scores[near])]

    def together() -> Any:
        scores = asked @ rows.T
        return np.argpartition(scores, -BEST, axis=1)[:, -BEST:]

    one: Rounds = {
        "numpy": lambda: [best(rows @ v) for v in asked[:20]],
        "chainkit": lambda: [held.search_vectors([v], BEST) for v in asked[:20]],
    }
    many: Rounds = {"numpy": together, "chainkit": lambda: held.search_vectors(asked, BEST)}
    one, many = one | _faiss(rows, asked, 20), many | _faiss(rows, asked, 0)
    return {"one": turns(one, 20, 7), "together": turns(many, TOGETHER, 5)}


def near_in_file() -> dict[str, Any]:
    """The same for the store in one file, beside raw sqlite-vec: one at a time, which is all that it does."""
    rows, asked = vectors()
    held, raw = _kept("sqlite", rows), _raw_sqlite_vec(rows)
    packed = [v.tobytes() for v in asked]
    sql = f"select rowid, distance from v where e match ? and k = {BEST}"
    works: Rounds = {
        "sqlite-vec": lambda: [list(raw.execute(sql, (p,))) for p in packed[:5]],
        "chainkit": lambda: [held.search_vectors([v], BEST) for v in asked[:5]],
    }
    return turns(works, 5, 5)


def vectors() -> tuple[Any, Any]:
    """Rows of length 1 in no order, and questions like them."""
    import numpy as np

    draw = np.random.default_rng(3)
    made = draw.standard_normal((ROWS + TOGETHER, WIDE), dtype=np.float32)
    made /= np.linalg.norm(made, axis=1, keepdims=True)
    return made[:ROWS].copy(), made[ROWS:].copy()


def _kept(kind: str, rows: Any) -> Any:
    from chainkit.documents import Chunk, Document
    from chainkit.retrieval import store
    from chainkit.retrieval.store import Entry

    held: Any = store(kind)
    for start in range(0, len(rows), 10_000):
        numbers = range(start, min(len(rows), start + 10_000))
        held.put([Entry(Document(f"d{n}", "x"), (Chunk(f"d{n}", "x", 0, 1),), rows[n : n + 1]) for n in numbers])
    return held


def _faiss(rows: Any, asked: Any, single: int) -> Rounds:
    try:
        import faiss  # pyright: ignore[reportMissingTypeStubs, reportMissingImports]
    except ImportError:
        return {}
    faiss.omp_set_num_threads(1)
    held: Any = faiss.IndexFlatIP(WIDE)
    held.add(rows)
    if single:
        return {"faiss": lambda: [held.search(v[None], BEST) for v in asked[:single]]}
    return {"faiss": lambda: held.search(asked, BEST)}


def _raw_sqlite_vec(rows: Any) -> Any:
    import apsw
    import sqlite_vec

    held = apsw.Connection(":memory:")
    held.enable_load_extension(True)
    held.load_extension(sqlite_vec.loadable_path())
    held.execute(f"create virtual table v using vec0(e float[{WIDE}] distance_metric=cosine)")
    with held:
        held.executemany("insert into v(rowid, e) values (?, ?)", ((n, row.tobytes()) for n, row in enumerate(rows)))
    return held


# Splitting.


def splitting() -> dict[str, Any]:
    """Megabytes a CPU second: the splitters, beside the least that Python can do."""
    from chainkit.documents import Document
    from chainkit.retrieval import automatic, by_heading, by_sentence, recursive

    text = markdown()
    document = Document("d", text)
    works: Rounds = {
        "plain Python": lambda: _joined(text),
        "recursive": lambda: recursive(SIZE).split(document),
        "recursive, overlap 200": lambda: recursive(SIZE, overlap=200).split(document),
        "by heading": lambda: by_heading(2, size=SIZE).split(document),
        "automatic": lambda: automatic(SIZE).split(document),
        "by sentence": lambda: by_sentence(8, size=SIZE).split(document),
    }
    return turns(works, len(text) / 1e6, 7)


def _joined(text: str) -> list[str]:
    """The floor: cut at blank lines, put together up to the size; no headings, no spans, nothing that is too long cut."""
    found, held, size = [], [], 0  # type: ignore[var-annotated]
    for part in text.split("\n\n"):
        if size + len(part) + 2 > SIZE and held:
            found.append("\n\n".join(held))
            held, size = [], 0
        held.append(part)
        size += len(part) + 2
    return [*found, "\n\n".join(held)]


# Others, in an environment that has them and not chainkit's.


def peers() -> dict[str, Any]:
    """LangChain's splitter and its BM25, and rank_bm25, each beside a floor of the same run."""
    from langchain_community.retrievers import BM25Retriever  # pyright: ignore
    from langchain_text_splitters import RecursiveCharacterTextSplitter  # pyright: ignore
    from rank_bm25 import BM25Okapi  # pyright: ignore

    text = markdown()
    cut: Any = RecursiveCharacterTextSplitter(chunk_size=SIZE, chunk_overlap=0)
    spans: Any = RecursiveCharacterTextSplitter(chunk_size=SIZE, chunk_overlap=0, add_start_index=True)
    works: Rounds = {
        "plain Python": lambda: _joined(text),
        "LangChain": lambda: cut.split_text(text),
        "LangChain, with starts": lambda: spans.create_documents([text]),
    }
    texts, asked = corpus()
    chain: Any = BM25Retriever.from_texts(texts, k=BEST)
    raw: Any = BM25Okapi([t.split() for t in texts])
    bm25: Rounds = {
        "FTS5": _raw_fts5(texts, asked[:30]),
        "LangChain": lambda: [chain.invoke(q) for q in asked[:30]],
        "rank_bm25": lambda: [raw.get_top_n(q.split(), texts, BEST) for q in asked[:30]],
    }
    return {"splitting": turns(works, len(text) / 1e6, 3), "terms": turns(bm25, 30, 3)}


def environment() -> str:
    """The Python that has the others."""
    python = PEERS / "bin" / "python"
    if not (PEERS / "ready").exists():
        subprocess.run([sys.executable, "-m", "venv", str(PEERS)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "-q", *WANTED], check=True)
        (PEERS / "ready").touch()
    return str(python)


PARTS: dict[str, Callable[[], dict[str, Any]]] = {
    "splitting": splitting, "terms": lexical, "vectors": dense, "vectors in a file": near_in_file, "others": peers,
}  # fmt: skip


def measured(*, others: bool = False) -> dict[str, Any]:
    """All figures, each part in a process of its own on one core."""
    found: dict[str, Any] = {}
    for part in PARTS:
        if part == "others" and not others:
            continue
        python = environment() if part == "others" else sys.executable
        command = [*pinned(1), python, "-m", "benchmarks.retrieval", part]
        env = {**os.environ, **ONE_THREAD}
        done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
        found[part] = json.loads(done.stdout) if done.returncode == 0 else {"failed": done.stderr[-400:]}
    return found


if __name__ == "__main__":
    named = [a for a in sys.argv[1:] if not a.startswith("-")]
    told = PARTS[" ".join(named)]() if named else measured(others="--peers" in sys.argv)
    print(json.dumps(told) if named or "--json" in sys.argv else retrieval_table(told))
