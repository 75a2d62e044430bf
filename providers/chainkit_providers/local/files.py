"""Where pulled models lie, and whether they are whole."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chainkit.errors import UnknownModel
from chainkit_providers.local.catalog import CATALOG, LocalModel, OnDisk, OnHub
from chainkit_providers.local.gguf import not_whole, read_header

if TYPE_CHECKING:
    from collections.abc import Callable


def cache_folder() -> Path:
    """`$CHAINKIT_CACHE`, else the platform's place for what can be fetched again."""
    chosen = os.environ.get("CHAINKIT_CACHE")
    if chosen:
        return Path(chosen).expanduser()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "chainkit" / "cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "chainkit"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "chainkit"


def place(model: LocalModel) -> Path:
    """Where the model's file lies, or will lie once it is pulled."""
    source, models = model.source, cache_folder() / "models"
    if isinstance(source, OnDisk):
        return source.path
    if isinstance(source, OnHub):
        return models / "hf.co" / source.owner / source.repo / source.revision / source.file
    return models / model.file_name


def ready(model: LocalModel) -> Path:
    """The model's file, checked by size and header: cheap enough for every load.

    Raises UnknownModel where it is not there, ProviderError where it is cut short or no model.
    """
    path = place(model)
    if not path.is_file():
        raise _missing(model, path)
    wanted = model.bytes or note(path).get("bytes")
    have = path.stat().st_size
    if wanted is not None and have != wanted:
        raise not_whole(path, f"is cut short or damaged: it has {have:,} bytes, not {wanted:,}", again(model))
    read_header(path)
    return path


def verify(model: LocalModel, tell: Callable[[int, int], None] | None = None) -> Path:
    """As `ready`, and the SHA-256 of every byte too. A file of the user's own has nothing to compare with."""
    path = ready(model)
    wanted = model.sha256 or note(path).get("sha256")
    if wanted is None:
        return path
    found = digest(path, tell)
    if found != wanted:
        raise not_whole(path, f"is damaged: its SHA-256 is {found}, not {wanted}", again(model))
    return path


def digest(path: Path, tell: Callable[[int, int], None] | None = None) -> str:
    """The SHA-256 of a file, in pieces; `tell(done, total)` in bytes."""
    total, done, sha = path.stat().st_size, 0, hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            sha.update(piece)
            done += len(piece)
            if tell is not None:
                tell(done, total)
    return sha.hexdigest()


def pulled() -> list[tuple[LocalModel, Path]]:
    """The models of the cache, by name: those of the catalog, then those from a hub."""
    known = [(m, place(m)) for m in CATALOG]
    hub = cache_folder() / "models" / "hf.co"
    found = [(_from_note(p), p) for p in sorted(hub.rglob("*.gguf"))]
    return [(m, p) for m, p in (*known, *found) if m is not None and p.is_file()]


def note(path: Path) -> dict[str, Any]:
    """What was written down when the file was pulled: name, sha256, bytes. Empty where nothing was."""
    try:
        held = json.loads(_note_path(path).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return held if isinstance(held, dict) else {}  # pyright: ignore[reportUnknownVariableType]


def write_note(path: Path, model: LocalModel, sha256: str, size: int) -> None:
    """Write down what a pulled file is, to know it again."""
    held = {"name": model.name, "sha256": sha256, "bytes": size}
    _note_path(path).write_text(json.dumps(held, indent=1) + "\n", "utf-8")


def drop_note(path: Path) -> None:
    """Forget what was written down."""
    _note_path(path).unlink(missing_ok=True)


def again(model: LocalModel) -> str | None:
    """The cure for a pulled file that is not whole."""
    return None if isinstance(model.source, OnDisk) else f"chainkit pull {model.name} --force"


def _note_path(path: Path) -> Path:
    return path.with_name(path.name + ".json")


def _from_note(path: Path) -> LocalModel | None:
    from chainkit_providers.local.catalog import find

    name = note(path).get("name")
    return find(name) if isinstance(name, str) else None


def _missing(model: LocalModel, path: Path) -> UnknownModel:
    if isinstance(model.source, OnDisk):
        return UnknownModel(f"no model file at {path}", cure="check the path; it may begin with ~")
    size = f" (about {model.bytes / 1e6:.0f} MB, once)" if model.bytes else ""
    return UnknownModel(f"local:{model.name} has not been pulled", cure=f"chainkit pull {model.name}{size}")
