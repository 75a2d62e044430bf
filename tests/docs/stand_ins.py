"""What models say while the documentation runs: nothing leaves this machine.

A recipe names real models. `answering()` is a run in which scripted ones stand in their places; each takes
the first row of `answers.ANSWERS` that fits its name and the end of the conversation.
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import Any

from answers import ANSWERS
from chainkit import Messages, Run
from chainkit.testing.scripted import ScriptedModel

NAMES = ("openai:*", "anthropic:*", "cohere:*", "groq:*", "mistral:*", "ollama:*", "vllm:*", "local:*")


def answering() -> Run:
    """A run whose models answer from the table. Use it as `with answering():`."""
    return Run(models={name: ScriptedModel(_speaker(name)) for name in NAMES})


def _speaker(name: str) -> Any:
    def say(messages: Messages) -> str:
        asked = messages[-1].text
        for who, about, said in ANSWERS:
            if fnmatchcase(name, who) and re.search(about, asked, re.S):
                return said(messages) if callable(said) else said
        raise AssertionError(f"no scripted answer for {name} to {asked!r:.300}: add a row to tests/docs/answers.py")

    return say
