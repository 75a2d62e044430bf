"""`chainkit models`: which providers and local models there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from chainkit.cli.screen import Json
from chainkit.errors import ChainkitError
from chainkit.models.registry import find, names, profile

if TYPE_CHECKING:
    from chainkit.cli.screen import Screen
    from chainkit.models.profile import Profile


def models(
    context: typer.Context,
    spec: Annotated[
        str | None, typer.Argument(help="provider:name, to see what that model can do; a provider, for its models")
    ] = None,
    refresh: Annotated[bool, typer.Option("--refresh", help="Fetch the newest price list first.")] = False,
    json: Json = False,
) -> None:
    """List the providers and the local models in the cache, a provider's models, or what one model can do and costs."""
    screen: Screen = context.obj
    if refresh:
        _refresh(screen)
    if spec is not None and spec in names():
        _of(spec, screen, json=json)
        return
    if spec is not None:
        _one(spec, screen, json=json)
        return
    rows = [_provider(name) for name in names()]
    pulled = _pulled()
    if json:
        screen.json({"providers": rows, "local": pulled})
        return
    screen.table(["provider", "interfaces", "extra"], [(r["provider"], r["interfaces"], r["extra"]) for r in rows])
    if pulled:
        screen.table(["local model", "path"], [(p["model"], p["path"]) for p in pulled])


def _of(name: str, screen: Screen, *, json: bool) -> None:
    provider: Any = find(name)
    if not hasattr(provider, "models"):
        raise ChainkitError(
            f"{name} lists no models here", cure=f"look at its own page, then: chainkit models {name}:NAME"
        )
    rows: list[dict[str, Any]] = provider.models()
    if json:
        screen.json({"provider": name, "models": rows})
        return
    columns = list(dict.fromkeys(column for row in rows for column in row))
    screen.table(columns or ["name"], [tuple(row.get(column, "") for column in columns) for row in rows])


def _one(spec: str, screen: Screen, *, json: bool) -> None:
    found = profile(spec)
    if json:
        screen.json(found)
        return
    rows = [
        ("context", found.context),
        ("longest answer", found.max_output),
        ("structured output", ", ".join(found.output)),
    ]
    rows += [("tools", found.tools), ("images", found.vision), *_prices(found)]
    screen.table(["", spec], [(k, "not known" if v is None else v) for k, v in rows])


def _prices(found: Profile) -> list[tuple[str, str]]:
    listed = found.prices
    if listed is None:
        return [("price", "nothing: it runs here" if found.local else "not known")]
    names = ("input", "output", "cached", "cache_write", "audio_input", "audio_output")
    per = [(n, v) for n in names if (v := getattr(listed, n)) is not None]
    day = f", of {listed.as_of}" if listed.as_of else ""
    return [(f"$ per million, {n.replace('_', ' ')}", f"{v:g}") for n, v in per] + [("by", f"{listed.source}{day}")]


def _refresh(screen: Screen) -> None:
    from chainkit.models.price_list import refresh

    source, day = refresh()
    screen.say(f"prices of {day} from {source}")


def _provider(name: str) -> dict[str, str]:
    try:
        provider: Any = find(name)
    except ChainkitError as error:
        return {"provider": name, "interfaces": f"broken: {error.message}", "extra": ""}
    return {
        "provider": name,
        "interfaces": ", ".join(getattr(provider, "wires", {"in this process": None})),
        "extra": getattr(provider, "extra", None) or ("local" if name == "local" else ""),
    }


def _pulled() -> list[dict[str, str]]:
    try:
        local: Any = find("local")
    except ChainkitError:
        return []
    return [{"model": f"local:{model.name}", "path": str(path)} for model, path in local.pulled()]
