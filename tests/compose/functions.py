"""Functions and classes that a dump may name: in a module, as a user has them."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import BaseModel

from chainkit import index
from chainkit.memory import SqliteMemory
from chainkit.testing import ScriptedEmbedder


class Book(BaseModel):
    title: str


@dataclass
class Pair:
    a: object
    b: object


def shout(text: object) -> str:
    return str(text).upper()


async def later(text: object) -> str:
    return f"{text}!"


def is_long(text: object) -> bool:
    return len(str(text)) > 2


def letters(text: object) -> list[str]:
    return list(str(text))


def lowered(reply: object) -> str:
    return str(reply).lower()


def _private(text: object) -> str:
    return str(text)


class Tools:
    @staticmethod
    def shout(text: object) -> str:
        return str(text).upper()


def compare(question: object, a: object, b: object) -> str:
    return "first" if str(a) >= str(b) else "second"


def alike(one: object, other: object) -> float:
    return float(one == other)


def size(text: object) -> int:
    return len(str(text))


def look(at: str, often: int = 1) -> str:
    """Look there."""
    return at * often


WIKI = index(["The shop opens at nine."], embed=ScriptedEmbedder(), name="dumped_functions:WIKI")


CHATS = SqliteMemory()
CHATS.name, CHATS.where = "dumped_functions", "CHATS"  # what a dump calls it


def newest(turns: object) -> object:
    return turns
