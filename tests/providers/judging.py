"""What is to be said of each line of the corpus: we agree with its reading, differ on purpose, or leave it out, and why."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from chainkit import errors as e
from chainkit.models.embed import EmbedRequest
from chainkit.models.late import imported
from chainkit.models.registry import find
from chainkit.models.rerank import RerankRequest
from reading import DIFFERS, OTHER_WIRES, RAISES, differences, read, reader_of

if TYPE_CHECKING:
    from collections.abc import Callable

Verdict = Literal["agree", "differ", "excluded", "wrong"]

NAMES = {"google_vertex": "vertex", "huggingface": "hf", "local_openai_compat": "litellm", "gateway": "litellm"}
"""What we call a group that the corpus calls otherwise."""
TASKS_OF = {**NAMES, "google_vertex": "google"}
"""The same, for tasks: a place of Vertex AI has its own ones, which read both of its forms as Google's do."""
UNREAD = {
    "image": "a picture has no independent reading; test_tasks_traffic looks at it",
    "audio": "sound has no independent reading; test_tasks_traffic looks at it",
    "models": "a list of models, not a model's answer",
    "other": "files, caches, sessions: not a model's answer",
}
"""Kinds of line that nobody else has read."""

CLASSES: dict[int, tuple[type[e.ProviderError], ...]] = {
    400: (e.BadRequest, e.ContextTooLong, e.AuthenticationError, e.ServerError),
    401: (e.AuthenticationError,),
    403: (e.PermissionDenied, e.AuthenticationError),
    404: (e.BadRequest, e.PermissionDenied),
    413: (e.ContextTooLong, e.BadRequest),
    422: (e.BadRequest,),
    429: (e.RateLimited,),
}
"""What a refusal may be by its status: a vendor's own words may say more than that."""


@dataclass(frozen=True)
class Judged:
    """A verdict, and its reason where it is no plain agreement."""

    verdict: Verdict
    why: str = ""


AGREED = Judged("agree")


def judged(line: Any) -> Judged:
    """What is to be said of a line."""
    wire = line.says.get("wire")
    if wire is None:
        return Judged("excluded", UNREAD[line.kind])
    if wire.removesuffix("_stream") in OTHER_WIRES and reader_of(line) is None:
        return Judged("excluded", OTHER_WIRES[wire.removesuffix("_stream")])
    if not _known(line):
        return Judged("excluded", f"no adapter for {line.provider}")
    if wire not in TASKS and reader_of(line) is None:
        return Judged("wrong", f"{line.id}: nothing reads {wire}; add a row to READERS or OTHER_WIRES in reading.py")
    if line.id in RAISES:
        return _raising(line)
    try:
        found = TASKS[wire](line) if wire in TASKS else differences(line, read(line))
    except (e.ChainkitError, LookupError) as error:
        return Judged("wrong", f"{line.id}: {error!r}")
    return _compared(line, found)


def _known(line: Any) -> bool:
    """Whether there is an adapter for the line, by its provider or by its format."""
    try:
        find(NAMES.get(line.provider, line.provider))
    except e.ChainkitError:
        return reader_of(line) is not None
    return True


def _raising(line: Any) -> Judged:
    kind, why = RAISES[line.id]
    try:
        read(line)
    except e.ChainkitError as error:
        return Judged("agree", why) if type(error) is kind else Judged("wrong", f"{line.id}: raised {error!r}")
    return Judged("wrong", f"{line.id}: raised nothing")


def _compared(line: Any, found: list[str]) -> Judged:
    if line.id in DIFFERS:
        told, why = DIFFERS[line.id]
        as_told = found == [told] if isinstance(told, str) else tuple(d.partition(":")[0] for d in found) == told
        return Judged("differ", why) if as_told else Judged("wrong", f"{line.id}: {found}")
    return Judged("wrong", "\n".join(f"{line.id}: {d}" for d in found)) if found else AGREED


# What is no chat.


def _row(line: Any) -> Any:
    return find(NAMES.get(line.provider, line.provider))


def _task(line: Any, kind: str) -> Any:
    return imported(find(TASKS_OF.get(line.provider, line.provider)).tasks[kind])  # type: ignore[attr-defined]


def vectors(line: Any) -> list[str]:
    """How embedded vectors differ from the reading."""
    says = line.says["embed"]
    found = _task(line, "embed").decode(json.loads(line.body), EmbedRequest("m", texts=("x",) * says["n"]))
    wrong = [] if len(found) == says["n"] else [f"count: {len(found)}, not {says['n']}"]
    wrong += [] if {len(v) for v in found} == {says["dims"]} else [f"length: {len(found[0])}, not {says['dims']}"]
    near = all(
        b is not None and math.isclose(a, b, abs_tol=1e-9) for a, b in zip(found[0][:4], says["head"], strict=False)
    )
    wrong += [] if near else [f"head: {found[0][:4]}, not {says['head']}"]
    told = tokens(says["usage"] or {})
    return wrong + ([] if told in (None, found.usage.input) else [f"tokens: {found.usage.input}, not {told}"])


def tokens(usage: dict[str, Any]) -> int | None:
    """What a vendor calls the tokens it read; None where it does not tell."""
    names = ("prompt_tokens", "total_tokens", "promptTokenCount", "inputTextTokenCount")
    told = next((usage[n] for n in names if n in usage), usage.get("billed_units", {}).get("input_tokens"))
    return None if told is None else int(told)


def ranking(line: Any) -> list[str]:
    """How a ranking differs from the reading."""
    request = RerankRequest("m", query="q", texts=tuple(line.request["documents"]))
    found = [[r.index, r.score] for r in _task(line, "rerank").decode(json.loads(line.body), request)]
    return [] if found == line.says["rerank"]["order"] else [f"order: {found}, not {line.says['rerank']['order']}"]


def refusal(line: Any) -> list[str]:
    """How a refusal differs from what its status and its words say."""
    row = _row(line)
    error = imported(row.wires[row.default_api]).error(line.status, line.headers, line.body)
    said = line.says["error"]["message"] or ""
    wrong = [] if isinstance(error, CLASSES[line.status]) else [f"class: {error!r} for {line.status}"]
    wrong += [] if said[:20] in str(error) else [f"words: {error}, not {said[:80]!r}"]
    return wrong + ([] if error.cure else ["no cure"])


TASKS: dict[str, Callable[[Any], list[str]]] = {"embed": vectors, "rerank": ranking, "error": refusal}
"""What is read by the row of its own vendor."""
