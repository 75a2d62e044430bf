"""The chainkit command.

Exit codes: 0 done, 1 a ChainkitError (its message, place and cure on stderr), 2 wrong usage, 130 Ctrl-C.
"""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line. Says what to install where typer or rich is missing."""
    try:
        from chainkit.cli.app import run

        run()
    except ImportError as error:
        if error.name not in ("typer", "rich"):
            raise
        sys.stderr.write("chainkit: the command needs typer and rich\n  try: pip install 'chainkit[cli]'\n")
        raise SystemExit(1) from None
    except KeyboardInterrupt:
        sys.stderr.write("\nstopped\n")
        raise SystemExit(130) from None
