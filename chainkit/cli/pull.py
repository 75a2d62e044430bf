"""`chainkit pull NAME`: fetch a model once, into this machine's cache or by a server that keeps its own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from chainkit.cli.screen import Json
from chainkit.errors import ChainkitError
from chainkit.models.registry import find, names

if TYPE_CHECKING:
    from chainkit.cli.screen import Screen


def pull(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="smollm2-135m, hf.co/owner/repo/file.gguf, ollama:llama3.2")],
    force: Annotated[bool, typer.Option("--force", help="Fetch it again.")] = False,
    json: Json = False,
) -> None:
    """Fetch a model for this machine into the cache, and check it; or have a server fetch it (ollama:NAME)."""
    screen: Screen = context.obj
    found = fetch(name, screen, force=force)
    if not isinstance(found, Path):
        told: dict[str, Any] = {"model": name}
        said = f"{name}: its server has it"
    else:
        told = {"model": name, "path": str(found), "bytes": found.stat().st_size}
        said = f"{name}: {found}"
    if json:
        screen.json(told)
    else:
        screen.say(said)


def fetch(name: str, screen: Screen, *, force: bool = False) -> Any:
    """Pull with a progress bar on stderr. Gives the file's path, or the name of what a server keeps."""
    puller, name = _puller(name)
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TimeRemainingColumn(),
        console=screen.err,
        transient=True,
    )
    with bar:
        task = bar.add_task(f"pulling {name}", total=None)

        def progress(done: int, total: int | None) -> None:
            bar.update(task, completed=done, total=total or None)

        return puller.pull(name, progress=progress, force=force)


def _puller(name: str) -> tuple[Any, str]:
    """Who fetches a model, and what it calls it. Raises ChainkitError for a provider that fetches none."""
    first, colon, rest = name.partition(":")
    if not colon or first not in names():
        return find("local"), name
    puller: Any = find(first)
    if not hasattr(puller, "pull"):
        raise ChainkitError(f"{first} keeps its own models: there is nothing to pull", cure=f"ask it: model({name!r})")
    return puller, rest
