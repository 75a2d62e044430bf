"""What it costs to index a folder of thousands of real files: `python -m benchmarks.ingest`.

The folder is benchmarks/.cache/files, made by `python -m benchmarks.mixed_files`. Each step runs in a process of its own, on one
core: the first ingest, a second one with nothing changed, one after ten files have changed, questions by terms, and, for some
of the files, by terms and vectors. The figures go to benchmarks/data/ingest.json; `... profile` prints where the time goes.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.build_questions import DATA, questions
from benchmarks.mixed_files import FILES
from chainkit import index

RESULT = DATA / "ingest.json"
WHERE = Path(__file__).parent / ".cache" / "ingest"
CHANGED = 10
SOME = 120
"""Files of the hybrid index."""
EMBED = "local:minilm"


def timed(work: Callable[[], Any]) -> tuple[Any, dict[str, float]]:
    """What some work gives, and what it took: seconds, seconds of CPU, the most memory of this process in MB."""
    wall, cpu = time.perf_counter(), time.process_time()
    found = work()
    spent = {"seconds": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
    return found, {**spent, "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def ingest(folder: str, path: str, embed: str = "") -> dict[str, Any]:
    """One ingest: what it took, and what there is then."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    made, spent = timed(lambda: index(folder, path=path, embed=embed or None))
    count, errors = len(made), [str(e).replace(str(FILES.parent) + "/", "") for e in made.errors]
    made.close()
    return {**spent, "before_mb": before, "documents": count, "errors": errors}


def measures(path: str) -> dict[str, Any]:
    """How large the texts of an index are, and how many chunks they have."""
    made = index(path=path)
    texts = sum(len(d.text.encode()) for d in made)
    made.close()
    import sqlite3

    with sqlite3.connect(path) as connection:
        (chunks,) = connection.execute("select count(*) from chunks").fetchone()
    connection.close()
    return {"text_mb": texts / 1e6, "chunks": chunks, "index_mb": Path(path).stat().st_size / 1e6}


def ask(path: str, embed: str = "") -> dict[str, Any]:
    """How long a question takes, in ms: the questions of the labelled set, each by itself, after one to warm up."""
    made, opened = timed(lambda: index(path=path, embed=embed or None))
    asked = [q.question for q in questions()]
    made.search(asked[0], 5)
    taken = sorted(timed(lambda q=q: made.search(q, 5))[1]["seconds"] * 1000 for q in asked)  # type: ignore[misc]
    many, together = timed(lambda: made.search_many(asked, 5))
    made.close()
    return {
        "questions": len(asked), "opened_ms": opened["seconds"] * 1000, "p50_ms": taken[len(taken) // 2],
        "p95_ms": taken[int(len(taken) * 0.95)], "together_a_second": len(many) / together["seconds"],
        "peak_mb": together["peak_mb"],
    }  # fmt: skip


STEPS: dict[str, Callable[..., dict[str, Any]]] = {"ingest": ingest, "measures": measures, "ask": ask}


def apart(name: str, *arguments: str) -> dict[str, Any]:
    """A step in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.ingest", name, *arguments]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def sizes(folder: Path) -> dict[str, Any]:
    """How many files of which kinds, and how large."""
    found = [p for p in folder.rglob("*") if p.is_file()]
    kinds = Counter((p.name.removesuffix(".gz").rpartition(".")[2] if p.suffix != ".gz" else "man") for p in found)
    return {"files": len(found), "mb": sum(p.stat().st_size for p in found) / 1e6, "kinds": dict(kinds.most_common())}


def touched(folder: Path) -> list[Path]:
    """Change some files: a word at the end of each."""
    chosen = sorted((folder / "python-rst").iterdir())[:CHANGED]
    for path in chosen:
        path.write_text(path.read_text("utf-8") + "\nGranitfels.\n", "utf-8")
    return chosen


def measure(files: Path = FILES) -> dict[str, Any]:
    """All steps, in order."""
    WHERE.mkdir(parents=True, exist_ok=True)
    path, small = WHERE / "all.index", WHERE / "some.index"
    for old in WHERE.glob("*.index*"):
        old.unlink()
    found: dict[str, Any] = {"folder": sizes(files), "cpus": os.cpu_count()}
    found["first"] = apart("ingest", str(files), str(path))
    found |= apart("measures", str(path))
    repeated = [apart("ingest", str(files), str(path)) for _ in range(3)]
    found["again"] = sorted(repeated, key=lambda f: f["seconds"])[1]
    touched(files)
    found["changed"] = apart("ingest", str(files), str(path))
    found["asked"] = apart("ask", str(path))
    subset = some(files)
    found["hybrid"] = {
        "folder": sizes(subset),
        **apart("ingest", str(subset), str(small), EMBED),
        **apart("measures", str(small)),
    }
    found["hybrid_again"] = apart("ingest", str(subset), str(small), EMBED)
    found["hybrid_asked"] = apart("ask", str(small), EMBED)
    return found


def some(files: Path) -> Path:
    """A folder of links to some of the files, evenly drawn."""
    folder = WHERE / "some"
    folder.mkdir(exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    every = sorted(p for p in files.rglob("*") if p.is_file())
    for path in every[:: max(1, len(every) // SOME)]:
        (folder / path.name).symlink_to(path)
    return folder


def profile(files: Path = FILES) -> None:
    """Where the time of the first ingest goes."""
    import cProfile
    import pstats

    WHERE.mkdir(parents=True, exist_ok=True)
    path = WHERE / "profile.index"
    path.unlink(missing_ok=True)
    watched = cProfile.Profile()
    watched.runcall(ingest, str(files), str(path))
    for order in ("cumulative", "tottime"):
        pstats.Stats(watched).sort_stats(order).print_stats(35)


def report(found: dict[str, Any]) -> str:
    """The Markdown table of docs/retrieval_quality.md."""
    first, again, changed, held = found["first"], found["again"], found["changed"], found["folder"]
    asked, hybrid = found["asked"], found["hybrid_asked"]
    rows = [
        ("files", f"{held['files']:,} of {len(held['kinds'])} kinds, {held['mb']:.1f} MB"),
        ("first ingest", f"{first['seconds']:.1f} s: {held['files'] / first['seconds']:.0f} files/s, {held['mb'] / first['seconds']:.1f} MB/s; {first['cpu']:.1f} s of it CPU"),
        ("documents, chunks", f"{first['documents']:,} and {found['chunks']:,}; {len(first['errors'])} files could not be read"),
        ("index", f"{found['index_mb']:.1f} MB for {found['text_mb']:.1f} MB of text: {found['index_mb'] / found['text_mb']:.2f} times"),
        ("peak memory", f"{first['peak_mb']:.0f} MB, of which {first['before_mb']:.0f} MB before it began"),
        ("again, nothing changed", f"{again['seconds']:.2f} s: {again['seconds'] / first['seconds']:.2%} of the first"),
        (f"again, {CHANGED} files changed", f"{changed['seconds']:.2f} s"),
        ("a question by terms", f"p50 {asked['p50_ms']:.1f} ms, p95 {asked['p95_ms']:.1f} ms; {asked['together_a_second']:.0f} a second together"),
        (f"hybrid, {found['hybrid']['folder']['files']} files, {found['hybrid']['chunks']:,} chunks", f"p50 {hybrid['p50_ms']:.1f} ms, p95 {hybrid['p95_ms']:.1f} ms, embedding the question included; ingest {found['hybrid']['seconds']:.0f} s, again {found['hybrid_again']['seconds']:.2f} s"),
    ]  # fmt: skip
    return "\n".join(["| | |", "|---|---|", *(f"| {name} | {said} |" for name, said in rows)])


def main(arguments: Sequence[str]) -> None:
    """Run a step, the profile, or all and write."""
    if arguments and arguments[0] in STEPS:
        print(json.dumps(STEPS[arguments[0]](*arguments[1:])))
    elif arguments == ["profile"]:
        profile()
    elif arguments == ["table"]:
        print(report(json.loads(RESULT.read_text())))
    else:
        found = measure()
        RESULT.write_text(json.dumps(found, indent=1) + "\n")
        print(report(found))


if __name__ == "__main__":
    main(sys.argv[1:])
