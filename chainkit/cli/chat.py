"""`chainkit chat MODEL`: a conversation in the terminal."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chainkit.cli.screen import Json
from chainkit.messages import Message, Messages, message

if TYPE_CHECKING:
    from chainkit.cli.screen import Screen


def chat(
    context: typer.Context,
    model: Annotated[str, typer.Argument(help="provider:name, such as local:smollm2-135m")],
    system: Annotated[str | None, typer.Option(help="What the model is told before the conversation.")] = None,
    max_tokens: Annotated[int | None, typer.Option(help="The longest answer, in tokens.")] = None,
    temperature: Annotated[float | None, typer.Option(help="0 for the likeliest words.")] = None,
    base_url: Annotated[str | None, typer.Option(help="Another address of the same interface.")] = None,
    json: Json = False,
) -> None:
    """Talk with a model. Reads lines from the terminal (or stdin) until Ctrl-D."""
    from chainkit.models.chat import model as make

    screen: Screen = context.obj
    options: dict[str, Any] = {"max_tokens": max_tokens, "temperature": temperature, "base_url": base_url}
    chain = make(model, **{k: v for k, v in options.items() if v is not None})
    chain.check()
    turns: list[Message] = [message("system", system)] if system else []
    if sys.stdin.isatty():
        screen.note(f"{model}; Ctrl-D ends, Ctrl-C stops an answer")
    said: list[dict[str, str]] = []
    while (line := _line()) is not None:
        if not line.strip():
            continue
        turns.append(message("user", line))
        text = _answer(chain, Messages(turns), screen, quiet=json)
        turns.append(message("assistant", text))
        said.append({"user": line, "assistant": text})
    if json:
        screen.json({"model": model, "turns": said})


def _line() -> str | None:
    try:
        return input("> " if sys.stdin.isatty() else "")
    except EOFError:
        return None


def _answer(chain: Any, turns: Messages, screen: Screen, *, quiet: bool) -> str:
    """One answer, shown as it grows; Ctrl-C in a terminal stops it and keeps what was said."""
    pieces: list[str] = []
    with chain.stream(turns) as stream:
        try:
            for piece in stream:
                pieces.append(piece)
                if not quiet:
                    screen.say(piece, end="")
        except KeyboardInterrupt:
            if not sys.stdin.isatty():
                raise
            screen.say(" …", end="")
    if not quiet:
        screen.say()
    return "".join(pieces)
