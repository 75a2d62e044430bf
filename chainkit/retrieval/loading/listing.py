"""Which files a folder or a glob means."""

from __future__ import annotations

import os
from collections.abc import Iterator
from fnmatch import fnmatchcase
from glob import has_magic
from pathlib import Path

from chainkit.errors import ChainkitError
from chainkit.retrieval.loading.formats import KINDS, format_of, suffix_of, wanted
from chainkit.retrieval.loading.options import Options

_PASSED_OVER = frozenset({"node_modules", "__pycache__"})


def paths(where: str | Path, limits: Options) -> list[str]:
    """The files that a path, a folder or a glob means, sorted. Raises ChainkitError where there are none.

    A folder means its files of known kinds; a glob and a path mean what they name. What is hidden stays out of
    folders, and links to folders are not followed.
    """
    path = Path(where).expanduser()
    if path.is_dir():
        found = [name for name in _inside(str(path)) if _meant(name, str(path), limits)]
    elif has_magic(str(path)) and not os.path.lexists(path):
        found = [name for name in _matching(path) if not _excluded(name, name, limits)]
    else:
        found = [str(path)] if os.path.lexists(path) else []
    if not found:
        raise ChainkitError(
            f"no documents at {str(where)!r}",
            cure=f"name a file, a folder, a glob like docs/**/*.md, or a URL; read are {', '.join(KINDS)}",
        )
    return sorted(found)


def _matching(path: Path) -> Iterator[str]:
    """The files that a glob means. `**` goes into no links to folders, which may lead round in a circle."""
    parts = path.parts
    first = next(n for n, part in enumerate(parts) if has_magic(part))
    root, hidden = Path(*parts[:first]), any(part.startswith(".") for part in parts[first:])
    # pathlib wants `**` alone, and takes a last one for folders only.
    wild = [part if part == "**" else part.replace("**", "*") for part in parts[first:]]
    for found in root.glob("/".join([*wild, "*"] if wild[-1] == "**" else wild)):
        inside = found.relative_to(root).parts
        passed = not _PASSED_OVER.isdisjoint({*inside} - {*parts})
        if not passed and (hidden or not any(p.startswith(".") for p in inside)) and not os.path.isdir(found):  # noqa: PTH112 - the same
            yield str(found)


def _inside(folder: str) -> Iterator[str]:
    """Every file in a folder and its folders. A folder that may not be read is an error that says so."""
    pending = [folder]
    while pending:
        with os.scandir(pending.pop()) as entries:
            for entry in entries:
                if entry.name.startswith(".") or entry.name in _PASSED_OVER:
                    continue
                if entry.is_dir(follow_symlinks=False):
                    pending.append(entry.path)
                elif not (entry.is_symlink() and os.path.isdir(entry.path)):  # noqa: PTH112 - is_dir() raises in a circle
                    yield entry.path


def _meant(path: str, folder: str, limits: Options) -> bool:
    name = os.path.basename(path)  # noqa: PTH119 - a hundred thousand times
    found = format_of(name)
    return found is not None and wanted(found, suffix_of(name), limits) and not _excluded(path, folder, limits)


def _excluded(path: str, folder: str, limits: Options) -> bool:
    if not limits.exclude:
        return False
    inside = path.removeprefix(folder).lstrip(os.sep).replace(os.sep, "/") or path
    names = {inside, *inside.split("/")}
    return any(fnmatchcase(name, pattern) for pattern in limits.exclude for name in names)
