"""Chains that remember as plain data: a memory and a store of old turns are names that the loader supplies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chainkit.compose.dump import dumped, name_of, plain
from chainkit.compose.kinds import Kind
from chainkit.compose.load import node, value
from chainkit.errors import CompositionError
from chainkit.memory.asked import Shape
from chainkit.memory.chatting import Chatting
from chainkit.memory.exchanges import token_count
from chainkit.memory.keeping import Last, Own, Rule, Tokens, rules
from chainkit.memory.recall import Recall
from chainkit.memory.sqlite import IN_MEMORY
from chainkit.memory.store import Memory
from chainkit.memory.summary import RULES, Summary
from chainkit.retrieval.embedding import Embedding

if TYPE_CHECKING:
    from chainkit.compose.load import Names


def _to_data(chain: Chatting) -> dict[str, Any]:
    data: dict[str, Any] = {"chain": dumped(chain.chain, chain.chain.label)}
    data["memory"] = {"name": _called(chain.memory)}
    data |= {name: held for name in ("conversation", "system") if (held := getattr(chain, name)) is not None}
    if chain.shape.turns is not None:
        data |= {"turns": chain.shape.turns, "message": chain.shape.message}
    if chain.keep:
        data["keep"] = [_rule_data(rule) for rule in chain.keep]
    return data


def _called(memory: Memory) -> str:
    """Its word: with its place, where another process finds it there."""
    return memory.name if memory.where.startswith(IN_MEMORY) else f"{memory.name}:{memory.where}"


def _from_data(data: dict[str, Any], names: Names) -> Chatting:
    shape = Shape(data["turns"], data["message"]) if "turns" in data else Shape()
    keep = rules([_rule_from(rule, names) for rule in data.get("keep", ())])
    chain, memory = node(data["chain"], names), names.meaning(data["memory"]["name"])
    return Chatting(chain, memory, data.get("conversation"), keep, data.get("system"), shape)


def _rule_data(rule: Rule) -> dict[str, Any]:
    match rule:
        case Last(messages):
            return {"last": messages}
        case Tokens(most, count):
            return {"tokens": most, **_counted(count)}
        case Summary(model, after, leave, count, instruction):
            told = {} if instruction == RULES else {"instruction": instruction}
            return {"summary": dumped(model, "summary"), "after": after, "leave": leave, **_counted(count), **told}
        case Recall(k, embedding, store):
            sides = (
                None if embedding is None else [dumped(s, "recall") for s in (embedding.documents, embedding.questions)]
            )
            return {"recall": k, "store": {"name": store.name}, **({} if sides is None else {"embed": sides})}
        case Own(function):
            return {"function": plain(function, "keep")}
        case _:
            raise CompositionError(f"the rule {rule!r:.60} has no form as data", cure="use a named function")


def _counted(count: Any) -> dict[str, Any]:
    return {} if count is token_count else {"count": name_of(count, "count")}


def _rule_from(data: dict[str, Any], names: Names) -> Any:
    count: Any = names.meaning(data["count"]) if "count" in data else token_count
    if "last" in data:
        return Last(data["last"])
    if "tokens" in data:
        return Tokens(data["tokens"], count)
    if "summary" in data:
        return Summary(
            node(data["summary"], names), data["after"], data["leave"], count, data.get("instruction", RULES)
        )
    if "recall" in data:
        sides = [node(side, names) for side in data.get("embed", ())]
        return Recall(
            data["recall"], Embedding(sides[0], sides[1]) if sides else None, names.meaning(data["store"]["name"])
        )
    return value(data["function"], names)


KIND = Kind("chatting", Chatting, to_data=_to_data, from_data=_from_data)
