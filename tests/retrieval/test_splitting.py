import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainkit import step
from chainkit.documents import Chunk, Document
from chainkit.errors import CompositionError
from chainkit.retrieval.splitting import (
    automatic,
    by_code,
    by_heading,
    by_sentence,
    by_tokens,
    recursive,
    semantic,
    split,
)
from chainkit.retrieval.splitting.spans import within
from chainkit.testing import ScriptedModel

PARTS = [
    "# A title\n",
    "## Below\n\n",
    "A sentence. ",
    "Noch ein Satz! ",
    "z. B. Dr. Meier ",
    "word ",
    "\n\n",
    "\n",
    "x" * 90,
    "```\n# no heading\n\nx\n```\n",
    "```open\n",
    "| a | b |\n|---|---|\n| 1 | 2 |\n",
    "„Zitat.“ ",
    " ",
    "日本語の文。中国的句子！",
    "e\u0301e\u0301e\u0301",
    "👩\u200d👩\u200d👧\u200d👦👍🏽🇩🇪🇫🇷",
    "\r\n",
    "\f",
    "def f():\n    return 1\n",
]
TEXTS = st.lists(st.sampled_from(PARTS), max_size=40).map("".join)
CHEAP = settings(max_examples=150, derandomize=True, deadline=None)


def lengths(texts: list[str]) -> list[list[float]]:
    return [[1.0, float(len(t) % 7), float(t.count("e"))] for t in texts]


def words(text: str) -> int:
    return len(text.split())


# Each with the size that it promises to keep to.
SPLITTERS = [
    recursive(40),
    recursive(200),
    by_heading(2, size=60),
    by_heading(6, size=300),
    by_sentence(2, size=80),
    by_code("go", size=60),
    by_code("python", size=60),
    semantic(step(lengths), percentile=50, least=10, size=90),
    automatic(70),
]
IDS = [f"{type(s).__name__}-{s.size}" for s in SPLITTERS]


def in_order(text: str, chunks: list[Chunk]) -> None:
    for chunk in chunks:
        assert text[chunk.start : chunk.end] == chunk.text
        assert chunk.text.strip()
    assert [c.start for c in chunks] == sorted({c.start for c in chunks})
    assert [c.end for c in chunks] == sorted({c.end for c in chunks})
    covered = bytearray(len(text))
    for chunk in chunks:
        covered[chunk.start : chunk.end] = b"x" * (chunk.end - chunk.start)
    assert all(c or text[i].isspace() for i, c in enumerate(covered))


@pytest.mark.parametrize("splitter", SPLITTERS, ids=IDS)
@CHEAP
@given(text=TEXTS | st.text(max_size=300))
def test_chunks_are_their_spans_in_order_and_hold_all_but_white_space(splitter, text: str) -> None:
    chunks = splitter.split(Document("d", text))
    in_order(text, chunks)
    assert all(len(c.text) <= splitter.size for c in chunks)
    assert all(a.end <= b.start for a, b in zip(chunks, chunks[1:])), "chunks overlap"


@CHEAP
@given(TEXTS | st.text(max_size=300), st.integers(1, 120))
def test_any_size_is_kept(text: str, size: int) -> None:
    chunks = split(Document("d", text), size)
    in_order(text, chunks)
    assert all(len(c.text) <= size for c in chunks)


@CHEAP
@given(TEXTS | st.text(max_size=300), st.integers(2, 120), st.data())
def test_an_overlap_is_at_most_what_was_asked_for(text: str, size: int, data: st.DataObject) -> None:
    overlap = data.draw(st.integers(1, size - 1))
    chunks = recursive(size, overlap=overlap).split(Document("d", text))
    in_order(text, chunks)
    assert all(len(c.text) <= size for c in chunks)
    assert all(a.end - b.start <= overlap for a, b in zip(chunks, chunks[1:]))


@CHEAP
@given(TEXTS | st.text(max_size=300), st.integers(1, 30), st.data())
def test_tokens_are_counted_by_whoever_was_named(text: str, size: int, data: st.DataObject) -> None:
    overlap = data.draw(st.integers(0, size - 1))
    chunks = by_tokens(size, overlap=overlap, count=words).split(Document("d", text))
    in_order(text, chunks)
    assert all(words(c.text) <= size for c in chunks)


@CHEAP
@given(
    st.lists(st.sampled_from(["e\u0301", "👩\u200d👧", "👍🏽", "🇩🇪", "ß", "a" * 9]), max_size=40).map("".join),
    st.integers(5, 40),
)
def test_no_letter_is_parted_from_its_accent_and_no_emoji_is_cut(text: str, size: int) -> None:
    for chunk in split(Document("d", text), size):
        assert not within(text, chunk.start)
        assert not unicodedata.combining(chunk.text[0])


@CHEAP
@given(TEXTS.filter(lambda t: "`" not in t), st.integers(10, 120))
def test_a_chunk_that_is_split_again_stays_whole(text: str, size: int) -> None:
    for chunk in split(Document("d", text), size):
        assert [c.text for c in split(Document("d", chunk.text), size)] == [chunk.text]


def test_an_overlap_begins_where_a_sentence_does_else_a_word() -> None:
    text = "One two three four. Five six seven eight. Nine ten eleven twelve. " + "abc " * 30
    chunks = recursive(60, overlap=25).split(Document("d", text))
    assert chunks[0].text == "One two three four. Five six seven eight."
    assert chunks[1].text.startswith("Five six seven eight. Nine ten")
    assert all(text[c.start - 1] == " " for c in chunks[1:])
    assert all(b.start < a.end for a, b in zip(chunks, chunks[1:]))


def test_a_passage_knows_the_headings_that_lead_to_it() -> None:
    text = "# Shop\n\nWe sell.\n\n## Hours\n\nNine to six.\n\n# Jobs ##\n\nNone in C#.\n\n# C#\n\nSharp."
    headings = {p.text.splitlines()[-1]: p.headings for p in split(Document("d", text))}
    assert headings == {
        "We sell.": ("Shop",), "Nine to six.": ("Shop", "Hours"), "None in C#.": ("Jobs",), "Sharp.": ("C#",),
    }  # fmt: skip


def test_a_hash_in_a_code_block_is_no_heading() -> None:
    assert [p.headings for p in split(Document("d", "# A\n\n```\n# not\n```\nafter"))] == [("A",)]
    assert [p.headings for p in split(Document("d", "# A\n\n~~~~ py\n~~~\n# not\n~~~~\n## B\nafter"))] == [
        ("A",),
        ("A", "B"),
    ]


def test_a_fence_that_never_closes_hides_no_heading() -> None:
    assert [p.headings for p in split(Document("d", "```\n# A\nx\n# B\ny"))] == [(), ("A",), ("B",)]


FENCE = "```python\nx = 1\n\n\ny = 2\n\nz = 3\n```"
TABLE = "| a | b |\n|---|---|\n| 1 | 2 |\n| 3 | 4 |"


@pytest.mark.parametrize("block", [FENCE, TABLE])
@pytest.mark.parametrize("before", ["Some words here. " * n for n in range(1, 9)])
@pytest.mark.parametrize("overlap", [0, 20])
def test_what_fits_of_code_and_tables_is_not_cut(block: str, before: str, overlap: int) -> None:
    text = f"# T\n\n{before}\n\n{block}\n\n{before}"
    chunks = recursive(100, overlap=overlap).split(Document("d", text))
    in_order(text, chunks)
    assert any(block in c.text for c in chunks), [c.text for c in chunks]


def test_a_heading_does_not_stand_alone_before_a_long_paragraph() -> None:
    text = "# Title\n\n" + "This is a sentence of some length. " * 12
    assert all(len(c.text) > 100 for c in split(Document("d", text), 300))


def test_white_space_on_a_blank_line_makes_no_difference() -> None:
    for blank in ("\n\n", "\n  \n", "\r\n\r\n", "\n\t\n\n"):
        text = blank.join(["One. Two three four five."] * 4)
        assert [c.text for c in split(Document("d", text), 60)] == [
            f"One. Two three four five.{blank}One. Two three four five."
        ] * 2


def test_a_chunk_has_the_metadata_of_its_place() -> None:
    document = Document("d", "aaa bbb\n\nccc ddd", {"title": "T"}, ((0, {"page": 1}), (9, {"page": 2})))
    assert [c.metadata for c in split(document, 8)] == [{"title": "T", "page": 1}, {"title": "T", "page": 2}]


def test_headings_down_to_a_level_are_chunks() -> None:
    text = "Intro.\n\n# A\n\nx\n\n## B\n\ny\n\n### C\n\nz\n\n# D\n\nw"
    chunks = by_heading(2).split(Document("d", text))
    assert [(c.headings, c.text.split()[-1]) for c in chunks] == [
        ((), "Intro."), (("A",), "x"), (("A", "B"), "z"), (("D",), "w"),
    ]  # fmt: skip
    short = by_heading(1, size=12).split(Document("d", text))
    assert [c.headings for c in short] == [(), ("A",), ("A", "B"), ("A", "B", "C"), ("D",)]


def test_sentences_come_so_many_at_once_and_overlap() -> None:
    text = "# H\n\nOne is here. Two is z. B. here! Three? Four.\n\n## I\n\nFive."
    chunks = by_sentence(2, overlap=1).split(Document("d", text))
    assert [c.text for c in chunks] == [
        "# H\n\nOne is here. Two is z. B. here!", "Two is z. B. here! Three?", "Three? Four.", "## I\n\nFive.",
    ]  # fmt: skip


def test_meaning_turns_where_neighbours_differ_most() -> None:
    def about(texts: list[str]) -> list[list[float]]:
        return [[float(t.count("cat")), float(t.count("tax")) + 0.01] for t in texts]

    text = "The cat sat. A cat ran. My cat ate. The tax rose. A tax fell. Your tax is due."
    cut = semantic(step(about), percentile=80, least=10, around=0).split(Document("d", text))
    assert [c.text for c in cut] == [
        "The cat sat. A cat ran. My cat ate.",
        "The tax rose. A tax fell. Your tax is due.",
    ]


def test_a_text_of_one_sentence_asks_no_embedder() -> None:
    def never(texts: list[str]) -> list[list[float]]:
        raise AssertionError(texts)

    assert [c.text for c in semantic(step(never)).split(Document("d", "One."))] == ["One."]
    assert semantic(step(never)).split(Document("d", " \n")) == []


def test_splitters_are_values() -> None:
    assert recursive(100, overlap=5) == recursive(100, overlap=5) != recursive(100)
    assert repr(by_tokens(9, count=words)) == f"ByTokens(size=9, overlap=0, count={__name__}:words)"
    assert len({by_heading(1), by_heading(1), by_heading(2)}) == 2


def test_a_splitter_is_a_step_of_a_chain() -> None:
    chain = step(lambda text: Document("d", text)) | by_sentence(1) | (lambda chunks: [c.text for c in chunks])
    assert chain.invoke("One. Two.") == ["One.", "Two."]


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: recursive(0),
        lambda: recursive(10, overlap=10),
        lambda: recursive(10, overlap=-1),
        lambda: by_heading(0),
        lambda: by_sentence(2, overlap=2),
        lambda: by_tokens(0),
        lambda: by_tokens(count=7),
        lambda: semantic(""),
        lambda: semantic("local:minilm", percentile=101),
        lambda: by_code(size=0),
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong) -> None:
    with pytest.raises(CompositionError):
        wrong()


def test_a_tokenizer_counts() -> None:
    class Spaced:
        def encode(self, text: str, add_special_tokens: bool = True) -> list[str]:
            return [*(["<s>"] if add_special_tokens else []), *text.split()]

    chunks = by_tokens(3, count=Spaced()).split(Document("d", "a b c d e f g"))
    assert [c.text for c in chunks] == ["a b c", "d e f", "g"]


def test_without_a_counter_tokens_are_estimated() -> None:
    chunks = by_tokens(20).split(Document("d", "The quick brown fox jumps. " * 20))
    assert [c.text.count(".") for c in chunks] == [3] * 6 + [2]


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    [
        "x" * 300_000,
        "```a\n" * 60_000,
        "|" * 300_000,
        "# a\n" * 60_000,
        "a. " * 100_000,
        "\n" * 300_000,
        " " * 300_000 + "x",
    ],
)
def test_odd_texts_cost_no_more_than_others(text: str) -> None:
    for splitter in (recursive(800, overlap=50), by_heading(), by_sentence(), by_code()):
        in_order(text, splitter.split(Document("d", text)))


def test_a_real_tokenizer_counts_without_its_special_tokens() -> None:
    tokenizers = pytest.importorskip("tokenizers")
    held = tokenizers.Tokenizer(tokenizers.models.WordLevel({"a": 0, "b": 1, "[UNK]": 2}, unk_token="[UNK]"))
    held.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    held.post_processor = tokenizers.processors.TemplateProcessing(
        single="[UNK] $A [UNK]", special_tokens=[("[UNK]", 2)]
    )
    splitter = by_tokens(4, overlap=1, count=held)
    assert [c.text for c in splitter.split(Document("d", "a b a b a b a"))] == ["a b a b", "b a b a"]
    assert repr(splitter) == "ByTokens(size=4, overlap=1, count=Tokenizer(3))"


def test_a_model_counts() -> None:
    chunks = by_tokens(12, count=ScriptedModel("never asked")).split(Document("d", "The quick brown fox jumps. " * 3))
    assert [c.text.count(".") for c in chunks] == [1, 1, 1]
