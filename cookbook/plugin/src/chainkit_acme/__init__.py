"""Acme's models: `model("acme:acme-large")`. The entry point in pyproject.toml names `provider`."""

from __future__ import annotations

from typing import TypedDict

from chainkit.models.http import HttpProvider
from chainkit.models.profile import Profile
from chainkit_acme.chat import Talk
from chainkit_acme.embed import Embed
from chainkit_acme.request import TAKES

__all__ = ["AcmeOptions", "provider"]


class AcmeOptions(TypedDict, total=False):
    """Options that only Acme has: `model("acme:...", vendor={"acme_mood": "cheerful"})`."""

    acme_mood: str


def profile(name: str) -> Profile:
    """What a model of Acme's can do."""
    if "embed" in name:
        return Profile("acme", name, kinds=frozenset({"embed"}), most=100)
    return Profile(
        "acme",
        name,
        context=200_000,
        max_output=8_000,
        output=("native", "tool", "prompt"),
        options=TAKES,
        media=frozenset({"image"}),
        fetches=frozenset(),
    )


provider = HttpProvider(
    name="acme",
    base_url="https://api.acme.example",
    wires={"chat": Talk()},
    tasks={"embed": Embed()},
    key_env=("ACME_API_KEY",),
    base_url_env=("ACME_BASE_URL",),
    auth="x-acme-key: {key}",
    keys_at="https://acme.example/keys",
    profiles=profile,
    vendor=AcmeOptions,
)
