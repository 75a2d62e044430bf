"""The face, as type checkers see it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

HERE = Path(__file__).parent
FAIL = HERE / "must_fail.py"
LINES = list(enumerate(FAIL.read_text().splitlines(), 1))
BOTH = {n for n, line in LINES if line.endswith("# error")}
PYRIGHT = {n for n, line in LINES if line.endswith("# error (pyright)")}

pytestmark = pytest.mark.slow


def tool(name: str) -> str:
    found = shutil.which(name, path=str(Path(sys.executable).parent)) or shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed: it comes with the dev extra, and CI has it")
    return found


def pyright(file: Path) -> set[int]:
    config = {"typeCheckingMode": "strict", "include": ["."], "pythonVersion": "3.11", "reportUnusedExpression": False,
              "reportUnusedVariable": False}  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "pyrightconfig.json").write_text(json.dumps(config))
        shutil.copy(file, folder)
        command = [tool("pyright"), "--outputjson", "--pythonpath", sys.executable, "-p", folder]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = json.loads(done.stdout)["generalDiagnostics"]

    return {
        d["range"]["start"]["line"] + 1 for d in found if d["severity"] == "error" and d["file"].endswith(file.name)
    }


def mypy(file: Path) -> set[int]:
    with tempfile.TemporaryDirectory() as folder:
        command = [
            tool("mypy"),
            "--strict",
            "--no-error-summary",
            "--cache-dir",
            folder,
            "--python-executable",
            sys.executable,
        ]
        done = subprocess.run([*command, str(file)], cwd=file.parent, capture_output=True, text=True, check=False)
    assert "INTERNAL ERROR" not in done.stderr, done.stderr
    lines = [line.split(":") for line in done.stdout.splitlines() if file.name in line and ": error:" in line]
    return {int(parts[1]) for parts in lines}


@pytest.mark.parametrize("checker", [pyright, mypy])
def test_what_must_type_check_does(checker: Callable[[Path], set[int]]) -> None:
    assert checker(HERE / "must_pass.py") == set()


@pytest.mark.parametrize("checker", [pyright, mypy])
def test_what_must_not_type_check_does_not(checker: Callable[[Path], set[int]]) -> None:
    assert checker(FAIL) == (BOTH | PYRIGHT if checker is pyright else BOTH)
