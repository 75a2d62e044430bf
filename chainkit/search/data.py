"""A search as plain data: its engine and options; never a key, never a client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chainkit.compose.dump import plain
from chainkit.compose.kinds import Kind
from chainkit.compose.load import value
from chainkit.errors import CompositionError, did_you_mean
from chainkit.search.web import ATTEMPTS, Web, web

if TYPE_CHECKING:
    from chainkit.compose.load import Names

_FIELDS = ("engine", "options", "base_url", "attempts", "pages")


def _to_data(chain: Web) -> dict[str, Any]:
    if chain.account.client is not None:
        msg = f"`{chain.label}` holds a client, which has no form as data"
        raise CompositionError(msg, cure="configure it by environment variables")
    data: dict[str, Any] = {"engine": chain.engine}
    if chain.options:
        data["options"] = {k: plain(v, f"{chain.label}.{k}") for k, v in chain.options}
    if chain.account.base_url is not None:
        data["base_url"] = chain.account.base_url
    if chain.attempts != ATTEMPTS:
        data["attempts"] = chain.attempts
    if chain.pages is not None:
        data["pages"] = plain(chain.pages, chain.label)
    return data


def _from_data(data: dict[str, Any], names: Names) -> Any:
    from dataclasses import replace

    unknown = sorted(data.keys() - {*_FIELDS})
    if unknown:
        raise CompositionError(f"a search has no field {unknown[0]!r}", cure=did_you_mean(unknown[0], _FIELDS))
    base_url = data.get("base_url")
    if base_url is not None and base_url not in names.words:
        msg = f"the dump would send searches to {base_url}, and names= does not allow it"
        raise CompositionError(msg, cure=f"load(data, names={{..., {base_url!r}: True}}) where you trust that address")
    options: Any = {k: value(v, names) for k, v in data.get("options", {}).items()}
    strange = sorted(options.keys() & {"base_url", "api_key", "client", "attempts", "fetch"})
    if strange:
        raise CompositionError(f"{strange[0]!r} stands among a search's options, where it is none")
    made = web(data["engine"], base_url=base_url, attempts=data.get("attempts", ATTEMPTS), **options)
    return made if "pages" not in data else replace(made, pages=value(data["pages"], names))


KIND = Kind("web", Web, to_data=_to_data, from_data=_from_data)
"""For dump and load."""
