"""The real model, called without anything around it. Few tokens, one thread."""

from __future__ import annotations

import gc
import json
import os
import stat
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from local_models import gguf

from chainkit.errors import BadRequest, ChainkitError, ConnectionFailed, ContextTooLong, MissingExtra, ProviderError
from chainkit_providers.local import Engine, Settings, Ticket
from chainkit_providers.local.engines import engine_for

pytestmark = pytest.mark.local

Body = dict[str, Any]


def asked(text: str, **more: Any) -> Body:
    return {"messages": [{"role": "user", "content": text}], "temperature": 0, "max_tokens": 8, **more}


def events(engine: Engine, body: Body, ticket: Ticket | None = None) -> list[Body]:
    got: list[bytes] = []
    engine.generate(body, got.append, ticket)
    return [json.loads(g) for g in got]


def said(found: list[Body], index: int = 0) -> str:
    choices = [c for e in found for c in e["choices"] if c["index"] == index]
    return "".join(c["delta"].get("content") or "" for c in choices)


def text(engine: Engine, question: str, **more: Any) -> str:
    return said(events(engine, asked(question, **more)))


def test_an_answer_comes_in_pieces_and_ends_with_its_usage(engine: Engine) -> None:
    found = events(engine, asked("What is the capital of Germany?", max_tokens=20))
    assert said(found) == "The capital of Germany is Berlin."
    assert len(found) > 6
    assert found[-2]["choices"][0]["finish_reason"] == "stop"
    usage = found[-1]["usage"]
    assert usage["prompt_tokens"] == engine.count_tokens(asked("What is the capital of Germany?"))
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]


def test_one_file_has_one_engine(engine: Engine, real_model: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.gguf"
    link.symlink_to(real_model)
    assert engine_for(link) is engine_for(real_model) is engine


def test_temperature_zero_and_a_seed_give_the_same_again(engine: Engine) -> None:
    assert text(engine, "Write a haiku") == text(engine, "Write a haiku")
    drawn = {text(engine, "Write a haiku", temperature=1.2, seed=42) for _ in range(3)}
    assert len(drawn) == 1
    assert text(engine, "Write a haiku", temperature=1.2, seed=43) not in drawn


@pytest.mark.parametrize("option", [{"top_k": 1}, {"top_p": 0.0001}, {"min_p": 1.0}])
def test_sampling_options_are_honoured(engine: Engine, option: Body) -> None:
    assert text(engine, "Write a haiku", temperature=1.5, seed=1, **option) == text(engine, "Write a haiku")


def test_stop_penalties_and_bias_are_honoured(engine: Engine) -> None:
    plain = text(engine, "Write a haiku", max_tokens=14)
    second = plain.split()[1]
    assert text(engine, "Write a haiku", max_tokens=14, stop=[second]) == plain[: plain.index(second)]
    assert text(engine, "Write a haiku", max_tokens=14, repeat_penalty=2.0) != plain
    assert text(engine, "Write a haiku", max_tokens=14, frequency_penalty=2.0) != plain
    (first, *_) = engine.tokenize(plain)
    assert not text(engine, "Write a haiku", max_tokens=14, logit_bias={str(first): -100}).startswith(plain.split()[0])


def test_logprobs_name_the_likeliest_tokens(engine: Engine) -> None:
    found = events(engine, asked("What is 1+1?", logprobs=True, top_logprobs=2, max_tokens=2))
    first = next(c["logprobs"]["content"][0] for e in found for c in e["choices"] if c.get("logprobs"))
    assert first["logprob"] <= 0
    assert len(first["top_logprobs"]) == 2


def test_several_answers_are_told_apart_and_counted_together(engine: Engine) -> None:
    found = events(engine, asked("Hi", n=2, temperature=1.3, seed=5, max_tokens=6, ignore_eos=True))
    assert said(found, 0) != said(found, 1)
    assert [e["usage"]["completion_tokens"] for e in found if "usage" in e] == [12]


def test_a_grammar_holds_the_answer_to_its_form(engine: Engine) -> None:
    assert text(engine, "Is 7 prime?", grammar='root ::= "yes" | "no"') in ("yes", "no")


@pytest.mark.parametrize("wrong", [{"temperature": "hot"}, {"grammar": "root ::= ("}])
def test_what_llama_cpp_refuses_is_a_bad_request(engine: Engine, wrong: Body) -> None:
    with pytest.raises(BadRequest, match=r"SmolLM2-135M-Instruct\.Q4_1\.gguf"):
        events(engine, asked("Hi") | wrong)


def test_a_prompt_that_does_not_fit_is_refused_with_both_numbers(engine: Engine) -> None:
    with pytest.raises(ContextTooLong, match="has 5031 tokens, and .* room for 4096") as caught:
        events(engine, asked("word " * 5000))
    assert "CHAINKIT_LOCAL_CONTEXT=8192" in str(caught.value)


def test_more_answers_than_places_are_refused(engine: Engine) -> None:
    with pytest.raises(BadRequest, match="n=3 answers at once") as caught:
        events(engine, asked("Hi", n=3))
    assert "CHAINKIT_LOCAL_PARALLEL" in str(caught.value)


def test_tokens_are_counted_as_the_model_reads_them(engine: Engine) -> None:
    assert engine.tokenize("Hello world") == [19556, 905]
    short, long = (engine.count_tokens(asked(t)) for t in ("Hi", "Hi " * 50))
    assert 20 < short < long < short + 120


class Answering:
    """An answer under way in a thread."""

    def __init__(self, engine: Engine, body: Body) -> None:
        self.ticket, self.began, self.error = Ticket(), threading.Event(), None
        self.pieces = 0

        def put(_: bytes) -> None:
            self.pieces += 1
            self.began.set()

        def run() -> None:
            try:
                engine.generate(body, put, self.ticket)
            except ChainkitError as error:
                self.error = error

        self.thread = threading.Thread(target=run)
        self.thread.start()

    def cancel(self) -> float:
        """Seconds until it has ended."""
        start = time.monotonic()
        self.ticket.cancel()
        self.thread.join(30)
        assert not self.thread.is_alive()
        return time.monotonic() - start


ENDLESS: Body = asked("Tell a very long story", max_tokens=4000, ignore_eos=True)


def test_an_answer_is_broken_off_within_a_second(engine: Engine) -> None:
    answer = Answering(engine, ENDLESS)
    assert answer.began.wait(30)
    assert answer.cancel() < 1
    assert answer.pieces < 3000


def test_reading_a_long_prompt_is_broken_off_within_a_second_or_so(engine: Engine) -> None:
    taken = engine._places._free
    answer = Answering(engine, asked("The river runs through the old town. " * 400))
    while engine._places._free == taken:
        threading.Event().wait(0.005)
    assert answer.cancel() < 2
    assert answer.pieces <= 1


def test_who_waits_in_the_queue_is_served_in_turn_and_may_leave(engine: Engine) -> None:
    busy = [Answering(engine, ENDLESS) for _ in range(engine.settings.parallel)]
    for answer in busy:
        assert answer.began.wait(30)
    leaving, staying = Answering(engine, asked("Hi")), Answering(engine, asked("Hi", max_tokens=2))
    assert leaving.cancel() < 0.5
    assert leaving.pieces == staying.pieces == 0
    for answer in busy:
        answer.cancel()
    assert staying.began.wait(30)
    staying.thread.join(30)


def test_answers_side_by_side_are_those_that_come_alone(engine: Engine) -> None:
    questions = ["Write a haiku", "Name three fruits", "What is 1+1?", "Say hi"]
    alone = [text(engine, q) for q in questions]
    found: dict[str, str] = {}
    threads = [threading.Thread(target=lambda q=q: found.update({q: text(engine, q)})) for q in questions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert [found[q] for q in questions] == alone


def test_the_listener_is_out_of_others_reach_and_wants_a_key(engine: Engine) -> None:
    engine.load()
    listener = engine._listener
    assert listener is not None
    if listener.folder is None:
        pytest.skip("no Unix sockets here")
    assert stat.S_IMODE(os.stat(listener.folder).st_mode) == 0o700
    with httpx.Client(transport=httpx.HTTPTransport(uds=listener.host), base_url="http://localhost") as client:
        assert client.post("/v1/chat/completions", json=asked("Hi")).status_code == 401
        assert client.post("/tokenize", json={"content": "Hi"}).status_code == 401
        keyed = {"Authorization": f"Bearer {listener.key}"}
        assert client.get("/slots", headers=keyed).status_code == 501


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_no_tcp_port_is_opened() -> None:
    def listening() -> set[str]:
        lines = [
            line.split() for name in ("tcp", "tcp6") for line in Path(f"/proc/net/{name}").read_text().splitlines()
        ]
        return {fields[1] for fields in lines if fields[3] == "0A"}

    from chainkit_providers.local.catalog import find
    from chainkit_providers.local.files import place

    path = place(find("smollm2-135m"))
    if not path.is_file():
        pytest.skip("no model")
    before = listening()
    with Engine(path, context=128, parallel=1) as own:
        own.load()
        inodes = {os.readlink(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd") if _is_link(fd)}
        new = listening() - before
        held = {f"socket:[{line.split()[9]}]" for name in ("tcp", "tcp6")
                for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:] if line.split()[1] in new}  # fmt: skip
        assert not held & inodes


def _is_link(fd: str) -> bool:
    return Path(f"/proc/self/fd/{fd}").is_symlink()


def resident() -> int:
    """Megabytes of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") >> 20


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_close_frees_the_memory_and_the_next_call_loads_again(real_model: Path) -> None:
    with Engine(real_model, context=1024) as own:
        first = text(own, "Say hi")
        assert own.loaded
        folder, full = own._listener.folder, resident()  # pyright: ignore[reportOptionalMemberAccess]
        own.close()
        gc.collect()
        assert not own.loaded
        assert full - resident() > 80
        assert folder is None or not Path(folder).exists()
        assert text(own, "Say hi") == first


def test_closing_ends_an_answer_with_an_error(real_model: Path) -> None:
    own = Engine(real_model, context=4096, parallel=1)
    answer = Answering(own, ENDLESS)
    assert answer.began.wait(30)
    own.close()
    answer.thread.join(30)
    assert isinstance(answer.error, ConnectionFailed)
    assert "was closed while it answered" in str(answer.error)


def test_an_engine_may_be_chosen_more_threads_and_less_context(real_model: Path) -> None:
    own = Engine(real_model, context=64, parallel=1)
    assert (own.settings.threads, own.settings.context) == (1, 64)
    with own, pytest.raises(ContextTooLong, match="room for (64|256)"):
        events(own, asked("word " * 300))


def test_the_environment_changes_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHAINKIT_LOCAL_THREADS", "3")
    monkeypatch.setenv("CHAINKIT_LOCAL_CONTEXT", "2048")
    assert Settings.from_environment() == Settings(threads=3, context=2048)
    monkeypatch.setenv("CHAINKIT_LOCAL_THREADS", "many")
    with pytest.raises(ChainkitError, match="no whole number"):
        Settings.from_environment()


def test_a_file_that_llama_cpp_cannot_load_is_named(tmp_path: Path) -> None:
    path = tmp_path / "odd.gguf"
    path.write_bytes(gguf())
    with pytest.raises(ProviderError, match=r"odd\.gguf could not be loaded \(tiny, ") as caught:
        Engine(path).load()
    assert caught.value.transient is False
    assert not [p for p in Path(os.environ.get("TMPDIR", "/tmp")).glob("chainkit-*") if not any(p.iterdir())]


def test_without_xllamacpp_the_error_names_the_extra(real_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "xllamacpp", None)
    with pytest.raises(MissingExtra, match="local models need xllamacpp") as caught:
        Engine(real_model).load()
    assert "pip install 'chainkit[local]'" in str(caught.value)


def run(code: str, path: Path) -> subprocess.CompletedProcess[str]:
    """A Python of its own."""
    head = "import os, sys\nfrom chainkit_providers.local import Engine\nfrom chainkit_providers.local.engines import engine_for\n"
    body = head + "BODY = {'messages': [{'role': 'user', 'content': 'Say hi'}], 'temperature': 0, 'max_tokens': 3}\n"
    code = body + textwrap.dedent(code)
    return subprocess.run(
        [sys.executable, "-c", code, str(path)], timeout=60, capture_output=True, text=True, check=False
    )


FORK = pytest.mark.skipif(not hasattr(os, "fork") or sys.platform == "darwin", reason="fork with threads")


@FORK
def test_a_forked_child_loads_its_own_model_and_ends(real_model: Path) -> None:
    done = run(
        """
        from pathlib import Path
        def answer():
            got = []
            engine_for(Path(sys.argv[1])).generate(BODY, got.append)
            return len(got)
        assert answer()
        child = os.fork()
        if child == 0:
            print("child", answer(), flush=True)
            sys.exit(7)
        print("status", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), answer())
        """,
        real_model,
    )
    assert done.stderr == ""
    child, parent = done.stdout.splitlines()
    assert child.startswith("child ")
    assert parent.startswith("status 7 ")


@FORK
def test_an_engine_from_before_the_fork_says_to_load_it_after(real_model: Path) -> None:
    done = run(
        """
        engine = Engine(sys.argv[1], context=256)
        engine.load()
        if os.fork() == 0:
            try:
                engine.generate(BODY, print)
            except Exception as error:
                print(type(error).__name__, error, flush=True)
            sys.exit(0)
        os.wait()
        """,
        real_model,
    )
    assert "ProviderError SmolLM2-135M-Instruct.Q4_1.gguf was given to this process by a fork" in done.stdout
    assert "load it after the fork" in done.stdout
    assert done.returncode == 0


def test_a_process_that_ends_in_the_middle_of_an_answer_ends(real_model: Path) -> None:
    done = run(
        """
        import threading
        began = threading.Event()
        engine = Engine(sys.argv[1], context=1024)
        BODY.update(max_tokens=1000, ignore_eos=True)
        threading.Thread(target=engine.generate, args=(BODY, lambda _: began.set()), daemon=True).start()
        began.wait()
        print("leaving")
        """,
        real_model,
    )
    assert (done.returncode, done.stdout) == (0, "leaving\n")


def test_loading_and_answering_say_nothing_on_stderr(real_model: Path) -> None:
    done = run("Engine(sys.argv[1], context=256).generate(BODY, lambda _: None)", real_model)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_an_engine_that_nobody_closes_leaves_no_socket(real_model: Path, tmp_path: Path) -> None:
    code = """
        import tempfile
        tempfile.tempdir = {folder!r}
        Engine(sys.argv[1], context=256).generate(BODY, lambda _: None)
        assert not os.listdir({folder!r})
        kept = Engine(sys.argv[1], context=256)
        kept.generate(BODY, lambda _: None)
        assert os.listdir({folder!r})
    """
    done = run(textwrap.dedent(code).format(folder=str(tmp_path)), real_model)
    assert (done.returncode, done.stderr) == (0, "")
    assert not list(tmp_path.iterdir())
