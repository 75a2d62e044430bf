"""What memories keep through crashes, forks and other processes; and what they say when something is wrong."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from chainkit import Messages, Run, load, message, model
from chainkit.errors import AuthenticationError, ChainkitError, CompositionError, ConnectionFailed, MissingExtra
from chainkit.memory import FileMemory, SqliteMemory, chatting, last, memory, recall, summary
from chainkit.testing import ScriptedModel

pytestmark = pytest.mark.slow

SPECS = ["sqlite:{0}/chat.db", "file:{0}/chats"]
WRITE = """
import sys
from chainkit import message
from chainkit.memory import memory
held = memory(sys.argv[1])
for n in range(int(sys.argv[3])):
    held.add("ada", [message("user", f"{sys.argv[2]} {n} " + "x" * 500), message("assistant", "yes")])
    print(n, flush=True)
"""


def writing(spec: str, by: str, count: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITE, spec, by, str(count)], stdout=subprocess.PIPE, text=True, env={**os.environ}
    )


@pytest.mark.parametrize("spec", SPECS)
def test_two_processes_that_write_one_conversation_lose_nothing(spec: str, tmp_path: Path) -> None:
    spec = spec.format(tmp_path)
    memory(spec).close()
    processes = [writing(spec, by, 40) for by in "ab"]
    assert [p.communicate()[0].count("\n") for p in processes] == [40, 40]
    turns = memory(spec).turns("ada")
    assert len(turns) == 160
    assert all(t.role == ("user", "assistant")[i % 2] for i, t in enumerate(turns))
    for by in "ab":
        asked = [t.text.split()[:2] for t in turns if t.text.startswith(by)]
        assert asked == [[by, str(n)] for n in range(40)]


@pytest.mark.parametrize("spec", SPECS)
def test_what_was_acknowledged_survives_the_process_being_killed(spec: str, tmp_path: Path) -> None:
    spec = spec.format(tmp_path)
    process = writing(spec, "a", 100_000)
    told = [process.stdout.readline() for _ in range(30)]
    process.send_signal(signal.SIGKILL)
    told += process.stdout.read().splitlines()
    process.wait()
    process.stdout.close()
    held = memory(spec)
    turns = held.turns("ada")
    assert len(turns) // 2 >= len([line for line in told if line.strip()])
    assert len(turns) % 2 == 0
    held.add("ada", [message("user", "and on")])
    assert held.turns("ada")[-1].text == "and on"


def test_half_a_line_is_no_line_and_is_cut_off_by_the_next_writer(tmp_path: Path) -> None:
    held = FileMemory(tmp_path)
    held.add("ada", [message("user", "one")])
    (path,) = tmp_path.glob("*.jsonl")
    whole = path.read_bytes()
    line = whole.splitlines(keepends=True)[1]
    for cut in range(1, len(line)):
        path.write_bytes(whole + line[:cut])
        assert [m.text for m in held.turns("ada")] == ["one"]
        held.add("ada", [message("user", "two")])
        assert [m.text for m in held.turns("ada")] == ["one", "two"]
    path.write_bytes(whole[:10])
    assert held.turns("ada") == Messages()
    assert held.conversations() == []
    held.add("ada", [message("user", "three")])
    assert FileMemory(tmp_path).conversations() == ["ada"]


def test_a_damaged_line_is_told_with_its_file(tmp_path: Path) -> None:
    held = FileMemory(tmp_path)
    held.add("ada", [message("user", "one")])
    (path,) = tmp_path.glob("*.jsonl")
    path.write_bytes(path.read_bytes() + b'[{"role": "user"}]\n')
    with pytest.raises(ChainkitError, match="chat-ada.jsonl holds what is no turn"):
        held.turns("ada")


def test_files_are_readable_lines_of_json_for_the_owner_alone(tmp_path: Path) -> None:
    FileMemory(tmp_path).add("Ada/1", [message("user", "hi")])
    (path,) = tmp_path.iterdir()
    assert path.name == "chat-%41da%2f1.jsonl"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.read_text() == ('{"conversation": "Ada/1"}\n[{"role":"user","parts":[{"is":"text","text":"hi"}]}]\n')


@pytest.mark.parametrize(
    "make", [lambda p: SqliteMemory(p / "a.db"), lambda p: FileMemory(p / "a"), lambda p: SqliteMemory()]
)
def test_a_forked_process_goes_on_with_the_same_memory(make, tmp_path: Path) -> None:
    held = make(tmp_path)
    held.add("ada", [message("user", "before")])
    chat = chatting(ScriptedModel("a"), memory=held, conversation="ada")
    chat.invoke("warm")
    context = multiprocessing.get_context("fork")
    child = context.Process(target=lambda: chat.invoke("in the child"))
    child.start()
    child.join(20)
    assert child.exitcode == 0
    chat.invoke("after")
    there = [m.text for m in held.turns("ada") if m.role == "user"]
    assert there in (["before", "warm", "in the child", "after"], ["before", "warm", "after"])
    assert ("in the child" in there) == (held.where != "" and not held.where.startswith("memory"))


# Servers.


@pytest.mark.xdist_group("redis")
def test_conversations_in_redis_end_after_their_time(redis_url: str) -> None:
    held = memory(redis_url, prefix="short", seconds=60)
    held.add("ada", [message("user", "hi")])
    held.set_note("ada", "summary", "text")
    assert held.conversations() == ["ada"]
    assert [0 < held._redis.ttl(f"short:{what}:ada") <= 60 for what in ("turns", "notes")] == [True, True]
    # The server is told that the time is over.
    held._redis.expire("short:turns:ada", 0)
    assert (held.turns("ada"), held.conversations()) == (Messages(), [])


@pytest.mark.xdist_group("redis")
def test_a_client_of_ones_own_is_used_and_left_open(redis_url: str) -> None:
    from chainkit_providers.memory.redis import RedisMemory
    import redis

    client = redis.Redis.from_url(redis_url, decode_responses=True)
    held = RedisMemory(client=client, prefix="own")
    held.add("ada", [message("user", "hi")])
    held.close()
    assert client.ping()
    assert held.conversations() == ["ada"]
    client.close()


def test_a_server_that_does_not_answer_is_told_without_the_password() -> None:
    for url, extra in (("redis://:s3cret@127.0.0.1:1/0", "redis"), ("postgresql://u:s3cret@127.0.0.1:1/db", "psycopg")):
        pytest.importorskip(extra)
        with pytest.raises(ConnectionFailed) as told:
            memory(url)
        shown = "".join(map(str, (told.value, repr(told.value), told.value.__context__ and "")))
        assert "s3cret" not in shown
        assert told.value.__suppress_context__


def test_an_address_that_is_none_is_told() -> None:
    pytest.importorskip("redis")
    with pytest.raises(ChainkitError, match="no address of a Redis"):
        memory("redis:localhost")
    pytest.importorskip("psycopg")
    with pytest.raises(ChainkitError, match="no address of a Postgres") as told:
        memory("postgres:password=s3cret nonsense")
    assert "s3cret" not in str(told.value)


@pytest.mark.xdist_group("redis")
def test_a_wrong_password_is_told(redis_url: str) -> None:
    with pytest.raises(AuthenticationError) as told:
        memory(f"{redis_url}?username=ada&password=s3cret")
    assert "s3cret" not in str(told.value) + repr(told.value)


@pytest.mark.parametrize(("name", "package"), [("redis", "redis"), ("postgres", "psycopg")])
def test_a_missing_package_is_told_with_its_line(name: str, package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in [m for m in sys.modules if m.partition(".")[0] == package]:
        monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtra, match=rf"pip install 'chainkit\[{name}\]'"):
        memory(f"{name}:x")


@pytest.mark.xdist_group("postgres")
def test_a_lost_connection_to_postgres_is_opened_anew(postgres_url: str) -> None:
    held = memory(postgres_url, prefix="lost")
    held.add("ada", [message("user", "hi")])
    held._postgres._connection.execute("select 1")
    other = memory(postgres_url, prefix="lost")
    other._postgres._connection.execute(
        "select pg_terminate_backend(%s)", (held._postgres._connection.info.backend_pid,)
    )
    with pytest.raises(ConnectionFailed):
        held.turns("ada")
    assert len(held.turns("ada")) == 1
    held.close()
    other.close()
    with pytest.raises(ChainkitError, match="was closed"):
        held.turns("ada")


def test_a_chain_with_recall_comes_back_from_its_dump(tmp_path: Path) -> None:
    from chainkit.retrieval.stores import store

    held, old = SqliteMemory(tmp_path / "a.db"), store("sqlite")
    chat = chatting(model("openai:a"), memory=held, keep=[last(2), recall(2, embed="voyage:voyage-3.5", store=old)])
    data = chat.dump()
    assert data["chain"]["memory"] == {"name": f"sqlite:{tmp_path}/a.db"}
    again = load(data, names={f"sqlite:{tmp_path}/a.db": held, "sqlite": old})
    assert again == chat
    assert again.dump() == data


@pytest.mark.parametrize("spec", SPECS)
def test_a_chain_that_remembers_goes_to_another_process(spec: str, tmp_path: Path) -> None:
    chat = chatting(ScriptedModel("a"), memory=spec.format(tmp_path), conversation="ada", keep=last(4))
    chat.invoke("one")
    again = pickle.loads(pickle.dumps(chat))
    again.invoke("two")
    assert [m.text for m in chat.memory.turns("ada")] == ["one", "a", "two", "a"]
    with pytest.raises(CompositionError, match="cannot go to another process"):
        pickle.dumps(chatting(ScriptedModel(), memory="sqlite"))


@pytest.mark.local
def test_a_real_model_is_told_what_was_said_and_its_streamed_answer_is_kept(local_model: str, tmp_path: Path) -> None:
    talk = model(local_model, max_tokens=12, temperature=0, seed=1)
    chat = chatting(
        talk, memory=f"sqlite:{tmp_path}/chat.db", conversation="ada", keep=summary(talk, after=30, leave=0)
    )
    with Run() as run:
        for question in ("My dog is called Rex.", "What is my dog called?", "And how old is he?"):
            with chat.stream(question) as stream:
                shown = "".join(stream)
            assert chat.memory.turns("ada")[-1].text == shown
    asked = [row for row in run.rows if "summary" not in row.path]
    assert asked[1].usage.input > asked[0].usage.input
    assert len(run.rows) == 4
    assert '"text"' in chat.memory.note("ada", "summary")


def test_reading_a_long_conversation_is_quick(tmp_path: Path) -> None:
    turns = Messages(m for n in range(1000) for m in (message("user", f"question {n}"), message("assistant", "yes")))
    for held in (FileMemory(tmp_path), SqliteMemory()):
        held.add("ada", turns)
        began = time.process_time()
        assert len(held.turns("ada")) == 2000
        assert time.process_time() - began < 0.5
