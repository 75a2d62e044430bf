"""`chainkit doctor`: which providers could answer, and what stops the others."""

from __future__ import annotations

import importlib.metadata
import platform
import re
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chainkit import __version__
from chainkit.cli.screen import Json
from chainkit.errors import ChainkitError
from chainkit.models.provider import Account
from chainkit.models.registry import find, names

if TYPE_CHECKING:
    from chainkit.cli.screen import Screen

_PACKAGES = (
    "pydantic",
    "jinja2",
    "httpx",
    "tenacity",
    "genai-prices",
    "openai",
    "anthropic",
    "cohere",
    "aiohttp",
    "xllamacpp",
)

_NOT_CHOSEN = frozenset({"all", "dev", "docs", "test", "stores"})


def doctor(
    context: typer.Context,
    ask: Annotated[
        list[str] | None, typer.Option(help="provider:name to send one short question to (costs a call).")
    ] = None,
    json: Json = False,
) -> None:
    """Say for each provider whether it has a key and an SDK, and with --ask whether it answers.

    Sends nothing unless --ask is given. Exit code 1 where a model that was asked did not answer.
    """
    screen: Screen = context.obj
    providers = [_provider(name) for name in names()]
    answers = [_answer(spec) for spec in ask or ()]
    packages = {name: _version(name) for name in _PACKAGES}
    if json:
        extras = {name: sorted(lacking) for name, lacking in lacking_of_extras().items()}
        about = {"chainkit": __version__, "python": sys.version.split()[0], "platform": platform.platform()}
        screen.json({**about, "packages": packages, "extras": extras, "providers": providers, "answers": answers})
    else:
        _show(screen, packages, providers, answers)
    if any(not a["ok"] for a in answers):
        raise typer.Exit(1)


def _show(screen: Screen, packages: dict[str, str | None], providers: list[Any], answers: list[Any]) -> None:
    screen.say(f"chainkit {__version__}, Python {sys.version.split()[0]}")
    screen.table(["package", "version"], [(n, v or "not installed") for n, v in packages.items()])
    rows = [(n, "no" if lacking else "yes", ", ".join(sorted(lacking))) for n, lacking in lacking_of_extras().items()]
    screen.table(["extra", "installed", "what is missing"], rows)
    columns = ["provider", "ready", "SDK", "what is missing"]
    screen.table(columns, [(p["provider"], "yes" if p["ready"] else "no", p["sdk"], p["missing"]) for p in providers])
    if answers:
        screen.table(["asked", "answers", ""], [(a["model"], "yes" if a["ok"] else "no", a["said"]) for a in answers])


def lacking_of_extras() -> dict[str, set[str]]:
    """The packages that each extra of chainkit wants and that are not installed, by the extra's name."""
    found: dict[str, set[str]] = {}
    for line in importlib.metadata.requires("chainkit") or ():
        needed = re.fullmatch(r"([\w.-]+)[^;]*;.*extra == ['\"]([\w-]+)['\"].*", line)
        if needed and needed[2] not in _NOT_CHOSEN:
            lacking = found.setdefault(needed[2], set())
            if needed[1] != "chainkit" and _version(needed[1]) is None:
                lacking.add(needed[1])
    return dict(sorted(found.items()))


def _provider(name: str) -> dict[str, Any]:
    try:
        provider: Any = find(name)
        provider.open(Account(name)).check()
    except ChainkitError as error:
        missing = error.cure or error.message
        return {"provider": name, "ready": False, "sdk": _sdk(name), "missing": missing}
    return {"provider": name, "ready": True, "sdk": _sdk(name), "missing": ""}


def _sdk(name: str) -> str:
    try:
        provider: Any = find(name)
    except ChainkitError:
        return ""
    extra = getattr(provider, "extra", None)
    if not extra or not getattr(provider, "sdk", None):
        return ""
    return "installed" if find_spec(extra) is not None else f"pip install 'chainkit[{extra}]'"


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _answer(spec: str) -> dict[str, Any]:
    from chainkit.models.chat import model

    try:
        reply = model(spec, max_tokens=8, attempts=1).timeout(60).invoke("Say yes.")
    except ChainkitError as error:
        return {"model": spec, "ok": False, "said": f"{type(error).__name__}: {error.message}"}
    return {"model": spec, "ok": True, "said": reply.text[:60]}
