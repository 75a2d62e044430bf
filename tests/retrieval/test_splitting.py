from hypothesis import given, settings
from hypothesis import strategies as st

from chainkit.documents import Document
from chainkit.retrieval.splitting import split

TEXTS = st.lists(
    st.sampled_from(
        [
            "# A title\n",
            "## Below\n\n",
            "A sentence. ",
            "Noch ein Satz! ",
            "word ",
            "\n\n",
            "\n",
            "x" * 90,
            "```\n# no heading\n```\n",
            "„Zitat.“ ",
            " ",
            "ß😀 ",
        ]
    ),
    max_size=40,
).map("".join)


@settings(max_examples=300, derandomize=True, deadline=None)
@given(TEXTS | st.text(max_size=300), st.integers(5, 120))
def test_each_passage_is_its_span_and_together_they_hold_all_the_text(text: str, size: int) -> None:
    chunks = split(Document("d", text), size)
    covered = [False] * len(text)
    for chunk in chunks:
        assert text[chunk.start : chunk.end] == chunk.text
        assert 0 < len(chunk.text) <= size
        for i in range(chunk.start, chunk.end):
            assert not covered[i], "chunks overlap"
            covered[i] = True
    assert all(c or text[i].isspace() for i, c in enumerate(covered))


def test_a_passage_knows_the_headings_that_lead_to_it() -> None:
    text = "# Shop\n\nWe sell.\n\n## Hours\n\nNine to six.\n\n# Jobs\n\nNone."
    headings = {p.text.splitlines()[-1]: p.headings for p in split(Document("d", text))}
    assert headings == {"We sell.": ("Shop",), "Nine to six.": ("Shop", "Hours"), "None.": ("Jobs",)}


def test_a_hash_in_a_code_block_is_no_heading() -> None:
    assert [p.headings for p in split(Document("d", "# A\n\n```\n# not\n```\nafter"))] == [("A",)]
