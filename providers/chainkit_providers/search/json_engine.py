"""A search engine that answers in plain JSON, as a row of data: where to ask, how options are spelt, where results stand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from chainkit.errors import CompositionError, did_you_mean
from chainkit.models.http import HttpProvider
from chainkit.run.limits import Limit
from chainkit.search.engine import COUNT
from chainkit_providers.search.json_backend import JsonBackend
from chainkit_providers.search.reading import Field, plucked

if TYPE_CHECKING:
    from chainkit.models.provider import Account

_WORDS = ("count", "region", "language", "safe", "recency", "site")


@dataclass(frozen=True)
class Spelt:
    """How an engine spells an option: the field, dots leading into nested ones, and our words in its own.

    `values` are all that it takes where it does not take every value; `form` makes its value from ours and all options.
    `needs` is another option without which it says nothing.
    """

    name: str = ""
    values: Mapping[str, Any] | None = None
    form: Callable[[Any, Mapping[str, Any]], Any] | None = None
    needs: str | None = None

    def value(self, engine: str, option: str, given: Any, options: Mapping[str, Any]) -> Any:
        """The engine's own word. Raises CompositionError where it has none."""
        if self.needs is not None and self.needs not in options:
            raise CompositionError(f"{engine} honours {option}= together with {self.needs}= only")
        if self.values is not None and given not in self.values:
            known = ", ".join(map(repr, self.values))
            raise CompositionError(f"{engine} cannot honour {option}={given!r}: it knows {known}")
        word = given if self.values is None else self.values[given]
        return word if self.form is None else self.form(word, options)


IN_QUERY = Spelt()
"""A site goes into the query as `site:example.org`; the results are looked through again here."""


@dataclass(frozen=True, eq=False, kw_only=True)
class JsonEngine:
    """One engine. `auth` is the header with the key, as "x-api-key: {key}", or "?name: {key}" for a field of the URL.

    `query` is the field of what is searched for, `asked` makes it from the query and options where it is more than that.
    `fixed` fields are always sent. `most` is the largest count. `options` says how each is spelt; one that is not there
    cannot be honoured. `results` leads to the list, `fields` to a result's own; `markup` says that there are tags in
    them. `body` makes the answer's bytes an object where they are not JSON. `usd` is the price of one search, `cost` reads it from
    an answer. `trouble` reads a fault from an answer that has none of the status. `cures` are by status. `language`
    stands in the base URL where that has a `{language}`.
    """

    name: str
    base_url: str
    path: str
    method: str = "GET"
    auth: str = ""
    keys: tuple[str, ...] = ()
    keys_at: str | None = None
    base_url_env: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    query: str = "q"
    asked: Callable[[str, Mapping[str, Any]], str] | None = None
    fixed: Mapping[str, Any] = field(default_factory=dict[str, Any])
    most: int = 50
    options: Mapping[str, Spelt] = field(default_factory=dict[str, Spelt])
    results: str = "results"
    fields: Mapping[str, Field] = field(default_factory=dict[str, Field])
    markup: bool = False
    body: Callable[[bytes], Any] | None = None
    usd: float | None = None
    cost: Callable[[Any], float | None] | None = None
    trouble: Callable[[Any], str | None] | None = None
    cures: Mapping[int, str] = field(default_factory=dict[int, str])
    language: str = "en"
    limit: Limit | None = None

    def open(self, account: Account, options: Mapping[str, Any]) -> JsonBackend:
        """A backend for an account. Raises CompositionError for an option that it cannot honour."""
        self.spelt("", options)
        return JsonBackend(self, self._row(options), account, options)

    def variant(self, name: str) -> JsonEngine:
        """There is none. Raises CompositionError."""
        raise CompositionError(f"{self.name} is one engine and has no {name!r}", cure=f"web({self.name!r})")

    def _row(self, options: Mapping[str, Any]) -> HttpProvider:
        language = str(options.get("language", self.language)).lower()
        return HttpProvider(
            name=self.name,
            base_url=self.base_url.replace("{language}", language),
            wires={},
            key_env=self.keys,
            base_url_env=self.base_url_env,
            auth=self.auth or "authorization: Bearer {key}",
            hosts=self.hosts,
            key_needed=bool(self.auth),
            keys_at=self.keys_at,
        )

    def spelt(self, query: str, options: Mapping[str, Any]) -> dict[str, Any]:
        """The fields of a request. Raises CompositionError for an option that the engine cannot honour."""
        fields: dict[str, Any] = dict(self.fixed)
        for option in _WORDS:
            if option in options:
                self._put(option, options, fields)
        if "count" not in options and "count" in self.options:
            self._put("count", {**options, "count": min(COUNT, self.most)}, fields)
        if self.options.get("site") is IN_QUERY and "site" in options:
            query = f"{query} site:{options['site']}"
        placed(fields, self.query, query if self.asked is None else self.asked(query, options))
        fields.update(options.get("extra") or {})
        return fields

    def _put(self, option: str, options: Mapping[str, Any], fields: dict[str, Any]) -> None:
        given = options[option]
        if option == "count" and given > self.most:
            raise CompositionError(f"{self.name} gives {self.most} results at most, and count={given} was asked for")
        spelling = self.options.get(option)
        if spelling is None and option != "count":
            honoured = ", ".join(sorted({"count", *self.options}))
            raise CompositionError(f"{self.name} cannot honour {option}={given!r}", cure=f"it honours: {honoured}")
        # Where the engine takes no count, what is too much of its answer is left out.
        if spelling is None or spelling is IN_QUERY:
            return
        value = spelling.value(self.name, option, given, options)
        if spelling.name and value is not None:
            placed(fields, spelling.name, value)

    def read(self, body: Any, options: Mapping[str, Any], base_url: str) -> list[dict[str, Any]]:
        """The results of an answer, by our names. Raises ReplyMalformed."""
        told = {**options, "language": options.get("language", self.language), "base_url": base_url}
        return plucked(self.name, body, self.results, self.fields, told, markup=self.markup)


@dataclass(frozen=True, eq=False)
class Family:
    """Engines behind one account: "serpapi/google", "serpapi/bing". The first is meant where none is named."""

    name: str
    engines: Mapping[str, JsonEngine]

    @property
    def first(self) -> JsonEngine:
        """The engine that is meant where none is named."""
        return next(iter(self.engines.values()))

    @property
    def usd(self) -> float | None:
        """The price of one search."""
        return self.first.usd

    @property
    def limit(self) -> Limit | None:
        """The queue of the first."""
        return self.first.limit

    def open(self, account: Account, options: Mapping[str, Any]) -> JsonBackend:
        """A backend of the first."""
        return self.first.open(account, options)

    def variant(self, name: str) -> JsonEngine:
        """The engine of that name. Raises CompositionError with the nearest."""
        if name not in self.engines:
            cure = did_you_mean(name, list(self.engines)) or f"one of: {', '.join(self.engines)}"
            raise CompositionError(f"{self.name} has no engine {name!r:.40}", cure=cure)
        return self.engines[name]


def placed(fields: dict[str, Any], name: str, value: Any) -> None:
    """Put a value where dots lead to."""
    *outer, last = name.split(".")
    for step in outer:
        fields = fields.setdefault(step, {})
    fields[last] = value


def in_url(fields: Mapping[str, Any]) -> str:
    """Fields as the query of a URL."""
    return urlencode({k: _word(v) for k, v in fields.items()}, safe="*")


def _word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
