"""An agent as plain data: its model, its rules, and its tools by their names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chainkit.compose.dump import dumped, name_of, plain
from chainkit.compose.kinds import Kind
from chainkit.compose.load import node, value
from chainkit.errors import CompositionError, did_you_mean
from chainkit.tools.agent import Agent, agent
from chainkit.tools.tool import Tool, tool

if TYPE_CHECKING:
    from chainkit.compose.load import Names

_RULES = ("system", "max_steps", "concurrency", "errors", "name")
_POLICY = ("timeout", "retries", "approve")
_FIELDS = frozenset({"model", "tools", "output", "approve", *_RULES})


def _to_data(chain: Agent) -> dict[str, Any]:
    if chain.deps is not None or chain.budget is not None:
        what = "deps" if chain.deps is not None else "a budget"
        msg = f"`{chain.label}` holds {what}, which has no form as data"
        raise CompositionError(msg, cure="give a budget to the Run, and deps where the loaded agent is made")
    data: dict[str, Any] = {"model": dumped(chain.model, chain.model.label)}
    data["tools"] = [_tool_data(t) for t in chain.tools]
    data |= {n: v for n in _RULES if (v := getattr(chain, n)) != Agent.__dataclass_fields__[n].default}
    if chain.output is not None:
        data["output"] = plain(chain.output, f"{chain.label}.output")
    if chain.approve is not None:
        data["approve"] = name_of(chain.approve, f"{chain.label}.approve")
    return data


def _tool_data(made: Tool[..., Any]) -> dict[str, Any]:
    policy = {n: v for n in _POLICY if (v := getattr(made, n)) != Tool.__dataclass_fields__[n].default}
    if made.chain is None:
        return {"function": name_of(made.function, f"tool {made.name}"), "name": made.name, **policy}
    chain = dumped(made.chain, made.chain.label)
    return {"chain": chain, "name": made.name, "description": made.description, **policy}


def _from_data(data: dict[str, Any], names: Names) -> Any:
    unknown = sorted(data.keys() - _FIELDS)
    if unknown:
        raise CompositionError(f"an agent has no field {unknown[0]!r}", cure=did_you_mean(unknown[0], sorted(_FIELDS)))
    output = value(data["output"], names) if "output" in data else None
    approve = names.meaning(data["approve"]) if "approve" in data else None
    rules = {n: data[n] for n in _RULES if n in data}
    tools = [_tool_from(t, names) for t in data.get("tools", ())]
    return agent(node(data["model"], names), tools, output=output, approve=approve, **rules)


def _tool_from(data: dict[str, Any], names: Names) -> Tool[..., Any]:
    policy = {n: data[n] for n in _POLICY if n in data}
    if "chain" in data:
        return tool(node(data["chain"], names), name=data["name"], description=data["description"], **policy)
    meant: Any = names.meaning(data["function"])
    return tool(meant.function if isinstance(meant, Tool) else meant, name=data.get("name"), **policy)


KIND = Kind("agent", Agent, to_data=_to_data, from_data=_from_data)
