"""The chainkit command, driven as a user drives it."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("typer", reason="the command is the extra [cli]")
pytestmark = pytest.mark.slow

APP = """
from chainkit import prompt, step
from chainkit.testing import ScriptedModel

chain = prompt("Say {{ word }}", word=str) | ScriptedModel("hello there")
shout = chain.text | str.upper
asks = prompt("Say {{ word }}", word=str) | "openai:gpt-5-mini"

def under_way(text):
    print("under way", flush=True)
    return text


slow = step(under_way) | ScriptedModel("one two three", delay=60)
number = 3
"""


@pytest.fixture
def app(tmp_path: Path) -> Path:
    (tmp_path / "app.py").write_text(APP)
    return tmp_path


def run(
    *args: str, cwd: Path | None = None, given: str = "", env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    keep = {k: v for k, v in os.environ.items() if not k.endswith("_API_KEY")}
    return subprocess.run(
        [sys.executable, "-m", "chainkit", *args], cwd=cwd, input=given, capture_output=True, text=True, timeout=60, check=False,
        env={**keep, **(env or {})},
    )  # fmt: skip


def test_run_streams_the_text_and_says_what_it_took(app: Path) -> None:
    done = run("run", "app.py:chain", "--input", '{"word": "hi"}', cwd=app)
    assert (done.returncode, done.stdout) == (0, "hello there\n")
    assert "1 calls" in done.stderr


def test_run_gives_one_json_document(app: Path) -> None:
    done = run("run", "app.py:shout", "--input", '{"word": "hi"}', "--json", cwd=app)
    assert json.loads(done.stdout)["value"] == "HELLO THERE"


def test_render_sends_nothing_and_shows_the_request(app: Path) -> None:
    done = run("render", "app.py:asks", "--input", '{"word": "hi"}', "--json", cwd=app)
    (request,) = json.loads(done.stdout)
    assert request["url"].endswith("/chat/completions")
    assert request["body"]["messages"] == [{"role": "user", "content": "Say hi"}]


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("app.py:number", "no chain named 'number'"),
        ("app.py:chian", "did you mean 'chain'"),
        ("app.py", "names no chain"),
        ("no.py:x", "no file"),
    ],
)
def test_a_chain_that_is_not_there_is_said_with_the_cure(app: Path, target: str, said: str) -> None:
    done = run("run", target, cwd=app)
    assert done.returncode == 1
    assert said in done.stderr and "Traceback" not in done.stderr


def test_a_missing_key_names_the_variable(app: Path) -> None:
    done = run("run", "app.py:asks", "--input", '{"word": "hi"}', cwd=app)
    assert done.returncode == 1
    assert "OPENAI_API_KEY" in done.stderr


def test_a_misspelt_provider_gets_its_neighbour() -> None:
    done = run("chat", "openia:gpt-5")
    assert done.returncode == 1 and "did you mean 'openai'" in done.stderr


def test_wrong_usage_ends_with_2() -> None:
    assert run("chat").returncode == 2
    assert run("nothing").returncode == 2


def test_doctor_and_models_speak_json_and_send_nothing() -> None:
    doctor = json.loads(run("doctor", "--json", env={"OPENAI_API_KEY": "sk-very-secret-key"}).stdout)
    ready = {p["provider"]: p["ready"] for p in doctor["providers"]}
    assert ready["openai"] is True and ready["anthropic"] is False
    assert "very-secret" not in json.dumps(doctor)
    names = {p["provider"] for p in json.loads(run("models", "--json").stdout)["providers"]}
    assert {"openai", "anthropic", "cohere", "local", "groq", "ollama"} <= names
    assert json.loads(run("models", "openai:gpt-5-mini", "--json").stdout)["provider"] == "openai"


def test_doctor_ends_with_1_where_a_model_that_was_asked_does_not_answer() -> None:
    assert run("doctor", "--ask", "openai:gpt-5-mini").returncode == 1


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_ctrl_c_ends_with_130_and_no_traceback(app: Path) -> None:
    command = [sys.executable, "-m", "chainkit", "run", "app.py:slow", "-i", "x"]
    process = subprocess.Popen(command, cwd=app, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "under way\n"
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=20)
    assert process.returncode == 130, said
    assert said.strip().endswith("stopped")
    assert "Traceback" not in said


@pytest.mark.local
def test_chat_reads_lines_and_answers_each(local_model: str) -> None:
    done = run("chat", local_model, "--max-tokens", "6", "--temperature", "0", "--json", given="Hello\nWho are you?\n")
    assert done.returncode == 0, done.stderr
    assert [bool(t["assistant"]) for t in json.loads(done.stdout)["turns"]] == [True, True]


@pytest.mark.local
def test_ask_answers_from_documents_by_an_ensemble(local_model: str, tmp_path: Path) -> None:
    (tmp_path / "shop.md").write_text("# Lager\n\nDas Lager steht in der Industriestraße 7 in Mildstedt.")
    done = run(
        "ask",
        "Wo steht das Lager?",
        "--docs",
        str(tmp_path),
        "-m",
        local_model,
        "-m",
        local_model,
        "--max-tokens",
        "24",
        "--json",
    )
    said = json.loads(done.stdout)
    assert done.returncode == 0 and said["calls"] == 2 and len(said["ballots"]) == 2


def test_ask_searches_the_web_or_documents_and_not_both(tmp_path: Path) -> None:
    assert "both say where" in run("ask", "Who?", "--web", "wikipedia", "--docs", str(tmp_path)).stderr
    assert "no search engine 'googel'" in run("ask", "Who?", "--web", "googel", "-m", "openai:gpt-5-mini").stderr
    closed = run("ask", "Who?", "--web", "google", "-m", "openai:gpt-5-mini").stderr
    assert "2027" in closed and "serper" in closed


def test_a_model_is_pulled_by_a_server_that_keeps_its_own_and_listed_there() -> None:
    from chainkit.testing.faults import Seen, Told
    from chainkit.testing.server import FaultServer

    def ollama(seen: Seen) -> Told:
        told = {"status": "success"} if seen.path == "/api/pull" else {"models": [{"name": "tiny:1b", "size": 5}]}
        return Told(200, {"content-type": "application/json"}, (json.dumps(told).encode(),))

    with FaultServer(ollama) as server:
        env = {"OLLAMA_HOST": server.url}
        assert json.loads(run("pull", "ollama:tiny:1b", "--json", env=env).stdout) == {"model": "ollama:tiny:1b"}
        listed = json.loads(run("models", "ollama", "--json", env=env).stdout)["models"]
    assert server.requests[0].json == {"model": "tiny:1b", "stream": True}
    assert (listed[0]["name"], listed[0]["bytes"]) == ("tiny:1b", 5)


def test_what_cannot_be_pulled_or_listed_says_so() -> None:
    assert "keeps its own models" in run("pull", "openai:gpt-5").stderr
    assert "lists no models here" in run("models", "openai").stderr
