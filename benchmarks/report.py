"""The figures as a table."""

from __future__ import annotations

from importlib import import_module
from typing import Any

COLUMNS = {
    "to a model, ms": lambda f: f.get("import", {}).get("cpu_ms"),
    "call": lambda f: ratio(f, "call"),
    "async call": lambda f: ratio(f, "async call"),
    "prompt, model, pydantic": lambda f: ratio(f, "chain"),
    "stream": lambda f: ratio(f, "stream"),
    "us a composed step": lambda f: f.get("compose", {}).get("step_us"),
    "items/s in process": lambda f: f.get("items", {}).get("per_second"),
    "calls/s, 1,000 in flight": lambda f: flights(f),
}
WIRES = ("call", "async call", "a chunk", "async a chunk", "us a chunk")


def ratio(figures: dict[str, Any], name: str) -> str | None:
    """A ratio of CPU time to the raw client's."""
    found = figures.get(name, {}).get("ratio_cpu")
    return None if found is None else f"{found:.2f}x"


def flights(figures: dict[str, Any]) -> str | None:
    """Calls a second at 1,000 in flight, with aiohttp beside it where we have it."""
    plain = figures.get("1000 in flight", {}).get("per_second")
    other = figures.get("1000 in flight, aiohttp", {}).get("per_second")
    if plain is None:
        return None
    return f"{plain:,.0f}" + (f" (aiohttp: {other:,.0f})" if other else "")


def table(whole: dict[str, Any]) -> str:
    """A Markdown table, with how to read it."""
    lines = ["| | " + " | ".join(COLUMNS) + " |", "|---|" + "---:|" * len(COLUMNS)]
    for peer, figures in whole["results"].items():
        name = import_module(f"benchmarks.peers.{peer}").NAME
        cells = [pick(figures) for pick in COLUMNS.values()]
        lines.append(
            f"| {name} | "
            + " | ".join("" if c is None else f"{c:,}" if isinstance(c, int) else str(c) for c in cells)
            + " |"
        )
    over = whole["results"].get("ours", {}).get("call over the SDK", {}).get("ratio_cpu")
    about = whole["about"]
    lines += ["", "Ratios are CPU time over a raw httpx call in the same process, the median of paired blocks."]
    if over is not None:
        lines.append(f"chainkit over the openai SDK's own client: {over:.2f}x of the SDK's call.")
    lines.append(
        f"`import chainkit`: {whole['import chainkit'].get('cpu_ms')} ms. Python {about['python']}, {about['cores']} cores, {about['when']}."
    )
    told = whole.get("wires", {})
    if told and "failed" not in told:
        lines += ["", "Other wires, over raw httpx that sends the same and parses every chunk:", "", wire_table(told)]
    told = whole.get("ensembles", {})
    if told and "failed" not in told:
        lines += ["", "Ensembles:", "", ensemble_table(told)]
    told = whole.get("retrieval", {})
    if told and "failed" not in told:
        lines += [
            "",
            "Retrieval, a CPU second, and beside the raw library or floor of the same run:",
            "",
            retrieval_table(told),
        ]
    return "\n".join(lines) + "\n"


def wire_table(told: dict[str, dict[str, float]]) -> str:
    """A row a wire."""
    lines = ["| wire | " + " | ".join(WIRES) + " |", "|---|" + "---:|" * len(WIRES)]
    for name, figures in told.items():
        cells = [f"{figures[c]:.1f}" if c.startswith("us") else f"{figures[c]:.2f}x" for c in WIRES]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def ensemble_table(told: dict[str, Any]) -> str:
    """A row a question."""
    rows = {
        "CPU of a vote of three above its three calls": f"{told['vote, early']:.0f} us; {told['vote, all']:.0f} us where it waits for all",
        **{
            f"1,000 ensembles of five, beside 5,000 single calls of ours, over {carrier}": f"{found['ratio']:.2f}x of the time"
            for carrier, found in told["many"].items()
        },
        **{
            f"a slow tail, {name}: p50, p99, calls": f"{found['p50']:.1f} ms, {found['p99']:,.0f} ms, {found['calls']:.3f}"
            for name, found in told["tail"].items()
        },
    }
    return "\n".join(["| | |", "|---|---|", *(f"| {name} | {said} |" for name, said in rows.items())])


RETRIEVAL = {
    "MB split": ("splitting", (), "plain Python"),
    "MB split by others": ("others", ("splitting",), "plain Python"),
    "questions by terms, of 20,000 documents, SQLite": ("terms", ("sqlite",), "FTS5"),
    "questions by terms, tantivy": ("terms", ("tantivy",), "tantivy"),
    "questions by terms, others": ("others", ("terms",), "FTS5"),
    "questions by vectors, of 100,000 x 384": ("vectors", ("one",), "numpy"),
    "questions by vectors, 200 together": ("vectors", ("together",), "numpy"),
    "questions by vectors, in a file": ("vectors in a file", (), "sqlite-vec"),
}
"""What is measured: its part, where in it, and what it is compared with."""


def retrieval_table(told: dict[str, Any]) -> str:
    """A row for everything that was measured."""
    lines = ["| what | by | a second | ratio |", "|---|---|---:|---:|"]
    for what, (part, path, base) in RETRIEVAL.items():
        found: dict[str, Any] = told.get(part, {})
        for step in path:
            found = found.get(step, {})
        for name, value in found.items():
            if " / " not in name and name != "failed":
                ratio = found.get(f"{name} / {base}")
                lines.append(f"| {what} | {name} | {value:,.0f} | {'' if ratio is None else f'{ratio:.2f}x'} |")
    return "\n".join(lines)
