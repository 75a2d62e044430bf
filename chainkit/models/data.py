"""A model as plain data: its spec, options and output; never a key, never a client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chainkit.compose.kinds import Kind
from chainkit.errors import CompositionError, did_you_mean
from chainkit.models.chat import ChatModel, held_schema, model
from chainkit.models.completion import CompletionModel, completion
from chainkit.models.reached import ATTEMPTS
from chainkit.models.task import KINDS, TaskModel, task_model, task_of

if TYPE_CHECKING:
    from chainkit.compose.load import Names


_FIELDS = frozenset({"spec", "api", "base_url", "carrier", "attempts", "options", "tools", "output", "unsupported"})
_NO_OPTIONS = _FIELDS | {"api_key", "client"}


def _reached_data(chain: ChatModel | CompletionModel | TaskModel) -> dict[str, Any]:
    """What every model is: its name, how it is reached, its options."""
    from chainkit.compose.dump import plain

    account = chain.account
    if account.client is not None:
        msg = f"`{chain.label}` holds a client, which has no form as data"
        raise CompositionError(
            msg, cure="configure it by environment variables, or put the model in with Run(models=...)"
        )
    data: dict[str, Any] = {"spec": chain.spec}
    for name in ("api", "base_url"):
        if getattr(account, name) is not None:
            data[name] = getattr(account, name)
    if account.carrier != "auto":
        data["carrier"] = account.carrier
    if chain.attempts != ATTEMPTS:
        data["attempts"] = chain.attempts
    if chain.lenient:
        data["unsupported"] = "warn"
    if chain.options:
        data["options"] = {k: plain(v, f"{chain.label}.{k}") for k, v in chain.options}
    return data


def _to_data(chain: ChatModel) -> dict[str, Any]:
    from chainkit.compose.dump import plain

    data = _reached_data(chain)
    if chain.tools:
        data["tools"] = [
            {"name": t.name, "description": t.description, "parameters": dict(t.parameters)} for t in chain.tools
        ]
    if chain.output is not None:
        schema = held_schema(chain.output)
        data["output"] = {"schema": schema} if schema is not None else plain(chain.output, f"{chain.label}.output")
    return data


def _given(data: dict[str, Any], names: Names, fields: frozenset[str]) -> dict[str, Any]:
    """The arguments behind `_reached_data`. Raises CompositionError for an unknown field or an address not allowed."""
    from chainkit.compose.load import value

    unknown = sorted(data.keys() - fields)
    if unknown:
        msg = f"a model has no field {unknown[0]!r}"
        raise CompositionError(msg, cure=did_you_mean(unknown[0], sorted(fields)))
    base_url = data.get("base_url")
    if base_url is not None and base_url not in names.words:
        msg = f"the dump would send requests to {base_url}, and names= does not allow it"
        raise CompositionError(msg, cure=f"load(data, names={{..., {base_url!r}: True}}) where you trust that address")
    # An address among the options would get round the question above.
    strange = sorted(data.get("options", {}).keys() & _NO_OPTIONS)
    if strange:
        raise CompositionError(f"{strange[0]!r} stands among a model's options, where it is none")
    given = {k: data[k] for k in ("api", "base_url", "carrier", "attempts", "unsupported") if k in data}
    return given | {k: value(v, names) for k, v in data.get("options", {}).items()}


def _from_data(data: dict[str, Any], names: Names) -> Any:
    from chainkit.compose.load import value
    from chainkit.models.request import ToolSpec

    given = _given(data, names, _FIELDS)
    tools = tuple(ToolSpec(**t) for t in data.get("tools", ()))
    output = data.get("output")
    if output is not None:
        output = output["schema"] if "schema" in output else value(output, names)
    return model(data["spec"], output=output, tools=tools, **given)


def _completion_from(data: dict[str, Any], names: Names) -> Any:
    return completion(data["spec"], **_given(data, names, _FIELDS - {"tools", "output"}))


def _task_data(chain: TaskModel) -> dict[str, Any]:
    if chain.task.kind not in KINDS:
        raise CompositionError(f"`{chain.label}` is of a kind that has no form as data")
    return {"for": chain.task.kind, **_reached_data(chain)}


def _task_from(data: dict[str, Any], names: Names) -> Any:
    given = {k: v for k, v in data.items() if k != "for"}
    return task_model(task_of(str(data.get("for"))), data["spec"], _given(given, names, _FIELDS - {"tools", "output"}))


KIND = Kind("model", ChatModel, to_data=_to_data, from_data=_from_data)
COMPLETION = Kind("completion", CompletionModel, to_data=_reached_data, from_data=_completion_from)
TASK = Kind("task", TaskModel, to_data=_task_data, from_data=_task_from)
