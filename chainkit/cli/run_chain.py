"""`chainkit run FILE.py:chain` and `chainkit render FILE.py:chain`."""

from __future__ import annotations

import json as json_module
import runpy
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chainkit.chain import Chain
from chainkit.cli.screen import Json, plain
from chainkit.errors import CompositionError, did_you_mean
from chainkit.run.run import Run

if TYPE_CHECKING:
    from chainkit.cli.screen import Screen

Target = Annotated[str, typer.Argument(help="FILE.py:name of the chain in it")]
Input = Annotated[
    str, typer.Option("--input", "-i", help="The input: JSON where it is JSON, else text; @FILE reads one.")
]


def run(context: typer.Context, target: Target, given: Input = "", json: Json = False) -> None:
    """Run a chain of a Python file on an input, streaming its text."""
    screen: Screen = context.obj
    chain, value = find(target), read_input(given)
    with Run() as whole:
        if json:
            result = chain.invoke(value)
            screen.json(
                {"value": plain(result), "usage": plain(whole.usage), "cost": str(whole.cost), "calls": whole.calls}
            )
            return
        with chain.stream(value) as stream:
            pieces = [_shown(piece, screen) for piece in stream]
        if not any(pieces):
            screen.say(str(stream.value), end="")
        screen.say()
    screen.note(f"{whole.calls} calls, {whole.usage.total or 0} tokens, {whole.cost}")


def _shown(piece: Any, screen: Screen) -> bool:
    if isinstance(piece, str):
        screen.say(piece, end="")
        return True
    return False


def render(context: typer.Context, target: Target, given: Input = "", json: Json = False) -> None:
    """Show the exact requests that a chain would send. Sends nothing."""
    screen: Screen = context.obj
    requests = find(target).render(read_input(given))
    if json:
        screen.json(requests)
        return
    for request in requests:
        screen.note(request.path)
        screen.say(f"{request.method} {request.url}")
        for name, value in request.headers.items():
            screen.say(f"{name}: {value}")
        screen.say("\n" + json_module.dumps(plain(request.body), ensure_ascii=False, indent=2) + "\n")


def find(target: str) -> Chain[Any, Any]:
    """The chain that "FILE.py:name" means. Runs the file. Raises CompositionError where there is none."""
    path, _, name = target.rpartition(":")
    if not path or not name:
        raise CompositionError(f"{target!r} names no chain", cure="write FILE.py:name, such as app.py:chain")
    if not Path(path).is_file():
        raise CompositionError(f"there is no file {path!r}")
    found = runpy.run_path(path, run_name="__chainkit__")
    chains = sorted(n for n, v in found.items() if isinstance(v, Chain))
    if name not in found or not isinstance(found[name], Chain):
        raise CompositionError(
            f"{path} has no chain named {name!r}", cure=did_you_mean(name, chains) or "it has no chain"
        )
    return found[name]


def read_input(given: str) -> Any:
    """The input of a chain from a word of the command line."""
    text = Path(given[1:]).read_text(encoding="utf-8") if given.startswith("@") else given
    try:
        return json_module.loads(text)
    except ValueError:
        return text
