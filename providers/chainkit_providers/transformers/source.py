"""Where a model lies: a folder, a GGUF file, or what was fetched from a Hugging Face hub before.

Nothing is fetched by asking a model: a download that no ledger knows of would be one that nobody allowed.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from chainkit.errors import ChainkitError, UnknownModel

_HUB = re.compile(
    r"(?P<of>[\w.-]+/[\w.-]+)(@(?P<of_revision>[\w.-]+))?/(?P<file>[\w./-]+\.gguf)"
    r"|(?P<repo>[\w.-]+(/[\w.-]+)?)(@(?P<revision>[\w./-]+))?"
)


@dataclass(frozen=True, slots=True)
class Source:
    """A place: `where` is a folder or a hub's repository, `file` a GGUF file in it."""

    name: str
    where: str
    file: str | None = None
    revision: str | None = None
    on_disk: bool = False

    @property
    def arguments(self) -> dict[str, Any]:
        """What `from_pretrained` is told beside the place. Code that lies with a model is never run."""
        told: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
        if self.file is not None:
            told["gguf_file"] = self.file
        if self.revision is not None:
            told["revision"] = self.revision
        return told


def find(name: str) -> Source:
    """The place that a name means. Raises UnknownModel for a name of no form."""
    path = Path(name).expanduser()
    if name.startswith(("/", "./", "../", "~", ".\\")) or path.is_dir() or path.is_file():
        if path.suffix == ".gguf":
            return Source(name, str(path.parent), path.name, on_disk=True)
        return Source(name, str(path), on_disk=True)
    found = _HUB.fullmatch(name)
    if found is None:
        msg = f"transformers:{name} names no model"
        raise UnknownModel(
            msg, cure="write owner/repo, owner/repo@revision, owner/repo/file.gguf, ./folder or ./file.gguf"
        )
    repo, revision = found["repo"] or found["of"], found["revision"] or found["of_revision"]
    return Source(name, repo, found["file"], revision)


def check(source: Source) -> None:
    """Raise UnknownModel where nothing lies there."""
    if source.on_disk:
        path = Path(source.where, source.file or "config.json")
        if not path.is_file():
            what = "no file" if source.file else "no config.json, so no model of transformers,"
            msg = f"transformers:{source.name}: there is {what} at {path}"
            raise UnknownModel(msg, cure="check the path; it may begin with ~")
    elif _cached(source, source.file or "config.json") is None:
        msg = f"transformers:{source.name} is not on this machine, and asking a model fetches nothing"
        raise UnknownModel(msg, cure=f"chainkit pull transformers:{source.name}")


def config(source: Source) -> dict[str, Any]:
    """The model's config.json; empty where it is not here, or lies in a GGUF file."""
    if source.file is not None:
        return {}
    path = str(Path(source.where, "config.json")) if source.on_disk else _cached(source, "config.json")
    return _read(path) if path is not None else {}


def beside(source: Source, file: str) -> dict[str, Any]:
    """A JSON file that lies with the model; empty where there is none."""
    path = str(Path(source.where, file)) if source.on_disk else _cached(source, file)
    return _read(path) if path is not None else {}


def _read(path: str) -> dict[str, Any]:
    try:
        held = json.loads(Path(path).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return held if isinstance(held, dict) else {}  # pyright: ignore[reportUnknownVariableType]


def _cached(source: Source, file: str) -> str | None:
    if find_spec("huggingface_hub") is None:
        return None
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        found = try_to_load_from_cache(source.where, file, revision=source.revision)
    except (HFValidationError, ValueError) as error:
        msg = f"transformers:{source.name} names no repository: {error}"
        raise UnknownModel(msg, cure="write owner/repo") from error
    return found if isinstance(found, str) else None


def context_of(held: dict[str, Any]) -> int | None:
    """The tokens that a model was made for, by its configuration; models of several parts say it of their text."""
    text = held.get("text_config") or held
    for name in ("max_position_embeddings", "n_positions", "n_ctx", "max_sequence_length"):
        if isinstance(text.get(name), int):
            return text[name]
    return None


def gguf_context(source: Source) -> int | None:
    """The same out of a GGUF file's header."""
    from chainkit_providers.local.gguf import read_header

    path = Path(source.where, source.file or "") if source.on_disk else Path(_cached(source, source.file or "") or "")
    try:
        return read_header(path).context
    except (OSError, ChainkitError):
        return None
