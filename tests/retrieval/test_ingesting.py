"""Documents into a store: only what has changed, whole documents only, and nothing lost where something fails."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from chainkit import Run, index
from chainkit.documents import Document
from chainkit.errors import BadRequest, CompositionError, ConnectionFailed
from chainkit.retrieval.embedding import embedding
from chainkit.retrieval.ingesting import Ingest, Stamp, contents
from chainkit.retrieval.memory import MemoryStore
from chainkit.retrieval.splitting import recursive
from chainkit.testing import ScriptedEmbedder

NAMES = st.sampled_from(["a.md", "b.txt", "sub/c.md", "d.html"])
TEXTS = st.sampled_from(["alpha one", "beta two", "# Head\n\ngamma three", "alpha delta", "", "ünïcode 九"])


class Following(RuleBasedStateMachine):
    """Whatever happens to the files, a refreshed index is the index that is made anew."""

    def __init__(self) -> None:
        super().__init__()
        import tempfile

        self._folder = tempfile.TemporaryDirectory()
        self.folder = Path(self._folder.name) / "docs"
        (self.folder / "sub").mkdir(parents=True)
        self.write("a.md", "alpha one")
        self.clock = 1_700_000_000
        self.held = index(self.folder, path=Path(self._folder.name) / "it.index")

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text, encoding="utf-8")

    @rule(name=NAMES, text=TEXTS)
    def change(self, name: str, text: str) -> None:
        self.write(name, text)
        self.clock += 1
        os.utime(self.folder / name, (self.clock, self.clock))

    @rule(name=NAMES)
    def delete(self, name: str) -> None:
        (self.folder / name).unlink(missing_ok=True)
        if not any(p.is_file() for p in self.folder.rglob("*")):
            self.change("a.md", "alpha one")

    @rule(name=NAMES)
    def touch(self, name: str) -> None:
        if (self.folder / name).exists():
            self.clock += 1
            os.utime(self.folder / name, (self.clock, self.clock))

    @rule()
    def reopen(self) -> None:
        self.held.close()
        self.held = index(self.folder, path=Path(self._folder.name) / "it.index")

    @invariant()
    def is_as_if_made_anew(self) -> None:
        self.held.refresh()
        anew = index(self.folder)
        assert {d.id: d.text for d in self.held} == {d.id: d.text for d in anew}
        for question in ("alpha", "gamma head", "九"):
            one, other = ({(r.document.key, r.text) for r in i.search(question, 9)} for i in (self.held, anew))
            assert one == other
        assert self.held.refresh() == 0

    def teardown(self) -> None:
        self.held.close()
        self._folder.cleanup()


Following.TestCase.settings = settings(max_examples=12, stateful_step_count=8, deadline=None)
TestFollowing = Following.TestCase


@dataclass
class Fake:
    """A source whose documents are given."""

    id: str
    texts: list[str]
    version: str = "1"
    error: Exception | None = None
    read_times: int = field(default=0)

    def stamp(self) -> str:
        return self.version

    def read(self):
        self.read_times += 1
        for n, text in enumerate(self.texts, 1):
            yield Document(self.id if n == 1 else f"{self.id}#part={n}", text, {"source": self.id})
        if self.error is not None:
            raise self.error


def ingest(store, embed=None) -> Ingest:
    return Ingest(store, recursive(200), embedding(embed))


def test_a_source_of_several_parts_is_replaced_as_a_whole() -> None:
    store = MemoryStore()
    long = Fake("big.txt", ["one", "two", "three"])
    assert ingest(store).follow([long]) == (3, [])
    assert sorted(store.stamps()) == ["big.txt", "big.txt#part=2", "big.txt#part=3"]
    assert ingest(store).follow([long]) == (0, []) and long.read_times == 1
    shorter = Fake("big.txt", ["one", "zwei"], version="2")
    changed, errors = ingest(store).follow([shorter])
    assert (changed, errors) == (1, []) and sorted(store.stamps()) == ["big.txt", "big.txt#part=2"]
    assert store.get(["big.txt#part=2"])[0].document.text == "zwei"
    assert ingest(store).follow([]) == (2, []) and store.stamps() == {}


def test_the_head_of_a_source_is_put_last() -> None:
    order: list[str] = []

    class Watched(MemoryStore):
        def put(self, entries):
            order.extend(e.document.id for e in entries)
            super().put(entries)

    ingest(Watched()).follow([Fake("x", ["one", "two", "three"])])
    assert order == ["x#part=2", "x#part=3", "x"]


def test_an_unchanged_head_gets_its_new_stamp_after_the_parts_that_changed() -> None:
    told: list[str] = []

    class Watched(MemoryStore):
        def put(self, entries):
            told.extend(f"put {e.document.id}" for e in entries)
            super().put(entries)

        def restamp(self, id, stamp):
            told.append(f"restamp {id}")
            super().restamp(id, stamp)

    store = Watched()
    ingest(store).follow([Fake("x", ["one", "two"])])
    told.clear()
    assert ingest(store).follow([Fake("x", ["one", "zwei"], version="2")]) == (1, [])
    assert told == ["put x#part=2", "restamp x"]
    assert ingest(store).follow([Fake("x", ["one", "zwei"], version="2")]) == (0, [])


def test_what_cannot_be_read_any_more_goes_and_what_cannot_be_reached_stays() -> None:
    store = MemoryStore()
    ingest(store).follow([Fake("a", ["one"]), Fake("b", ["two"])])
    broken = Fake("a", [], "2", ValueError("it is encrypted"))
    down = Fake("b", [], "2", ConnectionFailed("the server is down"))
    changed, errors = ingest(store).follow([broken, down])
    assert [e.path for e in errors] == ["a", "b"] and "encrypted" in str(errors[0])
    assert changed == 1 and list(store.stamps()) == ["b"]


def test_documents_added_by_hand_follow_no_file() -> None:
    store = MemoryStore()
    ingest(store).add([Document("mine", "words")])
    assert ingest(store).follow([Fake("a", ["one"])]) == (1, [])
    assert ingest(store).follow([]) == (1, []) and list(store.stamps()) == ["mine"]


def test_a_failing_embedder_loses_nothing_and_the_rest_comes_later() -> None:
    store = MemoryStore()
    sources = [Fake(f"s{n}", [f"word{n} " * 150]) for n in range(6)]
    failing = ScriptedEmbedder(lambda texts: (_ for _ in ()).throw(BadRequest("too long", status=400)))
    with pytest.raises(BadRequest):
        ingest(store, failing).follow(sources)
    assert store.stamps() == {}
    assert ingest(store, ScriptedEmbedder()).follow(sources) == (6, [])


def test_progress_is_told_before_each_source_and_at_the_end() -> None:
    told: list[tuple[int, int, str]] = []
    ingest(MemoryStore()).follow([Fake("a", ["x"]), Fake("b", ["y"])], lambda *now: told.append(now))
    assert told == [(0, 2, "a"), (1, 2, "b"), (2, 2, "")]


def test_many_chunks_are_embedded_in_few_requests() -> None:
    with Run(keep=True) as run:
        index([Document(f"d{n}", f"word{n}") for n in range(300)], embed=ScriptedEmbedder(), run=run)
    assert run.calls <= 4


@given(st.text(alphabet="ab|:", max_size=8), st.text(alphabet="0f", min_size=1, max_size=3))
def test_a_stamp_reads_what_it_wrote(source: str, content: str) -> None:
    held = Stamp(source, content, "s", "e")
    assert Stamp.of(str(held)) == held


def test_a_strangers_stamp_is_none_of_ours() -> None:
    assert Stamp.of("") is None and Stamp.of("v1") is None


def test_only_the_files_own_time_does_not_count_as_content() -> None:
    document = Document("a", "x", {"modified": "2024", "title": "t"})
    assert contents(document) == contents(replace(document, metadata={"modified": "2025", "title": "t"}))
    assert contents(document) != contents(replace(document, metadata={"modified": "2024", "title": "u"}))


def test_half_a_character_is_refused_with_its_place() -> None:
    with pytest.raises(CompositionError, match=r"half a character at 3: '\\ud800'"):
        index([Document("a", "abc\ud800")])


@pytest.mark.parametrize("items", [[3], [None], [["deep", 4]]])
def test_what_is_no_document_is_refused(items) -> None:
    with pytest.raises(CompositionError, match="takes texts and Documents"):
        index(items)


def test_documents_may_come_from_anything_that_iterates() -> None:
    held = index(Document(f"d{n}", "word") for n in range(3))
    held.add("one text", [Document("x", "word")], (d for d in [Document("y", "word")]))
    assert len(held) == 6
