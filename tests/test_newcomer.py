"""What a newcomer gets wrong, and what an attacker tries: each has one message or behaviour, and it is this one."""

from __future__ import annotations

import asyncio
import copy
import json
import os
import pickle
import re
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
import traceback
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chainkit import Run, ensemble, model, parallel, prompt, step, vote
from chainkit.errors import (
    AuthenticationError, BadRequest, ChainkitError, CompositionError, ConnectionFailed, PromptError, ProviderError,
    UnknownModel,
)  # fmt: skip
from chainkit.run.io import door
from chainkit.testing import FaultServer, ScriptedModel, faults

KEY = "plain-words-as-a-key-0123456789"
BOOK = prompt("A {{ genre }} book", genre=str)
NAMES = {"openai": "openai:gpt-5", "anthropic": "anthropic:claude-sonnet-4-5", "cohere": "cohere:command-a-03-2025"}
VARIABLES = ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CO_API_KEY", "COHERE_API_KEY",
             "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")  # fmt: skip
CARRIERS = ("httpx", "sdk", "aiohttp")


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """No keys and no proxies but a test's own."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def echo() -> Iterator[FaultServer]:
    """Answers with what was asked."""
    with FaultServer(lambda seen: seen.json["messages"][-1]["content"]) as server:
        yield server


def at(server: FaultServer, **options: Any) -> Any:
    return model("openai:m", base_url=server.url_v1, api_key="none", **options)


def raised(kind: type[Exception], work: Any) -> Any:
    with pytest.raises(kind) as caught:
        work()
    return caught.value


# Keys.


@pytest.mark.parametrize(
    ("provider", "variables"),
    [("openai", "OPENAI_API_KEY"), ("anthropic", "ANTHROPIC_API_KEY or ANTHROPIC_AUTH_TOKEN"), ("cohere", "CO_API_KEY or COHERE_API_KEY")],
)  # fmt: skip
def test_without_a_key_the_variable_and_where_to_get_one_are_said_before_sending(provider: str, variables: str) -> None:
    chain = BOOK | model(NAMES[provider])
    for work in (chain.check, lambda: chain.invoke({"genre": "cook"})):
        said = str(raised(AuthenticationError, work))
        assert said.startswith(
            f"{provider}: there is no API key\n  at: model {NAMES[provider]}\n  try: set {variables}"
        )
        assert "(keys: https://" in said
    assert raised(AuthenticationError, lambda: chain.invoke({"genre": "cook"})).run.rows == ()


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_a_vendors_own_client_without_a_key_says_the_same_before_sending(provider: str) -> None:
    pytest.importorskip(provider)
    chain = model(NAMES[provider], carrier="sdk")
    error = raised(AuthenticationError, lambda: chain.invoke("hi"))
    assert f"{provider}: the {provider} client has no key" in str(error)
    assert f"set {provider.upper()}_API_KEY, or pass api_key=" in error.cure
    assert error.run.rows == ()


REFUSALS = {
    "openai": {"error": {"message": f"Incorrect API key provided: {KEY}. You can find your key at https://x.test.",
                         "type": "invalid_request_error", "param": None, "code": "invalid_api_key"}},
    "anthropic": {"type": "error", "error": {"type": "authentication_error", "message": f"invalid x-api-key {KEY}"}},
    "cohere": {"message": f"invalid api token {KEY}"},
}  # fmt: skip


def _places(error: Any, chain: Any, run: Run) -> dict[str, str]:
    """Everywhere that an error may be looked at."""
    found = {
        "str": str(error),
        "repr": repr(error),
        "fields": repr(error.__dict__),
        "pickle": repr(pickle.dumps(error)),
    }
    found["traceback"] = "".join(traceback.format_exception(error))
    found["ledger"] = repr(run.rows) + repr(run)
    return found | {
        "chain": repr(chain),
        "dump": repr(chain.dump()),
        "graph": str(chain.graph()),
        "request": repr(chain.render("hi")),
    }


@pytest.mark.parametrize("carrier", CARRIERS)
@pytest.mark.parametrize("provider", list(REFUSALS))
def test_a_wrong_key_that_the_vendor_echoes_is_shown_nowhere(provider: str, carrier: Any) -> None:
    pytest.importorskip(provider if carrier == "sdk" else "aiohttp")
    with FaultServer(faults.raw(json.dumps(REFUSALS[provider]), status=401)) as server:
        url = server.url_v1 if provider == "openai" else server.url
        chain = model(NAMES[provider], base_url=url, api_key=KEY, carrier=carrier)
        works = (lambda: chain.invoke("hi"), lambda: list(chain.stream("hi")), lambda: asyncio.run(chain.ainvoke("hi")))
        for work in works:
            with Run() as run:
                error = raised(AuthenticationError, work)
            assert [name for name, text in _places(error, chain, run).items() if KEY in text] == []
            assert str(error).startswith(f"{provider} answered 401: ")
            assert "***" in error.message
            assert "to a valid key, or pass api_key=" in error.cure
            assert len(run.rows) == 1, "a wrong key is not tried again"


def test_the_environments_key_is_not_in_a_pickled_chain_that_was_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    chain = BOOK | model("openai:gpt-5")
    chain.check()
    chain.render({"genre": "cook"})
    assert KEY.encode() not in pickle.dumps(chain)


@pytest.mark.parametrize("key", ["x", "none", "EMPTY"])
def test_a_placeholder_for_a_key_blots_out_no_letters(key: str) -> None:
    with FaultServer(faults.status(400, "the request exceeds the next maximum, nonetheless")) as server:
        error = raised(BadRequest, lambda: model("openai:m", base_url=server.url_v1, api_key=key).invoke("hi"))
    assert "the request exceeds the next maximum, nonetheless" in error.message


@pytest.mark.parametrize("key", [f"\u201c{KEY}\u201d", f"{KEY}\u200b", f"{KEY} ", f"{KEY}\r\nx-other: 1"])
@pytest.mark.parametrize("provider", ["openai", "anthropic"])
@pytest.mark.parametrize("carrier", CARRIERS)
def test_a_key_copied_with_what_is_no_part_of_it_is_refused_before_sending(
    provider: str, key: str, carrier: Any, echo: FaultServer
) -> None:
    pytest.importorskip(provider if carrier == "sdk" else "aiohttp")
    chain = model(f"{provider}:m", base_url=echo.url, api_key=key, carrier=carrier, max_tokens=5)
    if key == f"{KEY} ":
        assert chain.check() is None, "blanks around a key are taken off"
        return
    error = raised(AuthenticationError, lambda: chain.invoke("hi"))
    assert re.match(rf"{provider}: character \d+ of the API key is U\+\w{{4}}, which no key holds", error.message)
    assert error.cure == "copy the key again: quotes, blanks and line breaks are no part of it"
    assert KEY not in str(error)
    assert (echo.requests, error.run.rows) == ([], ())


def test_a_password_in_a_base_url_is_refused_where_the_model_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    error = raised(CompositionError, lambda: model("openai:m", base_url=f"http://ann:{KEY}@127.0.0.1/v1"))
    assert "base_url holds a user name or password" in error.message
    assert KEY not in str(error)
    monkeypatch.setenv("OPENAI_BASE_URL", f"http://ann:{KEY}@127.0.0.1/v1")
    assert KEY not in str(raised(CompositionError, model("openai:m").check))


# Names.


@pytest.mark.parametrize(
    "build",
    [lambda: model("openia:gpt-5"), lambda: BOOK | "openia:gpt-5", lambda: ensemble("openia:gpt-5", "groq:x", combine=vote()),
     lambda: model("groq:x").fallback("openia:gpt-5"), lambda: parallel(a="openia:gpt-5"), lambda: model("OpenIA:gpt-5")],
)  # fmt: skip
def test_a_misspelt_provider_is_refused_where_the_chain_is_built(build: Any) -> None:
    said = str(raised(UnknownModel, build))
    assert re.fullmatch(
        r"there is no provider '(openia|OpenIA)'\n  at: model \1:gpt-5\n  try: did you mean 'openai'\?", said
    )


def test_looking_for_a_provider_by_name_imports_none() -> None:
    code = "import sys; from chainkit import model; model('openai:x')\nprint([m for m in sys.modules if 'providers' in m or m == 'openai'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("build", [lambda: model("gpt-5"), lambda: BOOK | "gpt-5"])
def test_a_string_without_a_colon_is_told_the_form_and_who_has_that_model(build: Any) -> None:
    assert str(raised(CompositionError, build)) == (
        "'gpt-5' is no model: a model is written 'provider:name'\n"
        "  try: write 'openai:gpt-5'; for a text use prompt('gpt-5') or constant('gpt-5')"
    )


def test_a_string_that_nobody_has_is_told_where_the_providers_are_listed() -> None:
    said = str(raised(CompositionError, lambda: model("nonsense")))
    assert re.search(r"write 'provider:nonsense' with one of the \d+ providers of `chainkit models`", said)


@pytest.mark.parametrize(
    ("provider", "body"),
    [("openai", {"error": {"message": "The model `gpt-55` does not exist", "type": "invalid_request_error", "code": "model_not_found"}}),
     ("anthropic", {"type": "error", "error": {"type": "not_found_error", "message": "model: claude-99"}}),
     ("cohere", {"message": "model 'command-zz' not found, make sure the correct model ID was used"})],
)  # fmt: skip
def test_a_model_that_the_vendor_does_not_know_is_said_with_its_words_and_tried_once(provider: str, body: Any) -> None:
    with FaultServer(faults.raw(json.dumps(body), status=404)) as server:
        chain = model(f"{provider}:nope", base_url=server.url, api_key=KEY, max_tokens=5)
        error = raised(BadRequest, lambda: chain.invoke("hi"))
    assert len(server.requests) == 1
    assert str(error).startswith(f"{provider} answered 404: ")
    assert error.cure == f"check the name after '{provider}:', and whether your account may use that model"


# What is not installed, not there, or not whole.

BLOCKED = """
import sys
class Without:
    def __init__(self, finder): self.finder = finder
    def __getattr__(self, name): return getattr(self.finder, name)
    def find_spec(self, name, path=None, target=None):
        return None if name.partition(".")[0] == {package!r} else self.finder.find_spec(name, path, target)
sys.meta_path[:] = [Without(f) for f in sys.meta_path]
from chainkit import model
from chainkit.errors import MissingExtra
try:
    {code}
except MissingExtra as error:
    print(error)
"""


@pytest.mark.parametrize(
    ("package", "code", "cure"),
    [("openai", "model('openai:gpt-5', carrier='sdk', api_key='k').invoke('hi')", "pip install 'chainkit[openai]'"),
     ("anthropic", "model('anthropic:c', carrier='sdk', api_key='k').check()", "pip install 'chainkit[anthropic]'"),
     ("cohere", "model('cohere:c', carrier='sdk', api_key='k').invoke('hi')", "pip install 'chainkit[cohere]'"),
     ("aiohttp", "model('openai:x', carrier='aiohttp', api_key='k').invoke('hi')", "pip install 'chainkit[aiohttp]'"),
     ("xllamacpp", "model('local:smollm2-135m').invoke('hi')", "pip install 'chainkit[local]'"),
     ("typer", "from chainkit.cli import main; main()", "pip install 'chainkit[cli]'")],
)  # fmt: skip
def test_a_missing_extra_is_said_with_the_line_that_installs_it(package: str, code: str, cure: str) -> None:
    script = BLOCKED.format(package=package, code=code)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    said = done.stdout + done.stderr
    assert cure in said
    assert "Traceback" not in said


def test_a_model_that_was_not_pulled_is_found_by_check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("xllamacpp")
    monkeypatch.setenv("CHAINKIT_CACHE", str(tmp_path))
    error = raised(UnknownModel, (BOOK | model("local:smollm2-135m")).check)
    assert str(error) == (
        "local:smollm2-135m has not been pulled\n  at: model local:smollm2-135m\n"
        "  try: chainkit pull smollm2-135m (about 98 MB, once)"
    )


@pytest.mark.local
@pytest.mark.parametrize("length", [3, 10, 5_000, 2_000_000])
def test_a_model_file_cut_short_is_refused_before_it_is_loaded(length: int, local_model: str, tmp_path: Path) -> None:
    from chainkit_providers.local.catalog import find
    from chainkit_providers.local.files import place

    short = tmp_path / "short.gguf"
    with place(find(local_model)).open("rb") as whole:
        short.write_bytes(whole.read(length))
    error = raised(ProviderError, lambda: model(f"local:{short}").invoke("hi"))
    why = {3: "is not a GGUF model file", 2_000_000: "is cut short: it has 2,000,000 bytes of 98,362,432"}
    assert error.message.startswith(f"{short} {why.get(length, 'is cut short or damaged within its header')}")
    assert error.cure == "fetch it again, or copy it again from where it came"


@pytest.mark.parametrize("carrier", CARRIERS)
def test_a_server_that_is_not_started_is_said_so_in_every_mode(carrier: Any) -> None:
    pytest.importorskip("openai" if carrier == "sdk" else "aiohttp")
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    chain = model("openai:m", base_url=f"http://127.0.0.1:{port}/v1", api_key="k", carrier=carrier, attempts=1)
    for work in (
        lambda: chain.invoke("hi"),
        lambda: asyncio.run(chain.ainvoke("hi")),
        lambda: list(chain.stream("hi")),
    ):
        error = raised(ConnectionFailed, work)
        assert error.message == f"could not connect to 127.0.0.1:{port}: Connection refused"
        assert error.cure == "start the server on this machine, or check base_url: nothing listens there"


@pytest.mark.parametrize("carrier", CARRIERS)
def test_a_host_that_no_name_server_knows_is_said_so_in_every_mode(
    carrier: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("openai" if carrier == "sdk" else "aiohttp")

    def unknown(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    chain = model("openai:m", base_url="http://nowhere.invalid/v1", api_key="k", carrier=carrier, attempts=1)
    for work in (lambda: chain.invoke("hi"), lambda: asyncio.run(chain.ainvoke("hi"))):
        error = raised(ConnectionFailed, work)
        assert error.message == "could not connect to nowhere.invalid:80: Name or service not known"
        assert "check the network, base_url, and the proxy variables" in error.cure


# Prompts.


def test_a_variable_that_is_not_declared_is_shown_in_its_line() -> None:
    error = raised(PromptError, lambda: prompt("A {{ genre }} book by {{ autor }}", genre=str))
    assert str(error) == (
        "the template uses 'autor', which is not declared\n  in part 1 (user), line 1:\n"
        "    A {{ genre }} book by {{ autor }}\n                             ^^^^^\n"
        "  try: declare it: prompt(..., autor=str)"
    )
    assert raised(PromptError, lambda: prompt("A {{ genr }} book", genre=str)).cure == "did you mean 'genre'?"


@pytest.mark.parametrize(
    "text", ["x " * 1_000_000, "{{ 7*7 }}{% raw %}" * 110_000], ids=["plain", "looks like a template"]
)
def test_a_variable_of_two_megabytes_is_sent_as_it_is_and_soon(text: str, echo: FaultServer) -> None:
    begun = time.process_time()
    reply = (BOOK | at(echo)).invoke({"genre": text})
    assert reply.text == f"A {text} book"
    assert time.process_time() - begun < 2.0


# Where it is called from.


def test_a_function_that_raises_keeps_its_error_with_the_place_as_a_note(echo: FaultServer) -> None:
    def boom(text: str) -> str:
        raise KeyError(text)

    chain = parallel(a=at(echo), b=at(echo).text | step(boom)).named("answer")
    for work in (lambda: chain.invoke("hi"), lambda: asyncio.run(chain.ainvoke("hi"))):
        assert raised(KeyError, work).__notes__ == ["  at: answer > b > boom"]
    assert "  item: " in raised(KeyError, lambda: chain.batch(["x"])).__notes__[1]


def test_inside_a_running_loop_invoke_works_and_warns_once(echo: FaultServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "_warned", False)
    both = parallel(a=at(echo).text, b=at(echo).text)

    async def inside() -> list[Any]:
        return [at(echo).invoke("one").text, both.invoke("two")]

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert asyncio.run(inside()) == ["one", {"a": "two", "b": "two"}]
    told = [w for w in caught if "inside a running event loop" in str(w.message)]
    assert len(told) == 1
    assert "await chain.ainvoke(...)" in str(told[0].message)
    assert told[0].filename == __file__


def test_on_chainkits_own_loop_a_blocking_call_raises_at_once_with_the_cure(echo: FaultServer) -> None:
    async def wrong(text: str) -> str:
        return at(echo).invoke(text).text

    async def right(text: str) -> str:
        return (await at(echo).ainvoke(text)).text

    error = raised(ChainkitError, lambda: step(wrong).invoke("hi"))
    assert "a blocking call was made on chainkit's own event loop" in error.message
    assert "await chain.ainvoke(...)" in error.cure
    assert echo.requests == []
    assert step(right).invoke("hi") == "hi"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_after_a_fork_parent_and_child_each_get_their_own_answers(echo: FaultServer) -> None:
    both = parallel(a=at(echo).text, b=at(echo).text)
    assert both.invoke("warm") == {"a": "warm", "b": "warm"}
    inlet, outlet = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            said: Any = [at(echo).invoke("c1").text, both.invoke("c2"), asyncio.run(both.ainvoke("c3"))]
        except BaseException as error:
            said = repr(error)
        os.write(outlet, json.dumps(said).encode())
        os._exit(0)
    os.close(outlet)
    mine = [[at(echo).invoke(f"p{i}").text, both.invoke(f"q{i}")] for i in range(5)]
    with os.fdopen(inlet) as pipe:
        theirs = json.loads(pipe.read())
    os.waitpid(child, 0)
    assert mine == [[f"p{i}", {"a": f"q{i}", "b": f"q{i}"}] for i in range(5)]
    assert theirs == ["c1", {"a": "c2", "b": "c2"}, {"a": "c3", "b": "c3"}]


def test_fifty_threads_on_one_chain_each_get_their_own_answers(echo: FaultServer) -> None:
    chain = prompt("{{ q }}", q=str) | at(echo).text
    found: dict[int, list[str]] = {}

    def ask(i: int) -> None:
        found[i] = [*(chain.invoke({"q": f"{i}-{k}"}) for k in range(4)), "".join(chain.stream({"q": f"{i}-s"}))]

    threads = [threading.Thread(target=ask, args=(i,)) for i in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {i: [*(f"{i}-{k}" for k in range(4)), f"{i}-s"] for i in range(50)}


def test_chains_can_be_copied_and_pickled_and_still_answer(echo: FaultServer) -> None:
    chain = BOOK | at(echo).limit(2).retry(2).timeout(30).named("asked")
    chain.invoke({"genre": "warm"})
    for again in (copy.copy(chain), copy.deepcopy(chain), pickle.loads(pickle.dumps(chain))):
        assert again.invoke({"genre": "cook"}).text == "A cook book"
    assert pickle.loads(pickle.dumps(ScriptedModel("yes"))).invoke("hi").text == "yes"
    with pytest.raises(ChainkitError, match="a Run cannot be copied to another process"):
        pickle.dumps(Run())


def test_a_large_batch_keeps_its_errors_in_their_places() -> None:
    def odd(x: int) -> int:
        if x % 2:
            raise ValueError(x)
        return x

    kept = step(odd).batch(range(5_000), errors="keep")
    assert [r if isinstance(r, int) else r.args[0] for r in kept] == list(range(5_000))
    with FaultServer(faults.status(400, "no")) as server:
        refused: Any = at(server).batch(["x"] * 200, errors="keep")
    assert [error.index for error in refused] == list(range(200))


# Ctrl-C.

INTERRUPTED = {
    "stream": "for piece in m.stream('hi'): print(piece, flush=True)",
    "events of members side by side": "for event in parallel(a=m, b=m).events('hi'): print(event, flush=True)",
    "batch": "print('begun', flush=True); m.batch(['hi'] * 5)",
    "async stream": "async def main():\n    async for piece in m.astream('hi'): print(piece, flush=True)\nasyncio.run(main())",
}


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT for another process")
@pytest.mark.parametrize("mode", list(INTERRUPTED))
def test_ctrl_c_ends_at_once_with_nothing_but_a_keyboard_interrupt(mode: str) -> None:
    with FaultServer(faults.stall(faults.answer("one two three four five six"), after=700)) as server:
        head = f"import asyncio\nfrom chainkit import model, parallel\nm = model('openai:m', base_url={server.url_v1!r}, api_key='k')\n"
        process = subprocess.Popen(
            [sys.executable, "-c", head + textwrap.dedent(INTERRUPTED[mode])], stdout=-1, stderr=-1, text=True
        )
        assert process.stdout is not None
        assert process.stdout.readline()
        assert server.wait_busy(1, 10)
        begun = time.monotonic()
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=10)
        assert time.monotonic() - begun < 5
        assert server.wait_closed(5)
    assert process.returncode == -signal.SIGINT
    assert said.rstrip().endswith("KeyboardInterrupt")
    # asyncio's own runner turns the cancelled task into the second one.
    assert said.count("Traceback") == (2 if mode == "async stream" else 1)
    assert "ignored" not in said
