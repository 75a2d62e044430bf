"""Which kinds of node have a form as data, and under which word."""

from __future__ import annotations

import datetime as dt
import decimal
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Any

SCALARS: dict[str, Any] = {
    "str": str, "int": int, "float": float, "bool": bool, "bytes": bytes, "list": list, "dict": dict, "object": object,
    "tuple": tuple, "set": set, "Any": Any, "datetime": dt.datetime, "date": dt.date, "Decimal": decimal.Decimal,
    "UUID": uuid.UUID,
}  # fmt: skip


@dataclass(frozen=True)
class Kind:
    """A kind of node: its word, its class, fields that follow from others, and its own way where it has one."""

    name: str
    cls: type[Any]
    derived: frozenset[str] = frozenset()
    to_data: Callable[[Any], dict[str, Any]] | None = None
    from_data: Callable[[dict[str, Any], Any], Any] | None = None


_OURS = {
    "sequence": "compose.sequence:Sequence",
    "parallel": "compose.parallel:Parallel",
    "assign": "compose.parallel:Assign",
    "each": "compose.each:Each",
    "branch": "compose.branch:Branch",
    "truth": "compose.branch:Truth",
    "meaning": "compose.routing:Meaning",
    "which": "compose.routing:Which",
    "loop": "compose.loop:Loop",
    "step": "compose.step:Step",
    "identity": "compose.step:Identity",
    "constant": "compose.step:Constant",
    "attribute": "compose.step:Attribute",
    "named": "compose.policy:Named",
    "timeout": "compose.policy:TimeLimited",
    "limit": "compose.policy:Limited",
    "retry": "compose.policy:Retrying",
    "fallback": "compose.fallback:Fallback",
    "ensemble": "ensembles.members:Ensemble",
    "policy": "ensembles.policy:Policy",
    "as needed": "ensembles.pace:AsNeeded",
    "hedging": "ensembles.hedge:Hedging",
    "using": "ensembles.using:Using",
    "rounds": "ensembles.rounds:Rounds",
    "cascade": "ensembles.cascade:Cascade",
    "agreed": "ensembles.accept:Agreed",
    "confident": "ensembles.accept:Confident",
    "likely": "ensembles.accept:Likely",
    "approved": "ensembles.accept:Approved",
    "valid": "ensembles.accept:Valid",
    "vote": "ensembles.vote:Vote",
    "calibrated": "ensembles.calibrated:Calibrated",
    "learned": "ensembles.calibrated:Learned",
    "alike": "ensembles.alike:Alike",
    "first": "ensembles.race:First",
    "fields": "ensembles.fields:Fields",
    "close": "ensembles.field_rules:Close",
    "longest": "ensembles.field_rules:Longest",
    "average": "ensembles.numeric:Average",
    "median": "ensembles.numeric:Median",
    "trimmed": "ensembles.numeric:Trimmed",
    "union": "ensembles.lists:Union",
    "medoid": "ensembles.medoid:Medoid",
    "judge": "ensembles.judge:Judge",
    "pairwise": "ensembles.pairwise:Pairwise",
    "rank": "ensembles.rank:Rank",
    "best": "ensembles.scoring:Best",
    "fuse": "ensembles.fuse:Fuse",
    "question": "retrieval.grounding.parts:Question",
    "shown": "retrieval.grounding.parts:Shown",
    "relevant": "retrieval.grounding.parts:Relevant",
    "asking": "retrieval.grounding.parts:Asking",
    "absent": "retrieval.grounding.parts:Absent",
    "reading": "retrieval.grounding.parts:Reading",
    "in question": "retrieval.grounding.parts:InQuestion",
    "putting": "retrieval.grounding.parts:Putting",
    "writing": "retrieval.grounding.parts:Writing",
    "conversed": "retrieval.conversing:Conversed",
    "follows": "retrieval.conversing:Follows",
    "first question": "retrieval.conversing:First",
    "following": "retrieval.conversing:Following",
    "standalone": "retrieval.conversing:Standalone",
    "query": "retrieval.offering:Query",
    "summarise": "retrieval.summarising:Summarising",
    "extract": "retrieval.extracting:Extracting",
    "listed": "retrieval.offering:Listed",
    "rrf": "retrieval.fusion:Rrf",
    "weighted": "retrieval.fusion:Weighted",
    "decay": "retrieval.reordering:Decay",
    "instructed": "retrieval.queries:Instructed",
    "alone": "retrieval.queries:Alone",
    "wordings": "retrieval.queries:Wordings",
    "made up": "retrieval.queries:MadeUp",
    "numbered": "retrieval.reranking:Numbered",
    "side": "retrieval.reranking:Side",
    "in order": "retrieval.reranking:InOrder",
    "by cosine": "retrieval.reranking:ByCosine",
    "fetch": "search.fetching:Fetch",
    "pages": "search.pages:Pages",
    "as retrieved": "search.passages:AsRetrieved",
    "fitting": "search.passages:Fitting",
    "web query": "search.tools:Query",
    "web address": "search.tools:Address",
    "web numbered": "search.tools:Numbered",
    "web page": "search.tools:Shown",
    "recursive": "retrieval.splitting:Recursive",
    "by heading": "retrieval.splitting:ByHeading",
    "by sentence": "retrieval.splitting:BySentence",
    "by tokens": "retrieval.splitting:ByTokens",
    "by code": "retrieval.splitting:ByCode",
    "semantic": "retrieval.splitting:Semantic",
    "automatic": "retrieval.splitting:Automatic",
}
_DERIVED = {"step": frozenset({"takes", "gives"}), "hedging": frozenset({"latency", "allowance"})}
KINDS: dict[str, Kind] = {}


def register(kind: Kind) -> None:
    """Make a kind of node known to dump and load."""
    KINDS[kind.name] = kind


def _all() -> Iterator[Kind]:
    if len(KINDS) < len(_OURS):
        for name, where in _OURS.items():
            module, _, cls = where.partition(":")
            KINDS.setdefault(
                name, Kind(name, getattr(import_module(f"chainkit.{module}"), cls), _DERIVED.get(name, frozenset()))
            )
        from chainkit.models.data import COMPLETION, TASK
        from chainkit.models.data import KIND as MODEL

        register(MODEL)
        register(COMPLETION)
        register(TASK)
        register(_prompt())
        for module in ("chainkit.tools.data", "chainkit.memory.data", "chainkit.search.data"):
            register(import_module(module).KIND)
        register(import_module("chainkit.retrieval.data").KIND)
    return iter(KINDS.values())


def _prompt() -> Kind:
    from chainkit.compose.dump import name_of
    from chainkit.prompts.data import from_data, to_data
    from chainkit.prompts.prompt import Prompt

    return Kind("prompt", Prompt, to_data=lambda p: to_data(p, lambda v: name_of(v, p.label)), from_data=from_data)


def kind_of(node: Any) -> Kind | None:
    """The kind of a chain or combiner, or None."""
    return next((k for k in _all() if k.cls is type(node)), None)


def kind_named(name: str) -> Kind | None:
    """The kind of that word, or None."""
    return next((k for k in _all() if k.name == name), None)
