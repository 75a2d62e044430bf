"""The commands, put together, and what happens to an error on its way out."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from chainkit.cli import ask, chat, demo, doctor, models, pull, run_chain
from chainkit.cli.screen import Screen, fail
from chainkit.errors import ChainkitError

app = typer.Typer(
    name="chainkit",
    help="Compose language-model pipelines.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback()
def common(
    context: typer.Context,
    debug: Annotated[bool, typer.Option("--debug", help="Show the whole traceback of an error.")] = False,
) -> None:
    """Compose language-model pipelines."""
    context.obj = Screen(debug=debug)


app.command("chat")(chat.chat)
app.command("ask")(ask.ask)
app.command("run")(run_chain.run)
app.command("render")(run_chain.render)
app.command("pull")(pull.pull)
app.command("models")(models.models)
app.command("doctor")(doctor.doctor)
app.command("demo")(demo.demo)


STOPPED = 130
"""The exit code of a Ctrl-C."""


def _wrong_usage(error: Exception) -> None:
    """End with 2 where it is the command line that was wrong: typer's own errors show themselves."""
    show: Any = getattr(error, "show", None)
    if show is not None:
        show()
        raise SystemExit(getattr(error, "exit_code", 2)) from None


def run() -> None:
    """Run the command line, and end with its exit code."""
    try:
        # Unasked to end the process, typer gives the exit code of an `Exit` back, and of a Ctrl-C.
        code = app(standalone_mode=False)
    except (KeyboardInterrupt, typer.Abort):
        sys.stderr.write("\nstopped\n")
        raise SystemExit(STOPPED) from None
    except ChainkitError as error:
        if "--debug" in sys.argv:
            raise
        fail(error)
        raise SystemExit(1) from None
    except Exception as error:
        _wrong_usage(error)
        if "--debug" in sys.argv:
            raise
        fail(error)
        raise SystemExit(1) from None
    if code == STOPPED:
        sys.stderr.write("\nstopped\n")
    if isinstance(code, int) and code:
        raise SystemExit(code)
