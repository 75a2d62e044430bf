"""Where Google's models are asked: AI Studio, or a project and location of Vertex AI."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from chainkit.errors import AuthenticationError

_SHARED = ("us", "eu")
"""Locations that are several regions."""


@dataclass(frozen=True, slots=True)
class Place:
    """A host, and what stands before `models/...` in the paths. `missing` says what is not set."""

    vendor: str
    host: str
    before: str
    project: str | None = None
    location: str | None = None
    missing: bool = False

    def path(self, model: str, verb: str) -> str:
        """The path of one method of one model. Raises AuthenticationError where the project is not known."""
        if self.missing:
            raise no_project()
        return f"{self.of(model)}:{verb}"

    def of(self, model: str) -> str:
        """The path of a model, which may be named whole: `models/...`, `tunedModels/...`, `publishers/.../models/...`."""
        named = quote(model, safe="/@")
        if self.vendor == "google":
            return f"{self.before}/{named}" if "/" in model else f"{self.before}/models/{named}"
        if model.startswith(("projects/", "publishers/", "endpoints/")):
            return f"{self.before.partition('/')[0] if model.startswith('projects/') else self.before}/{named}"
        return f"{self.before}/publishers/{publisher(model)}/models/{named}"


STUDIO = Place("google", "https://generativelanguage.googleapis.com", "v1beta")


def publisher(model: str) -> str:
    """Whose model it is on Vertex AI."""
    return "anthropic" if model.startswith("claude") else "google"


def vertex(environ: Mapping[str, str], *, keyed: bool) -> Place:
    """The place that the environment names; with a key that was passed (`keyed`) no project is needed."""
    project, location = _set(environ, "GOOGLE_CLOUD_PROJECT"), _set(environ, "GOOGLE_CLOUD_LOCATION")
    if keyed or (not project and not location and _set(environ, "GOOGLE_API_KEY")):
        return Place("vertex", "https://aiplatform.googleapis.com", "v1beta1")
    where = location or "global"
    before = f"v1beta1/projects/{quote(project or '', safe='')}/locations/{quote(where, safe='')}"
    return Place("vertex", _host(where), before, project, where, missing=not project)


def _set(environ: Mapping[str, str], name: str) -> str | None:
    return environ.get(name, "").strip() or None


def _host(location: str) -> str:
    if location == "global":
        return "https://aiplatform.googleapis.com"
    if location in _SHARED:
        return f"https://aiplatform.{location}.rep.googleapis.com"
    return f"https://{location}-aiplatform.googleapis.com"


def no_project() -> AuthenticationError:
    """The error for a project that is nowhere."""
    return AuthenticationError(
        "vertex: there is no project",
        cure="set GOOGLE_CLOUD_PROJECT (and GOOGLE_CLOUD_LOCATION), or pass api_key= of Vertex AI's express mode",
    )
