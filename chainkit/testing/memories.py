"""What every memory of conversations must do, as cases that anyone can run against a memory of their own.

    from chainkit.testing import memory_conformance

    @pytest.mark.parametrize("case", memory_conformance(lambda folder: MyMemory(folder / "it")), ids=str)
    def test_my_memory_conforms(case, tmp_path):
        case.check(tmp_path)

`opened(folder)` opens the memory that lives in a folder; called again it opens the same one. A memory that nothing is left
of says `persists=False`; a server's takes the folder's name as that of its keys or tables.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chainkit.errors import CompositionError
from chainkit.memory.store import LONGEST, Memory
from chainkit.messages import (
    Media,
    Message,
    Messages,
    ServerItem,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    message,
)

if TYPE_CHECKING:
    from pathlib import Path

EVERYTHING = Messages(
    (
        message("system", "Be brief."),
        Message(
            "user", (Text("What is this? \0 \ud83d ß 😀\r\n"), Media("image", "image/png", b"\x89PNG\0\xff")), "ada"
        ),
        Message("user", (Media("document", "application/pdf", url="https://example.org/a.pdf", name="a.pdf"),)),
        Message(
            "assistant",
            (
                Thinking("hm", "signed", "anthropic", "t1", "sealed"),
                Text("I look.", phase="commentary"),
                ToolCall("look", {"at": ["it", None, 1.5, True], "ä": {"deep": 12345678901234567890}}, "c1"),
                ToolCall("broken", {}, None, "{not json"),
                ServerItem("openai", "web_search_call", {"id": "w", "status": "completed"}),
            ),
        ),
        Message("tool", (ToolResult("c1", "a cat", "look"), ToolResult(None, "", failed=True))),
        message("assistant", ""),
        Message("assistant", ()),
    )
)
"""A conversation with every kind of part."""
NAMES = (
    "ada",
    "Ada",
    "ADA ",
    "a/b",
    "../ada",
    ".",
    "con",
    "ä",
    "a\u0308",
    "日本",
    "😀",
    "a%2fb",
    "a\nb",
    "*",
    "x" * LONGEST,
)
"""Names that some file system or server would take for one another, or for something else."""


@dataclass(frozen=True, slots=True)
class MemoryCase:
    """One thing that a memory must do. `str(case)` is its name."""

    name: str
    scenario: Callable[[Held], None]
    opened: Callable[[Path], Memory]

    def __str__(self) -> str:
        return self.name

    def check(self, folder: Path) -> None:
        """Try it with the memory in that folder, which is empty. Raises AssertionError, or what the memory raised."""
        self.scenario(Held(self.opened, folder))


@dataclass(frozen=True, slots=True)
class Held:
    """A memory under test."""

    opened: Callable[[Path], Memory]
    folder: Path

    @contextmanager
    def open(self) -> Generator[Memory]:
        memory = self.opened(self.folder)
        try:
            yield memory
        finally:
            memory.close()


def memory_conformance(opened: Callable[[Path], Memory], *, persists: bool = True) -> list[MemoryCase]:
    """The cases for a memory. `opened(folder)` opens it; `persists` says that it can be opened again."""
    scenarios = {**_ALWAYS, **(_PERSISTING if persists else {})}
    return [MemoryCase(name, scenario, opened) for name, scenario in scenarios.items()]


def turn(number: int, by: object = "") -> Messages:
    """A question and its answer."""
    return Messages((message("user", f"question {number} {by}"), message("assistant", f"answer {number} {by}")))


def _is_empty(held: Held) -> None:
    with held.open() as memory:
        assert isinstance(memory, Memory)
        assert memory.turns("nobody") == Messages()
        assert memory.conversations() == []
        assert memory.note("nobody", "summary") is None
        memory.clear("nobody")


def _gives_back_exactly(held: Held) -> None:
    with held.open() as memory:
        memory.add("ada", EVERYTHING)
        found = memory.turns("ada")
        assert type(found) is Messages
        assert found == EVERYTHING
        assert found[3].parts[1] == EVERYTHING[3].parts[1]
        assert [getattr(p, "phase", None) for p in found[3].parts] == [None, "commentary", None, None, None]


def _keeps_the_order(held: Held) -> None:
    with held.open() as memory:
        for number in range(30):
            memory.add("ada", turn(number))
        memory.add("ada", ())
        assert memory.turns("ada") == Messages(m for n in range(30) for m in turn(n))


def _tells_conversations_apart(held: Held) -> None:
    with held.open() as memory:
        for number, name in enumerate(NAMES):
            memory.add(name, turn(number))
            memory.set_note(name, "summary", f"of {number}")
        assert memory.conversations() == sorted(NAMES)
        for number, name in enumerate(NAMES):
            assert memory.turns(name) == turn(number), name
            assert memory.note(name, "summary") == f"of {number}", name


def _refuses_names(held: Held) -> None:
    with held.open() as memory:
        for bad in ("", "a\0b", "\ud800", "x" * (LONGEST + 1)):
            assert _refused(memory.turns, bad), repr(bad)
            assert _refused(memory.clear, bad), repr(bad)
            assert _refused(memory.add, bad, turn(1)), repr(bad)
            assert _refused(memory.note, bad, "summary"), repr(bad)
            assert _refused(memory.set_note, bad, "summary", "text"), repr(bad)
        assert memory.conversations() == []


def _refused(use: Callable[..., object], *given: object) -> bool:
    try:
        use(*given)
    except CompositionError:
        return True
    return False


def _forgets(held: Held) -> None:
    with held.open() as memory:
        memory.add("ada", turn(1))
        memory.add("bob", turn(2))
        memory.set_note("ada", "summary", "text")
        memory.clear("ada")
        assert memory.turns("ada") == ()
        assert memory.note("ada", "summary") is None
        assert memory.conversations() == ["bob"]
        memory.add("ada", turn(3))
        assert memory.turns("ada") == turn(3)
        assert memory.turns("bob") == turn(2)


def _keeps_notes(held: Held) -> None:
    with held.open() as memory:
        memory.set_note("ada", "summary", "first")
        memory.set_note("ada", "summary", "second \0 ß 😀\n\ud800")
        memory.set_note("ada", "other", "")
        assert memory.note("ada", "summary") == "second \0 ß 😀\n\ud800"
        assert memory.note("ada", "other") == ""
        assert memory.note("ada", "third") is None
        assert memory.turns("ada") == ()
        assert memory.conversations() == []


def _takes_long_turns(held: Held) -> None:
    long = Messages(
        (message("user", "wörter " * 50_000), Message("assistant", (Media("image", "image/png", bytes(300_000)),)))
    )
    with held.open() as memory:
        memory.add("ada", long)
        assert memory.turns("ada") == long


def _is_shared_by_threads(held: Held) -> None:
    with held.open() as memory:
        _by_threads([memory] * 4)


def _is_shared_by_openers(held: Held) -> None:
    with held.open() as one, held.open() as two:
        _by_threads([one, two, one, two])


def _by_threads(memories: list[Memory]) -> None:
    """Each writes; then nothing is lost, nothing stands twice, each's own are in order, and turns stand together."""
    errors: list[BaseException] = []

    def write(by: int) -> None:
        try:
            for number in range(15):
                memories[by].add("ada", turn(number, by))
                memories[by].turns("ada")
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=write, args=(by,)) for by in range(len(memories))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    found = memories[0].turns("ada")
    pairs = [Messages(found[i : i + 2]) for i in range(0, len(found), 2)]
    for by in range(len(memories)):
        assert [p for p in pairs if p[0].text.endswith(f" {by}")] == [turn(n, by) for n in range(15)]
    assert len(pairs) == 15 * len(memories)


def _can_be_closed_twice(held: Held) -> None:
    with held.open() as memory:
        memory.close()


def _is_there_again(held: Held) -> None:
    with held.open() as memory:
        memory.add("ada", EVERYTHING)
        memory.set_note("ada", "summary", "text")
    with held.open() as again:
        assert again.turns("ada") == EVERYTHING
        assert again.note("ada", "summary") == "text"
        again.add("ada", turn(1))
        assert again.turns("ada") == EVERYTHING + turn(1)


_ALWAYS: dict[str, Callable[[Held], None]] = {
    "is empty at first": _is_empty,
    "gives back exactly what was added": _gives_back_exactly,
    "keeps the order": _keeps_the_order,
    "tells conversations apart": _tells_conversations_apart,
    "refuses what is no name": _refuses_names,
    "forgets one conversation": _forgets,
    "keeps notes": _keeps_notes,
    "takes long turns": _takes_long_turns,
    "is shared by threads": _is_shared_by_threads,
    "can be closed twice": _can_be_closed_twice,
}
_PERSISTING: dict[str, Callable[[Held], None]] = {
    "is shared by openers": _is_shared_by_openers,
    "is there again": _is_there_again,
}
