import ast
from pathlib import Path

import pytest

from chainkit import index
from chainkit.documents import Document
from chainkit.retrieval.splitting import ByCode, Recursive, automatic, by_code

PYTHON = '''"""About."""

import os


# It stands above f.
@decorated
def f(a):
    return a


class Shop:
    """Sells."""

    def opens(self):
        x = 1

        return x

    @property
    def closes(self):
        return 2


def g():
    pass
'''
GO = """package main

import "fmt"

func (s *Shop) Opens(a int) int {
	x := a

	return x
}

type Shop struct {
	name string
}

func main() {
	fmt.Println("hi")
}
"""


def texts(splitter, text: str) -> list[str]:
    return [c.text for c in splitter.split(Document("d", text))]


def test_functions_and_classes_are_chunks_with_what_stands_above_them() -> None:
    found = texts(by_code("python", size=100), PYTHON)
    assert any("# It stands above f.\n@decorated\ndef f(a):\n    return a" in t for t in found)
    assert any(t.startswith("class Shop") for t in found)


def test_a_class_that_does_not_fit_is_cut_between_its_methods_and_names_it() -> None:
    chunks = by_code("python", size=90).split(Document("d", PYTHON))
    method = next(c for c in chunks if "def closes" in c.text)
    assert method.headings == ("Shop",)
    assert method.text.startswith("    @property\n")
    assert method.text.endswith("return 2")


@pytest.mark.parametrize("size", [200, 800, 1600])
def test_each_chunk_of_this_library_begins_at_a_line_and_ends_at_one(size: int) -> None:
    for path in sorted(Path(ast.__file__).parent.glob("c*.py"))[:8]:
        text = path.read_text()
        chunks = by_code("python", size=size).split(Document("d", text))
        assert "".join("".join(c.text.split()) for c in chunks) == "".join(text.split())
        assert all(len(c.text) <= size for c in chunks)
        whole = [c for c in chunks if c.start == 0 or text[c.start - 1] == "\n"]
        assert len(whole) >= 0.8 * len(chunks)


def test_what_does_not_parse_is_cut_by_its_layout() -> None:
    assert texts(by_code("python", size=60), PYTHON + "\nprint 1\n")[-1].endswith("print 1")


def test_other_languages_go_by_blank_lines_and_indentation() -> None:
    found = texts(by_code("go", size=70), GO)
    assert found == [
        'package main\n\nimport "fmt"',
        "func (s *Shop) Opens(a int) int {\n\tx := a\n\n\treturn x\n}",
        'type Shop struct {\n\tname string\n}\n\nfunc main() {\n\tfmt.Println("hi")\n}',
    ]


def test_a_long_function_of_another_language_says_its_name() -> None:
    chunks = by_code("go", size=45).split(Document("d", GO))
    assert next(c for c in chunks if "return x" in c.text).headings == ("Opens",)


def test_the_splitter_that_fits_is_chosen() -> None:
    chosen = automatic(500).chosen
    assert chosen(Document("a.py", "")) == ByCode("python", 500)
    assert chosen(Document("x", "", {"source": "https://example.org/lib/Shop.GO"})) == ByCode("go", 500)
    assert chosen(Document("x", "", {"language": "rust"})) == ByCode("rust", 500)
    assert chosen(Document("x", "", {"language": "de"})) == Recursive(500)
    assert chosen(Document("a.md", "# A")) == Recursive(500)


def test_rows_of_a_table_stay_whole() -> None:
    rows = ["name | age", "name: Ada | age: 36", "name: Bob | age: 7", "name: " + "Eve " * 20 + "| age: 1"]
    starts = [sum(len(r) + 1 for r in rows[:n]) for n in range(len(rows))]
    document = Document("t.csv", "\n".join(rows), {}, tuple((s, {"row": n}) for n, s in enumerate(starts, 1)))
    chunks = automatic(40).split(document)
    assert [c.text for c in chunks][:2] == ["\n".join(rows[:2]), rows[2]]
    assert [c.metadata["row"] for c in chunks] == [1, 3, 4, 4, 4]


def test_an_index_takes_no_comment_for_a_heading() -> None:
    held = index([Document("bells.py", "# Bells\nx = 1\n\n# Horns\ny = 2\n"), Document("bells.md", "# Bells\n\nRing.")])
    assert {r.document.id: r.document.headings for r in held.search("bells", 5)} == {
        "bells.py": (),
        "bells.md": ("Bells",),
    }
