"""A model file from a Hugging Face hub, over its public resolve address, going on where it was broken off.

`HF_ENDPOINT` (a mirror) and `HF_TOKEN` (for files that ask for one) are read as the hub's own tools read
them. The token goes to that host only, not to the storage that it redirects to.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from chainkit.errors import (
    AuthenticationError,
    ConnectionFailed,
    PermissionDenied,
    ProviderError,
    ServerError,
    UnknownModel,
)

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

    from chainkit_providers.local.catalog import OnHub
    from chainkit_providers.local.pulling import Tell

_SHA256 = re.compile(r'"?([0-9a-f]{64})"?')


def fetch_from_hub(source: OnHub, part: Path, tell: Tell) -> str | None:
    """Fetch into `part`; gives the SHA-256 that the hub states, or None.

    A broken connection is taken up again for as long as each turn brings something.
    """
    import httpx

    url = os.environ.get("HF_ENDPOINT", "https://huggingface.co").rstrip("/") + source.url_path
    token = os.environ.get("HF_TOKEN")
    headers = {"Accept-Encoding": "identity", **({"Authorization": f"Bearer {token}"} if token else {})}
    with httpx.Client(headers=headers, follow_redirects=True, timeout=httpx.Timeout(30)) as client:
        while True:
            before = _have(part)
            try:
                return _download(client, url, part, tell)
            except httpx.TransportError as error:
                if _have(part) == before:
                    raise _unreachable(url, error, part) from error


def _have(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _download(client: httpx.Client, url: str, part: Path, tell: Tell) -> str | None:
    have = _have(part)
    wish = {"Range": f"bytes={have}-"} if have else {}
    with client.stream("GET", url, headers=wish) as answer:
        if answer.status_code == 416:  # nothing beyond what is here, or the file has changed
            if _whole_size(answer) == have:
                return _stated(answer)
            part.unlink()
            raise ConnectionFailed(f"the file at {url} has changed since it was begun", cure="pull again")
        if answer.status_code not in (200, 206):
            raise _refused(answer, url)
        _write(answer, part, have if answer.status_code == 206 else 0, tell)
        return _stated(answer)


def _write(answer: httpx.Response, part: Path, have: int, tell: Tell) -> None:
    from chainkit_providers.local.pulling import Progress

    length = answer.headers.get("content-length")
    total = have + int(length) if length else None
    with part.open("ab" if have else "wb") as out:
        for piece in answer.iter_bytes():
            out.write(piece)
            have += len(piece)
            tell(Progress("fetch", have, total))
        out.flush()
        os.fsync(out.fileno())


def _whole_size(answer: httpx.Response) -> int | None:
    size = answer.headers.get("content-range", "").rpartition("/")[2]
    return int(size) if size.isdigit() else None


def _stated(answer: httpx.Response) -> str | None:
    """The hub names the file's SHA-256 on its own answer, before it redirects to the storage."""
    for turn in (*answer.history, answer):
        found = _SHA256.fullmatch(turn.headers.get("x-linked-etag", ""))
        if found:
            return found[1]
    return None


def _refused(answer: httpx.Response, url: str) -> ProviderError | UnknownModel:
    status = answer.status_code
    if status == 404:
        return UnknownModel(f"no file at {url}", cure="check owner, repo, revision and file name")
    if status in (401, 403):
        kind = AuthenticationError if status == 401 else PermissionDenied
        cure = "set HF_TOKEN, and accept the model's terms on its page where it has any"
        return kind(f"the hub does not give {url} without leave", cure=cure, status=status)
    return ServerError(f"the hub answered {status} for {url}", cure="try again later", status=status)


def _unreachable(url: str, error: Exception, part: Path) -> ConnectionFailed:
    kept = f"; {_have(part):,} bytes are kept, and the next pull goes on from there" if _have(part) else ""
    msg = f"could not fetch {url}: {type(error).__name__}: {error}{kept}"
    return ConnectionFailed(msg, cure="check the network, or set HF_ENDPOINT to a mirror")
