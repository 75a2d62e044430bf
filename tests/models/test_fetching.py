"""What a URL in a message leads to, fetched where the vendor does not open it: guarded, bounded, in the ledger."""

from __future__ import annotations

import asyncio
import gzip
import sys
import threading
from base64 import b64encode
from pathlib import Path
from typing import Any, Literal

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from chainkit import Run, media, model, prompt, transcriber, user
from chainkit.errors import BadRequest, ConnectionFailed, DeadlineExceeded, EgressBlocked, OutputError
from chainkit.messages import Media
from chainkit.models import fetching
from chainkit.testing import ScriptedTranscriber
from chainkit.testing.scripted_tasks import picture, sound
from task_server import Asked, TaskServer, Told, told

PNG, WAV = picture("a"), sound("a")


def site(asked: Asked) -> Told:
    """A vendor's interface by POST, a web site by GET."""
    if asked.method == "POST":
        text = {"role": "assistant", "content": "seen"}
        return told({"text": "heard", "choices": [{"message": text, "finish_reason": "stop"}]})
    path = asked.path.partition("?")[0]
    if path.startswith("/to/"):
        return Told(status=302, headers=(("location", path[3:]),))
    if path == "/away":
        return Told(status=307, headers=(("location", "http://169.254.169.254/latest/meta-data"),))
    if path == "/file":
        return Told(status=302, headers=(("location", "file:///etc/passwd"),))
    if path == "/round":
        return Told(status=301, headers=(("location", "/round"),))
    if path == "/bomb":
        return Told(gzip.compress(bytes(10_000_000)), "audio/wav", headers=(("content-encoding", "gzip"),))
    if path == "/chunks":
        pieces = b"".join(b"%x\r\n%s\r\n" % (10, bytes(10)) for _ in range(9)) + b"0\r\n\r\n"
        return Told(pieces, "audio/wav", headers=(("transfer-encoding", "chunked"),))
    if path == "/long":
        return Told(WAV, "audio/wav", headers=(("content-length", str(10**10)),))
    found = {
        "/a.wav": Told(WAV, "audio/x-wav"),
        "/unsaid": Told(WAV, "application/octet-stream"),
        "/page": Told(b"<!doctype html>", "text/html"),
        "/empty": Told(b"", "audio/wav"),
        "/a.png": Told(PNG, "image/png"),
        "/words.txt": Told(b"plain words", "text/plain; charset=utf-8"),
        "/busy": Told(b"", status=503, headers=(("retry-after", "0"),)),
    }
    return found.get(path, Told(b"", status=404))


@pytest.fixture
def server() -> Any:
    with TaskServer(site) as server:
        yield server


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chainkit.run.layers.retry.pause", lambda failed, error: 0.0)


def hearing(server: TaskServer) -> Any:
    return transcriber("openai:whisper-1", base_url=server.url, api_key="k")


def test_a_url_is_fetched_by_us_and_sent_as_bytes_with_a_row_of_its_own(server: TaskServer) -> None:
    with Run(private_hosts=[server.host]) as run:
        assert hearing(server).invoke(f"{server.url}/a.wav?token=secret").text == "heard"
    assert [(r.kind, r.provider, r.model, r.outcome) for r in run.rows] == [
        ("fetch", "web", "127.0.0.1", "ok"),
        ("transcribe", "openai", "whisper-1", "ok"),
    ]
    assert run.rows[0].path == "transcribe openai:whisper-1 > fetch"
    assert run.rows[0].cost.exact
    assert "secret" not in str(run.rows[0].facts())
    assert WAV in server.asked[1].body
    assert "authorization" not in server.asked[0].headers, "no key goes to a stranger"
    assert server.asked[0].headers["accept-encoding"] == "identity"


def test_every_mode_fetches_alike(server: TaskServer) -> None:
    url = f"{server.url}/a.wav"
    with Run(private_hosts=["127.0.0.1"]):
        assert asyncio.run(hearing(server).ainvoke(url)).text == "heard"
        assert [t.text for t in hearing(server).batch([url, url])] == ["heard", "heard"]


@pytest.mark.parametrize("path", ["/a.wav", "/page", "/nowhere"])
def test_without_leave_nothing_on_this_machine_is_asked(server: TaskServer, path: str) -> None:
    with Run() as run, pytest.raises(EgressBlocked, match=r"127\.0\.0\.1 is no public address") as blocked:
        hearing(server).invoke(server.url + path)
    assert server.asked == []
    assert run.rows[0].error == "EgressBlocked"
    assert blocked.value.cure == f"where you trust it: Run(private_hosts=['{server.host}'])"


def test_leave_goes_from_a_run_to_those_inside_it(server: TaskServer) -> None:
    with Run(private_hosts=[server.host]), Run(private_hosts=["other.example"]) as inner:
        assert inner.private_hosts == {server.host, "other.example"}
        assert Run(private_hosts="one.example").private_hosts >= {"one.example"}
        assert hearing(server).invoke(f"{server.url}/a.wav").text == "heard"


def test_a_redirect_is_followed_and_judged_anew(server: TaskServer) -> None:
    with Run(private_hosts=[server.host]):
        assert hearing(server).invoke(f"{server.url}/to/to/a.wav").text == "heard"
        with pytest.raises(EgressBlocked, match=r"169\.254\.169\.254 is no public address"):
            hearing(server).invoke(f"{server.url}/away")
        with pytest.raises(EgressBlocked, match="by http or https, and this is file:"):
            hearing(server).invoke(f"{server.url}/file")
        with pytest.raises(BadRequest, match="more than 5 redirects"):
            hearing(server).invoke(f"{server.url}/round")


@pytest.mark.parametrize(
    ("path", "kind", "says"),
    [
        ("/bomb", BadRequest, "is compressed \\(gzip\\)"),
        ("/long", BadRequest, "holds more than 50 MB"),
        ("/page", BadRequest, "bytes of text/html, and audio is wanted"),
        ("/empty", BadRequest, "0 bytes"),
        ("/a.png", BadRequest, "bytes of image/png, and audio is wanted"),
        ("/nowhere?key=1", BadRequest, "/nowhere answered 404"),
    ],
)
def test_what_is_too_much_or_of_another_kind_is_refused(
    server: TaskServer, path: str, kind: type[Exception], says: str
) -> None:
    with Run(private_hosts=[server.host]), pytest.raises(kind, match=says) as refused:
        hearing(server).invoke(server.url + path)
    assert "key=1" not in str(refused.value)
    assert all(asked.method == "GET" for asked in server.asked)


def test_more_than_was_announced_is_cut_off_where_it_is_too_much(
    server: TaskServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "MOST_BYTES", 20)
    with Run(private_hosts=[server.host]), pytest.raises(BadRequest, match="holds more than"):
        hearing(server).invoke(f"{server.url}/chunks")


def test_a_busy_site_is_asked_again_and_a_dead_one_is_a_failed_connection(server: TaskServer) -> None:
    with Run(private_hosts=[server.host]) as run, pytest.raises(Exception, match="answered 503"):
        hearing(server).invoke(f"{server.url}/busy")
    assert [row.outcome for row in run.rows] == ["error"] * 3
    with Run(private_hosts=["127.0.0.1"]), pytest.raises(ConnectionFailed):
        hearing(server).invoke("http://127.0.0.1:9/a.wav")


def test_a_slow_site_ends_with_the_runs_time_or_with_a_time_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()

    def slow(asked: Asked) -> Told:
        over.wait(10)
        return Told(WAV, "audio/wav")

    with TaskServer(slow) as server:
        with Run(private_hosts=[server.host], deadline=0.1), pytest.raises(DeadlineExceeded):
            hearing(server).invoke(f"{server.url}/a.wav")
        monkeypatch.setattr(fetching, "SECONDS", 0.1)
        with Run(private_hosts=[server.host]), pytest.raises(ConnectionFailed, match=r"was not here after 0\.1 s"):
            transcriber("openai:whisper-1", base_url=server.url, api_key="k").invoke(f"{server.url}/a.wav")
        with Run(private_hosts=[server.host]), pytest.raises(ConnectionFailed, match=r"was not here after 0\.1 s"):
            asyncio.run(hearing(server).ainvoke(f"{server.url}/b.wav"))
        over.set()


@pytest.mark.parametrize("url", ["http://user:secret@example.org/a.wav", "https://:secret@example.org/a.wav"])
def test_a_url_with_a_password_is_refused_unshown(url: str) -> None:
    with pytest.raises(EgressBlocked, match="may hold no password") as blocked:
        transcriber("openai:whisper-1", api_key="k").invoke(url)
    assert "secret" not in str(blocked.value)


def test_a_chat_models_sound_is_fetched_and_a_picture_is_left_to_the_vendor_that_opens_it(server: TaskServer) -> None:
    chat = model("openai:gpt-4o-audio-preview", base_url=server.url, api_key="k")
    hear = prompt(user("What is said?", media("talk", kind="audio"))) | chat
    see = prompt(user("What is there?", media("photo"))) | chat
    with Run(private_hosts=[server.host]) as run:
        assert hear.invoke({"talk": f"{server.url}/a.wav"}).text == "seen"
        assert see.invoke({"photo": "https://pictures.example/a.png"}).text == "seen"
    assert [row.kind for row in run.rows] == ["fetch", "chat", "chat"]
    heard, seen = (asked.json["messages"][0]["content"][1] for asked in server.asked if asked.method == "POST")
    assert heard["input_audio"] == {"data": b64encode(WAV).decode(), "format": "wav"}
    assert seen["image_url"]["url"] == "https://pictures.example/a.png"


def test_a_url_is_fetched_once_however_often_its_model_is_asked_again(server: TaskServer) -> None:
    ask = prompt(user("Is it music?", media("talk", kind="audio")))
    chain = ask | model("openai:gpt-4o-audio-preview", output=Literal["yes"], base_url=server.url, api_key="k")
    with Run(private_hosts=[server.host]) as run, pytest.raises(OutputError):
        chain.invoke({"talk": f"{server.url}/a.wav"})
    assert [row.kind for row in run.rows] == ["fetch", "chat", "chat", "chat"]


def test_looking_at_a_request_fetches_nothing(server: TaskServer) -> None:
    [shown] = hearing(server).render(f"{server.url}/a.wav")
    assert shown.body["file"].startswith("Upload(audio.wav, audio/wav")
    assert server.asked == []


def test_a_scripted_model_opens_no_url() -> None:
    with Run() as run:
        assert ScriptedTranscriber("hi").invoke("https://talks.example/a.wav").text == "hi"
    assert [row.kind for row in run.rows] == ["transcribe"]


def test_a_data_url_needs_no_fetching() -> None:
    part = Media("audio", "audio/*", url=f"data:audio/wav;base64,{b64encode(WAV).decode()}")
    with TaskServer(site) as server, Run() as run:
        assert hearing(server).invoke(part).text == "heard"
    assert [row.kind for row in run.rows] == ["transcribe"]


def test_several_urls_of_one_message_are_fetched_side_by_side_and_a_url_said_twice_once(server: TaskServer) -> None:
    chain = model("openai:gpt-4o-audio-preview", base_url=server.url, api_key="k")
    ask = prompt(user("Which?", media("one", kind="audio"), media("two", kind="audio"), media("three", kind="audio")))
    first, second = f"{server.url}/a.wav", f"{server.url}/unsaid"
    with Run(private_hosts=[server.host]) as run:
        assert (ask | chain).invoke({"one": first, "two": second, "three": first}).text == "seen"
    assert [row.kind for row in run.rows] == ["fetch", "fetch", "chat"]
    parts = server.asked[-1].json["messages"][0]["content"][1:]
    assert [p["input_audio"]["format"] for p in parts] == ["wav"] * 3
