"""What models say while the documentation runs: nothing leaves this machine.

A recipe names real models. `answering()` is a run in which scripted ones stand in their places: each takes the
first row of `answers.ANSWERS` that fits its name and the end of the conversation. The real adapter encodes every
request before, so that a recipe with an option that its model does not take fails here and not at the reader's.
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import Any

from answers import ANSWERS
from chainkit import Messages, Run
from chainkit.models.resolve import Resolved
from chainkit.testing import ScriptedModel

VENDORS = ("openai:*", "anthropic:*", "cohere:*", "groq:*", "mistral:*")


def answering() -> Run:
    """A run whose models answer from the table. Use it as `with answering():`."""
    vendors = {name: Rehearsed(name) for name in VENDORS}
    return Run(models={**vendors, "local:*": ScriptedModel(_speaker("local:*"))})


class Rehearsed:
    """Stands in for a vendor's models: what they are and cost is real, what they say is not."""

    def __init__(self, name: str) -> None:
        self._script = ScriptedModel(_speaker(name)).script

    def stand_for(self, resolved: Resolved) -> Resolved:
        """The same model, answered by the script."""
        backend: Any = _Rehearsing(resolved.backend, self._script)
        return Resolved(resolved.provider, resolved.model, backend, resolved.profile)


class _Rehearsing:
    def __init__(self, real: Any, script: Any) -> None:
        self._real = real
        self._script = script
        self.render = real.render

    async def send(self, call: Any) -> Any:
        self._real.render(call.request)
        return await self._script.send(call)

    def check(self, model: str | None = None) -> None:
        """No key is needed."""


def _speaker(name: str) -> Any:
    def say(messages: Messages) -> str:
        asked = messages[-1].text
        for who, about, said in ANSWERS:
            if fnmatchcase(name, who) and re.search(about, asked, re.S):
                return said(messages) if callable(said) else said
        raise AssertionError(f"no scripted answer for {name} to {asked!r:.300}: add a row to tests/docs/answers.py")

    return say
