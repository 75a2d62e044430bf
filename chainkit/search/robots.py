"""What a site asks of programs that read it: robots.txt, as RFC 9309 has it, and `crawl-delay`, which many sites use.

The rules of the group that names the program hold, else those of `*`. Of several rules that fit a path the longest
wins, and of two equally long ones that which allows.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit

MOST_BYTES = 500 * 1024
"""What is read of a robots.txt; the RFC asks for no less."""
_MOST_RULES = 5000
_MOST_DELAY = 60.0
_ESCAPE = re.compile(r"%[0-9a-f]{2}", re.IGNORECASE)


@dataclass(slots=True)
class _Group:
    agents: set[str] = field(default_factory=set[str])
    rules: list[tuple[str, bool]] = field(default_factory=list[tuple[str, bool]])
    delay: float | None = None


@dataclass(frozen=True, slots=True)
class Rules:
    """What holds for one program on one site. `delay` is in seconds, at most 60."""

    rules: tuple[tuple[str, bool], ...] = ()
    delay: float | None = None

    def allows(self, url: str) -> bool:
        """Whether the page may be read."""
        path = _path(url)
        fitting = [(len(pattern), allowed) for pattern, allowed in self.rules if _fits(pattern, path)]
        return max(fitting)[1] if fitting else True


EVERYTHING = Rules()


def rules_in(text: str, agent: str) -> Rules:
    """The rules for a program of that name in a robots.txt."""
    name = re.split(r"[/\s]", agent.strip().lower(), maxsplit=1)[0]
    groups = _groups(text)
    own = [g for g in groups if name in g.agents] or [g for g in groups if "*" in g.agents]
    rules = tuple(rule for g in own for rule in g.rules)
    return Rules(rules, next((g.delay for g in own if g.delay is not None), None))


def _groups(text: str) -> list[_Group]:
    groups: list[_Group] = []
    naming = False
    for line in text.lstrip("\ufeff").splitlines()[:_MOST_RULES]:
        name, colon, value = line.partition("#")[0].partition(":")
        name, value = name.strip().lower(), value.strip()
        if not colon:
            continue
        if name == "user-agent":
            if not naming:
                groups.append(_Group())
            naming = True
            groups[-1].agents.add(re.split(r"[/\s]", value.lower(), maxsplit=1)[0])
        elif groups:
            naming = naming and name not in ("allow", "disallow", "crawl-delay")
            _heed(groups[-1], name, value)
    return groups


def _heed(group: _Group, name: str, value: str) -> None:
    if name in ("allow", "disallow") and value:
        group.rules.append((_quoted(value), name == "allow"))
    elif name == "crawl-delay":
        try:
            group.delay = min(max(0.0, float(value)), _MOST_DELAY)
        except ValueError:
            return


def _path(url: str) -> str:
    parts = urlsplit(url)
    return _quoted(parts.path or "/") + (f"?{_quoted(parts.query)}" if parts.query else "")


def _quoted(text: str) -> str:
    quoted = quote(text, safe="/*$%?=&;:@,+!'()~-._[]")
    return _ESCAPE.sub(lambda found: found[0].upper(), quoted)


def _fits(rule: str, path: str) -> bool:
    """Whether a path begins as a rule says: `*` is any text, `$` the end. The leftmost place for each piece is enough."""
    end = rule.endswith("$")
    first, *pieces = (rule[:-1] if end else rule).split("*")
    if not path.startswith(first):
        return False
    at, last = len(first), pieces.pop() if pieces and end else None
    for piece in pieces:
        found = path.find(piece, at)
        if found < 0:
            return False
        at = found + len(piece)
    if last is not None:
        return path.endswith(last) and len(path) - len(last) >= at
    return not end or at == len(path)
