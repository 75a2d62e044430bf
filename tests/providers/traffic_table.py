"""The table of recorded traffic: provider x kind, how many lines agree, differ on purpose, or are left out, and why.

python tests/providers/traffic_table.py            -> prints it
python tests/providers/traffic_table.py --write    -> puts it into docs/adapters.md, between its marks
"""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from conftest import lines_of_the_corpus
from judging import Judged, judged

KINDS = ("chat", "chat_stream", "responses", "responses_stream", "messages", "messages_stream", "completion")
KINDS += ("embed", "rerank", "error")
PAGE = Path(__file__).parents[2] / "docs" / "adapters.md"
BEGIN, END = "<!-- traffic: written by tests/providers/traffic_table.py -->", "<!-- traffic: end -->"

Told = dict[tuple[str, str], list[Judged]]


def told() -> Told:
    """What is to be said of each line, by provider and kind."""
    found: Told = defaultdict(list)
    for line in lines_of_the_corpus():
        found[line.provider, line.kind].append(judged(line))
    return found


def cell(verdicts: list[Judged]) -> str:
    """`12` agree; `12, 1 differs`; `-3` are left out."""
    counts = Counter(j.verdict for j in verdicts)
    parts = [f"{counts['agree']}"] if counts["agree"] else []
    parts += [f"{counts['differ']} ≠"] if counts["differ"] else []
    parts += [f"{counts['wrong']} **wrong**"] if counts["wrong"] else []
    parts += [f"({counts['excluded']})"] if counts["excluded"] else []
    return ", ".join(parts)


def table(found: Told) -> list[str]:
    """The rows, the largest provider first."""
    sizes = Counter({p: 0 for p, _ in found})
    for (provider, _), verdicts in found.items():
        sizes[provider] += len(verdicts)
    rows = [["provider", *KINDS, "other"], ["---"] * (len(KINDS) + 2)]
    for provider, _ in sizes.most_common():
        rest = [j for (p, k), js in found.items() if p == provider and k not in KINDS for j in js]
        rows.append([provider, *(cell(found.get((provider, k), [])) for k in KINDS), cell(rest)])
    rows.append(["**all**", *(cell([j for (_, k), js in found.items() if k == kind for j in js]) for kind in KINDS)])
    rows[-1].append(cell([j for (_, k), js in found.items() if k not in KINDS for j in js]))
    return [f"| {' | '.join(row)} |" for row in rows]


def reasons(found: Told) -> list[str]:
    """Why lines differ or are left out, and how many."""
    said: Counter[tuple[str, str]] = Counter()
    for verdicts in found.values():
        said.update((j.verdict, j.why) for j in verdicts if j.verdict != "agree")
    words = {"differ": "read otherwise on purpose", "excluded": "left out", "wrong": "WRONG"}
    return [
        f"- {n} {words[verdict]}: {why}." for (verdict, why), n in sorted(said.items(), key=lambda x: (x[0][0], -x[1]))
    ]


def page() -> str:
    """All that stands between the marks."""
    found = told()
    every = Counter(j.verdict for js in found.values() for j in js)
    head = (
        f"Of {every.total():,} recorded exchanges {every['agree']:,} agree, {every['differ']} differ on purpose (≠), "
        f"{every['wrong']} are wrong, and {every['excluded']} are left out (in brackets):"
    )
    return "\n".join([head, "", *table(found), "", *reasons(found)])


def main() -> None:
    """Print it, or write it into the page."""
    text = page()
    if "--write" not in sys.argv[1:]:
        sys.stdout.write(text + "\n")
        return
    held = PAGE.read_text(encoding="utf-8")
    before, after = held.partition(BEGIN)[0], held.partition(END)[2]
    PAGE.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
