"""What models say while the documentation runs: nothing leaves this machine.

A recipe names real models. `answering()` is a run in which scripted ones stand in their places: each takes the
first row of `answers.ANSWERS` that fits its name and the end of the conversation. The real adapter encodes every
request before, so that a recipe with an option that its model does not take fails here and not at the reader's.
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import Any

from answers import ANSWERS, HEARD
from found import PAGES, found_for
from chainkit import Messages, Reply, Run
from chainkit.messages import Text, ToolResult
from chainkit.models.batches import Answered, BatchState
from chainkit.models.resolve import Resolved
from chainkit.testing import ScriptedModel, ScriptedPages, ScriptedSearch
from chainkit.testing.scripted_tasks import ANSWERS as TASKS
from chainkit.usage import Usage

VENDORS = (
    "bedrock:*",
    "openai:*",
    "anthropic:*",
    "cohere:*",
    "groq:*",
    "mistral:*",
    "google:*",
    "ollama:*",
    "hf:*",
    "voyage:*",
    "transformers:*",
    "local:*",
)


def answering() -> Run:
    """A run whose models answer from the table. Use it as `with answering():`."""
    web = {"web:*": ScriptedSearch(found_for), "fetch:*": ScriptedPages(PAGES)}
    return Run(models={**{name: Rehearsed(name) for name in VENDORS}, **web})


class Rehearsed:
    """Stands in for a vendor's models: what they are and cost is real, what they say is not."""

    def __init__(self, name: str) -> None:
        self._speaker = _speaker(name)
        self._script = ScriptedModel(self._speaker).script

    def stand_for(self, resolved: Resolved) -> Resolved:
        """The same model, answered by the script."""
        backend: Any = _Rehearsing(resolved.backend, self._script, self._speaker)
        return Resolved(resolved.provider, resolved.model, backend, resolved.profile)


class _Rehearsing:
    def __init__(self, real: Any, script: Any, speaker: Any) -> None:
        self._real = real
        self._script = script
        self._speaker = speaker
        self.render = real.render
        self.batch_item = getattr(real, "batch_item", None)
        self.batches = _Office() if getattr(real, "batches", None) is not None else None

    def batched(self, request: Any, status: int, body: Any) -> Reply:
        """What the script says to an item of a batch."""
        return Reply((Text(self._speaker(request.messages)),), usage=Usage(input=20, output=2))

    async def send(self, call: Any) -> Any:
        self._real.render(call.request)
        if call.request.kind in TASKS:
            return TASKS[call.request.kind](call.request, HEARD if call.request.kind == "transcribe" else None)
        return await self._script.send(call)

    def check(self, model: str | None = None) -> None:
        """No key is needed."""


class _Office:
    """Takes batches, and is done with them at once."""

    most = 1000

    def __init__(self) -> None:
        self._items: Any = ()

    async def submit(self, door: Any, model: str, items: Any) -> str:
        self._items = items
        return "batch-1"

    async def state(self, door: Any, id: str) -> BatchState:
        return BatchState(id, True, "completed", len(self._items), len(self._items))

    async def results(self, door: Any, state: BatchState) -> list[Answered]:
        return [Answered(item.name, 200, {}) for item in self._items]


def _speaker(name: str) -> Any:
    def say(messages: Messages) -> str:
        last = messages[-1]
        asked = last.text or " ".join(p.text for p in last.parts if isinstance(p, ToolResult))
        for who, about, said in ANSWERS:
            if fnmatchcase(name, who) and re.search(about, asked, re.S):
                return said(messages) if callable(said) else said
        raise AssertionError(f"no scripted answer for {name} to {asked!r:.300}: add a row to tests/docs/answers.py")

    return say
