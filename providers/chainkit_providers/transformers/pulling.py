"""Fetch a model from a Hugging Face hub into the hub's own cache, where every tool of that house finds it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chainkit.errors import ChainkitError, ConnectionFailed, MissingExtra, UnknownModel
from chainkit_providers.transformers import source

if TYPE_CHECKING:
    from collections.abc import Callable

    from chainkit_providers.transformers.source import Source

_NEVER = ("*.onnx", "onnx/*", "*.h5", "*.msgpack", "*.ot", "*.tflite", "openvino/*", "*.py", "*.mlmodel", "coreml/*")
"""Other forms of the same weights, and code, which is never run."""


def pull(place: Source, progress: Callable[[int, int], object] | None = None, *, force: bool = False) -> str:
    """Fetch it; gives the folder. What is there already is not fetched again, unless by `force`.

    `HF_TOKEN`, `HF_ENDPOINT` and `HF_HOME` are read as everywhere. Raises UnknownModel, ConnectionFailed.
    """
    if place.on_disk:
        source.check(place)
        return place.where
    try:
        from huggingface_hub import HfApi, errors
    except ImportError:
        msg = "pulling a model of transformers: needs huggingface_hub"
        raise MissingExtra(msg, cure="pip install 'chainkit[transformers]'") from None
    try:
        return _fetched(HfApi(), place, progress, force)
    except errors.RepositoryNotFoundError as error:
        msg = f"the hub has no repository {place.where}, or it is not for everyone"
        raise UnknownModel(msg, cure="check the name; HF_TOKEN opens what is your own or was granted") from error
    except errors.RevisionNotFoundError as error:
        raise UnknownModel(f"{place.where} has no revision {place.revision}", cure="check the part behind @") from error
    except ChainkitError:
        raise
    except Exception as error:  # the hub's own errors, and those of whichever HTTP client it uses
        msg = f"{place.where} could not be fetched ({type(error).__name__}): {error!s:.300}"
        raise ConnectionFailed(msg, cure="look at the network; HF_HUB_OFFLINE must not be set for a pull") from error


def pulled() -> list[dict[str, Any]]:
    """What lies in the hub's cache: `name`, `path`, `bytes`. Empty where there is none."""
    try:
        from huggingface_hub import scan_cache_dir
        from huggingface_hub.errors import CacheNotFound
    except ImportError:
        return []
    try:
        held = scan_cache_dir().repos
    except CacheNotFound:
        return []
    found = [
        {"name": r.repo_id, "path": str(r.repo_path), "bytes": r.size_on_disk} for r in held if r.repo_type == "model"
    ]
    return sorted(found, key=lambda row: str(row["name"]))


def _fetched(hub: Any, place: Source, progress: Callable[[int, int], object] | None, force: bool) -> str:
    listed: list[str] = hub.list_repo_files(place.where, revision=place.revision)
    if place.file is not None and place.file not in listed:
        near = ", ".join(f for f in listed if f.endswith(".gguf")) or "none at all"
        raise UnknownModel(f"{place.where} holds no {place.file}", cure=f"its GGUF files: {near}")
    told: dict[str, Any] = {"revision": place.revision, "force_download": force}
    if progress is not None:
        told["tqdm_class"] = _bar(progress)
    if place.file is not None:
        return str(hub.snapshot_download(place.where, allow_patterns=[place.file, "*.json"], **told))
    return str(hub.snapshot_download(place.where, ignore_patterns=_left_out(listed), **told))


def _left_out(listed: list[str]) -> list[str]:
    """Weights in other forms than the one that is read: safetensors, where there are any."""
    safe = any(f.endswith(".safetensors") for f in listed)
    return [*_NEVER, "*.gguf", *(("*.bin", "*.pt", "*.pth") if safe else ())]


def _bar(progress: Callable[[int, int], object]) -> Any:
    """A progress bar of the kind that the hub wants, which only tells how far it is."""
    from chainkit_providers.transformers import native

    # A class of the hub's own kind, made at run time: checkers know nothing of it.
    bar: Any = native.door("tqdm").tqdm

    def begin(self: Any, *args: Any, **kwargs: Any) -> None:
        kwargs.pop("name", None)
        bar.__init__(self, *args, **{**kwargs, "disable": True})
        self.counted, self.in_bytes = 0, kwargs.get("unit") == "B"

    def update(self: Any, n: float | None = 1) -> None:
        if self.in_bytes:
            self.counted += int(n or 0)
            progress(self.counted, int(self.total or 0))

    return type("Telling", (bar,), {"__init__": begin, "update": update})
