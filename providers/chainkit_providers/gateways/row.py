"""A vendor or server that speaks OpenAI's protocols, as a row of data: ours and a user's in the same way."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import fields as dataclass_fields
from typing import TYPE_CHECKING, Any, Literal, TypedDict

from typing_extensions import Unpack

from chainkit.errors import CompositionError, UnknownModel
from chainkit.models.http import HttpProvider
from chainkit.models.http_backend import HttpBackend
from chainkit.models.profile import Profile
from chainkit_providers.openai.chat import ChatCompletions
from chainkit_providers.openai.completing import completing
from chainkit_providers.openai.dialect import (
    Caching,
    Dialect,
    MediaKind,
    ThinkingBack,
    ThinkingSwitch,
    ToldCost,
    Unfit,
    fields,
)
from chainkit_providers.openai.offers import LIMITS, tasks_of
from chainkit_providers.openai.responses import Responses

if TYPE_CHECKING:
    from chainkit.models.batches import BatchWire
    from chainkit.models.provider import Account, ChatWire, TaskWire

NATIVE = ("native", "tool", "json", "prompt")
"""A schema that the vendor enforces, and what to fall back to."""
TOOLS = ("tool", "json", "prompt")
"""No schema, but tools and valid JSON."""


class Quirks(TypedDict, total=False):
    """How a vendor differs from OpenAI; `chainkit_providers.openai.dialect.Dialect` says what each means."""

    responses_options: Mapping[str, str]
    always: Mapping[str, Any]
    unfit: Unfit
    thinks: re.Pattern[str]
    strict: bool
    stream_usage: bool
    top_logprobs: bool
    think_tags: bool
    thinking_back: ThinkingBack
    thinking_switch: ThinkingSwitch
    reasoning_object: bool
    phases: bool
    tool_choices: tuple[str, ...]
    media: tuple[MediaKind, ...]
    fetches: tuple[MediaKind, ...]
    parts: Literal["openai", "mistral"]
    cache: Caching
    cost: ToldCost


def gateway(
    name: str,
    base_url: str,
    *,
    key_env: str | Sequence[str] = (),
    base_url_env: str | Sequence[str] = (),
    options: Mapping[str, str] | None = None,
    output: Sequence[str] = NATIVE,
    apis: Sequence[str] = ("chat",),
    prefix: str = "",
    paths: Mapping[str, Any] | None = None,
    own: bool = False,
    free: bool | None = None,
    hosts: Sequence[str] = (),
    keys_at: str | None = None,
    priced_as: str | None = None,
    vendor: Any = None,
    tasks: Mapping[str, TaskWire | str] | None = None,
    batches: BatchWire | str | None = None,
    refine: Callable[[Profile], Profile] | None = None,
    **quirks: Unpack[Quirks],
) -> Gateway:
    """A provider for a server that speaks Chat Completions, or Responses, or both.

    `base_url` is what `/chat/completions` is added to; `{VARIABLE}` in it is filled from the environment.
    `key_env` are the variables that hold its key, `base_url_env` those that hold another address. `options`
    maps our options to its fields (see `fields`); one that stands there not is refused before anything is
    sent. `output` are its ways to structured output, best first. `apis` are its interfaces, "chat" and
    "responses", the one to use unasked first; `prefix` stands before their paths, `paths` gives others.
    `own=True` is a server of one's own: it needs no key, and costs nothing unless `free=False`. `hosts` are
    further hosts that its key may go to. `vendor` is a TypedDict of options that it alone has, `tasks` are
    its wires for other kinds of model, `batches` is how it takes batches. `refine` says more of a single model. The rest are quirks. Give it to
    `chainkit.models.registry.register`, or name it in an entry point.

    Raises CompositionError for a name that cannot stand before the colon of "name:model".
    """
    if not re.fullmatch(r"[\w.-]+", name):
        raise CompositionError(f"{name!r} is no name for a gateway", cure="use letters, digits, '_', '-' and '.'")
    told: dict[str, Any] = {("responses" if k == "responses_options" else k): v for k, v in quirks.items()}
    dialect = Dialect(name, fields() if options is None else options, keys=_listed(key_env), **told)
    return Gateway(
        name=name,
        base_url=base_url,
        wires={api: _wire(api, dialect, prefix, paths or {}) for api in apis},
        default_api=apis[0],
        key_env=dialect.keys,
        base_url_env=_listed(base_url_env),
        key_needed=not own,
        hosts=tuple(hosts),
        tasks={
            **tasks_of(name, dialect.keys, prefix),
            **completing(name, prefix, dialect.keys),
            **(tasks or {}),
        },
        keys_at=keys_at,
        vendor=vendor,
        batches=batches,
        dialect=dialect,
        output=tuple(output),
        free=own if free is None else free,
        priced_as=priced_as,
        refine=refine,
    )


def _listed(names: str | Sequence[str]) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else tuple(names)


def _wire(api: str, dialect: Dialect, prefix: str, paths: Mapping[str, Any]) -> ChatWire:
    if api == "chat":
        return ChatCompletions(dialect, paths.get(api, f"{prefix}chat/completions"))
    if api == "responses":
        return Responses(dialect, paths.get(api, f"{prefix}responses"))
    raise CompositionError(f"api={api!r} is no interface of a gateway", cure="use 'chat' or 'responses'")


@dataclass(frozen=True, eq=False, kw_only=True)
class Gateway(HttpProvider):
    """A row. Of its models only the protocol is known, and what the row says of all of them."""

    dialect: Dialect
    output: tuple[str, ...] = NATIVE
    free: bool = False
    priced_as: str | None = None
    refine: Callable[[Profile], Profile] | None = None

    def profile(self, model: str, account: Account | None = None) -> Profile:
        """What the protocol and the row say of a model."""
        api = (account.api if account is not None else None) or self.default_api
        dialect, (most, room) = self.dialect, LIMITS.get(self.name, (None, None))
        found = Profile(
            self.name,
            model,
            output=self.output,
            vision="image" in dialect.media,
            options=dialect.takes(api),
            tools=bool(dialect.tool_choices),
            local=self.free and not model.endswith("cloud"),
            kinds=frozenset({*(("chat",) if self.wires else ()), *self.tasks}),
            media=frozenset(dialect.media),
            fetches=frozenset(dialect.fetches),
            most=most,
            room=room,
            priced_as=self.priced_as,
        )
        return found if self.refine is None else self.refine(found)


@dataclass(frozen=True, eq=False, kw_only=True)
class Ended(Gateway):
    """A service that its vendor has closed. Its name is known, so that who types it is told."""

    when: str
    instead: str

    def open(self, account: Account) -> HttpBackend:
        """Raise UnknownModel, but for an address of one's own."""
        if account.base_url is None:
            msg = f"{self.name}: the service was closed on {self.when}, nobody answers there"
            raise UnknownModel(msg, cure=f"closed since {self.when}: {self.instead}")
        return super().open(account)


def ended(row: Gateway, *, when: str, instead: str) -> Ended:
    """The row of a service that is closed since that day, and what to use instead."""
    held = {f.name: getattr(row, f.name) for f in dataclass_fields(row)}
    return Ended(**held, when=when, instead=instead)
