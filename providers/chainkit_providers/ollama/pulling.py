"""Models of an Ollama server: to have one fetched, and to list those that are there."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from chainkit.errors import ConnectionFailed, StreamBroken
from chainkit.models.access import access
from chainkit.models.json_lines import JsonLines
from chainkit.models.provider import Account
from chainkit_providers.ollama.wire import in_answer, refusal
from chainkit_providers.payload import Json, inner, listed, parse_event

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    import httpx

    from chainkit.models.http import HttpProvider

_SECONDS = 60.0
"""Longest silence: a layer that is checked at the end tells nothing for a while."""


def pull(row: HttpProvider, model: str, progress: Callable[[int, int], object] | None) -> str:
    """Have a model fetched, and wait for it."""
    layers: dict[str, tuple[int, int]] = {}
    last = ""
    for told in _lines(row, {"model": model, "stream": True}):
        if told.get("error") is not None:
            raise _refused(told, model)
        last = str(told.get("status") or last)
        if told.get("digest"):
            layers[told["digest"]] = (told.get("completed") or 0, told.get("total") or 0)
            if progress is not None:
                progress(sum(done for done, _ in layers.values()), sum(total for _, total in layers.values()))
    if last != "success":
        msg = f"the server stopped telling of {model} after: {last or 'nothing'}"
        raise StreamBroken(msg, cure="pull it again: what was fetched is kept")
    return model


def models(row: HttpProvider) -> list[dict[str, Any]]:
    """What the server has."""
    with _client(row) as client:
        answer = client.get("/api/tags")
    if answer.status_code != 200:
        raise refusal(answer.status_code, answer.headers, answer.content)
    return [_row(told) for told in listed(parse_event(answer.content), "models")]


def _row(told: Json) -> dict[str, Any]:
    about = inner(told, "details")
    return {
        "name": told.get("name") or told.get("model"),
        "bytes": told.get("size"),
        "parameters": about.get("parameter_size"),
        "quantization": about.get("quantization_level"),
    }


def _lines(row: HttpProvider, body: Json) -> Iterator[Json]:
    lines = JsonLines()
    with _client(row) as client, client.stream("POST", "/api/pull", json=body) as answer:
        if answer.status_code != 200:
            raise refusal(answer.status_code, answer.headers, answer.read())
        for data in answer.iter_bytes():
            yield from (parse_event(line) for _, line in lines.feed(data))
    yield from (parse_event(line) for _, line in lines.rest())


def _refused(told: Json, model: str) -> Exception:
    error = in_answer(told)
    if "does not exist" in error.message or "not found" in error.message:
        error.cure = f"look for {model} at https://ollama.com/search"
    return error


@contextmanager
def _client(row: HttpProvider) -> Generator[httpx.Client]:
    import httpx

    found = access(row, Account(row.name))
    try:
        with httpx.Client(base_url=found.base_url, headers=found.headers, timeout=_SECONDS) as client:
            yield client
    except httpx.TransportError as error:
        msg = f"no Ollama server answers at {found.shown}: {error}"
        raise ConnectionFailed(msg, cure="start one (ollama serve), or set OLLAMA_HOST") from error
