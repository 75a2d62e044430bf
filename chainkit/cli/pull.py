"""`chainkit pull NAME`: fetch a local model once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from chainkit.cli.screen import Json
from chainkit.models.registry import find

if TYPE_CHECKING:
    from pathlib import Path

    from chainkit.cli.screen import Screen


def pull(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="smollm2-135m, hf.co/owner/repo/file.gguf")],
    force: Annotated[bool, typer.Option("--force", help="Fetch it again.")] = False,
    json: Json = False,
) -> None:
    """Fetch a model for this machine into the cache, and check it."""
    screen: Screen = context.obj
    path = fetch(name.removeprefix("local:"), screen, force=force)
    if json:
        screen.json({"model": name, "path": str(path), "bytes": path.stat().st_size})
    else:
        screen.say(f"{name}: {path}")


def fetch(name: str, screen: Screen, *, force: bool = False) -> Path:
    """Pull with a progress bar on stderr."""
    local: Any = find("local")
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

        return local.pull(name, progress=progress, force=force)
