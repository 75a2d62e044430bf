"""`python -m benchmarks [--quick] [--peers langchain,litellm]`: measure, and write the figures and a table.

Without peers: chainkit, the vendor's SDK and the raw client, all in this environment. Each peer is installed
into an environment of its own under benchmarks/.cache. A run of all peers writes results.json and results.md; any other
one writes them under .cache, so that the whole table stays as it was measured in one run.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks.measure import pinned
from benchmarks.report import table

HERE = Path(__file__).parent
ROOT = HERE.parent
CACHE = HERE / ".cache"
OURS = ("raw", "openai_sdk", "ours")
PEERS = ("langchain", "litellm", "pydantic_ai", "haystack", "llama_index", "dspy")
QUICK = ("call", "call over the SDK", "async call", "chain", "stream", "async stream", "compose", "items")
QUIET = {
    "LITELLM_LOCAL_MODEL_COST_MAP": "True", "HAYSTACK_TELEMETRY_ENABLED": "False", "LANGSMITH_TRACING": "false",
    "LANGCHAIN_TRACING_V2": "false", "DO_NOT_TRACK": "1", "OTEL_SDK_DISABLED": "true", "OPENAI_API_KEY": "sk-benchmark",
}  # fmt: skip


def environment(peer: str) -> str:
    """The Python that has a peer: this one for ours."""
    if peer in OURS:
        return sys.executable
    folder = CACHE / peer
    python = folder / "bin" / "python"
    if not (folder / "ready").exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        wanted = [*import_module(f"benchmarks.peers.{peer}").REQUIRES, "httpx==0.28.1", "pydantic"]
        subprocess.run([str(python), "-m", "pip", "install", "-q", *wanted], check=True)
        (folder / "ready").touch()
    return str(python)


def measured(peer: str, base: str, what: tuple[str, ...]) -> dict[str, Any]:
    """One peer's figures, from a process of its own."""
    python = environment(peer)
    command = [*pinned(1), python, "-m", "benchmarks.worker", peer, base, *what]
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, **QUIET}, capture_output=True, text=True, check=False)
    lines = done.stdout.strip().splitlines()
    found: dict[str, Any] = json.loads(lines[-1]) if done.returncode == 0 and lines else {"failed": done.stderr[-400:]}
    found["import"] = imported(python, import_module(f"benchmarks.peers.{peer}").IMPORT, base)
    return found


def part(name: str, prefix: list[str], *more: str) -> dict[str, Any]:
    """The figures of one of the other files, from a process of its own."""
    command = [*prefix, sys.executable, "-m", f"benchmarks.{name}", "--json", *more]
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, **QUIET}, capture_output=True, text=True, check=False)
    found: dict[str, Any] = json.loads(done.stdout) if done.returncode == 0 else {"failed": done.stderr[-400:]}
    return found


def imported(python: str, code: str, base: str, runs: int = 5) -> dict[str, Any]:
    """CPU milliseconds of a fresh process up to a constructed model, and what a bare one takes."""
    script = f"import time, sys; start = time.process_time(); BASE = {base!r}\n{code}\nprint(time.process_time() - start, len(sys.modules))"
    found: list[float] = []
    modules = 0
    for _ in range(runs):
        done = subprocess.run(
            [python, "-c", script], cwd=ROOT, env={**os.environ, **QUIET}, capture_output=True, text=True, check=False
        )
        if done.returncode:
            return {"failed": done.stderr[-200:]}
        seconds, count = done.stdout.split()[-2:]
        found.append(float(seconds) * 1000)
        modules = int(count)
    return {"cpu_ms": round(sorted(found)[len(found) // 2], 1), "modules": modules}


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument(
        "--quick", action="store_true", help="chainkit, the SDK and raw httpx only, without the long runs"
    )
    parser.add_argument("--peers", default=None, help=f"which peers, comma-separated: {','.join(PEERS)}, or 'all'")
    given = parser.parse_args()
    peers = PEERS if given.peers == "all" else tuple(p for p in (given.peers or "").split(",") if p)
    server = subprocess.Popen(
        [*pinned(0), sys.executable, "-m", "benchmarks.server"], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    try:
        assert server.stdout is not None
        base = f"http://127.0.0.1:{int(server.stdout.readline())}/v1"
        results = {peer: measured(peer, base, QUICK if given.quick else ()) for peer in (*OURS, *peers)}
    finally:
        server.terminate()
    bare = imported(sys.executable, "import chainkit", "", 7)
    about = {
        "when": time.strftime("%Y-%m-%d"),
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "load": os.getloadavg()[0],
    }
    whole = {"about": about, "import chainkit": bare, "results": results, "wires": part("wires", pinned(1))}
    if not given.quick:
        whole["ensembles"] = part("ensembles", [])
        whole["retrieval"] = part("retrieval", [], *(["--peers"] if peers else []))
    write(whole, HERE if set(peers) == set(PEERS) and not given.quick else CACHE)


def write(whole: dict[str, Any], folder: Path) -> None:
    """Both files, and the table on the terminal."""
    folder.mkdir(exist_ok=True)
    text = table(whole)
    (folder / "results.json").write_text(json.dumps(whole, indent=1) + "\n")
    (folder / "results.md").write_text(text)
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
