"""Documents in: what is listed, in which parts it comes, what is told of the rest."""

from __future__ import annotations

import json
import os
import sys
from datetime import datetime, timezone
from pathlib import Path

import pytest

sys.path.insert(0, os.path.dirname(__file__))

from chainkit.errors import ChainkitError, CompositionError
from chainkit.retrieval import load
from chainkit.retrieval.loading import origin, sources
from loading_files import only, pdf_of

docx = pytest.importorskip("docx")
pptx = pytest.importorskip("pptx")
openpyxl = pytest.importorskip("openpyxl")
pypdf = pytest.importorskip("pypdf")


def test_a_folder_means_its_files_of_known_kinds_and_nothing_hidden(tmp_path) -> None:
    for name in (
        "b.md",
        "a.txt",
        "in/c.py",
        ".git/d.md",
        "node_modules/e.md",
        "__pycache__/f.py",
        ".g.md",
        "h.bin",
        "README",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "linked.md").symlink_to(tmp_path / "b.md")
    names = [os.path.relpath(s.id, tmp_path) for s in sources(tmp_path)]
    assert names == ["README", "a.txt", "b.md", "in/c.py", "linked.md"]
    assert [Path(s.id).name for s in sources(tmp_path, kinds=["code", ".txt"])] == ["a.txt", "c.py"]
    assert [Path(s.id).name for s in sources(tmp_path, exclude=["in", "*.md"])] == ["README", "a.txt"]
    assert [Path(s.id).name for s in sources(str(tmp_path / "**/*.md"))] == ["b.md", "linked.md"]
    assert [Path(s.id).name for s in sources(str(tmp_path / "i*/**"))] == ["c.py"]
    assert [Path(s.id).name for s in sources(str(tmp_path / "**.txt"))] == ["a.txt"]
    assert [Path(s.id).name for s in sources(str(tmp_path / ".*/*.md"))] == ["d.md"]


def test_ids_keep_the_form_in_which_a_path_was_given(tmp_path, monkeypatch) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in/a.md").write_text("x")
    monkeypatch.chdir(tmp_path)
    assert [s.id for s in sources("in")] == ["in/a.md"] == [d.id for d in load("in/*.md")]
    assert [s.id for s in sources(["in", Path("in/a.md"), str(tmp_path)])] == ["in/a.md", str(tmp_path / "in/a.md")]


def test_a_stamp_is_time_and_size_and_opens_nothing(tmp_path) -> None:
    path = tmp_path / "a.md"
    path.write_text("x")
    (source,) = sources(path)
    about = path.stat()
    assert source.stamp() == f"{about.st_mtime_ns}:{about.st_size}"
    path.unlink()
    with pytest.raises(ValueError, match="No such file"):
        source.stamp()
    with pytest.raises(ValueError, match="No such file"):
        next(source.read())


def test_a_long_text_is_read_in_parts_that_join_to_the_whole(tmp_path) -> None:
    whole = "# Title\n" + "".join(f"line {n} äöü\n" for n in range(3000)) + "x" * 25_000
    (tmp_path / "a.md").write_text(whole)
    found = list(load(tmp_path, part_size=10_000))
    assert "".join(d.text for d in found) == whole and len(found) > 4
    assert [d.id for d in found[:2]] == [str(tmp_path / "a.md"), f"{tmp_path / 'a.md'}#part=2"]
    assert all(whole[d.metadata["offset"] :].startswith(d.text) for d in found)
    assert [d.metadata["part"] for d in found] == list(range(1, len(found) + 1))
    assert found[1].text.startswith("line") and {d.metadata["title"] for d in found} == {"Title"}
    assert {origin(d.id) for d in found} == {str(tmp_path / "a.md")}


@pytest.mark.parametrize("kind", ["csv", "jsonl", "mbox"])
def test_long_tables_records_and_mailboxes_are_cut_between_their_entries(tmp_path, kind) -> None:
    made = {
        "csv": lambda n: f"{'' if n else 'no,text' + chr(10)}{n},bell {n}\n",
        "jsonl": lambda n: json.dumps({"no": n, "text": f"bell {n}"}) + "\n",
        "mbox": lambda n: f"From x\nSubject: bell {n}\n\nno {n}\n\n",
    }[kind]
    (tmp_path / f"a.{kind}").write_text("".join(map(made, range(300))))
    path = str(tmp_path / f"a.{kind}")
    whole = "".join(d.text for d in load(path, part_size=2_000))
    parts = list(load(path, part_size=2_000))
    assert whole.rstrip() == only(path).text and len(parts) > 2
    assert all(whole[p.metadata["offset"] :].startswith(p.text) and len(p.text) <= 2_000 for p in parts)
    name = {"csv": "row", "jsonl": "row", "mbox": "message"}[kind]
    counted = [known[name] for p in parts for _, known in p.regions]
    assert (
        counted == list(range(1, len(counted) + 1))
        and f"bell {counted[-1] - (2 if kind == 'csv' else 1)}" in parts[-1].text
    )


def test_what_cannot_be_read_is_kept_and_told_and_the_rest_is_read(tmp_path) -> None:
    (tmp_path / "a.md").write_text("fine")
    (tmp_path / "b.txt").write_bytes(b"caf\xe9 au lait")
    (tmp_path / "c.pdf").write_bytes(b"no pdf")
    (tmp_path / "d.json").write_text("{nothing")
    (tmp_path / "e.md").symlink_to(tmp_path / "gone.md")
    told: list[tuple[int, int, str]] = []
    found = load(tmp_path, progress=lambda *all: told.append(all))
    assert [d.text for d in found] == ["fine"]
    assert {Path(u.path).name: u.reason.split(":")[0].split(";")[0] for u in found.errors} == {
        "b.txt": "it is not UTF-8 at byte 3",
        "c.pdf": "it cannot be read as pdf",
        "d.json": "it is no JSON at line 1, column 2",
        "e.md": "No such file or directory",
    }
    assert [(done, total) for done, total, _ in told] == [(n, 5) for n in range(1, 6)]
    assert repr(found) == "Loading(5 of 5 sources, 4 not read)" and "encoding='cp1252'" in str(found.errors[0])
    with pytest.raises(ChainkitError, match=r"b\.txt: it is not UTF-8 at byte 3"):
        list(load(tmp_path, errors="raise"))
    assert only(tmp_path / "a.md").text == "fine"
    assert [d.text for d in load(tmp_path / "b.txt", encoding="cp1252")] == ["café au lait"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("size", [8_000_000, 100])
def test_a_mark_at_the_begin_says_how_a_text_is_coded(tmp_path, encoding, size) -> None:
    text = "Grüße 🎉\n" * 50
    (tmp_path / "a.txt").write_bytes(text.encode(encoding))
    assert "".join(d.text for d in load(tmp_path, part_size=size)) == text


def test_a_missing_parser_is_told_with_the_line_that_installs_it(tmp_path, monkeypatch) -> None:
    import sys

    (tmp_path / "a.pdf").write_bytes(pdf_of(["x"]))
    (tmp_path / "b.md").write_text("fine")
    monkeypatch.setitem(sys.modules, "pypdf", None)
    found = load(tmp_path)
    assert [d.text for d in found] == ["fine"]
    assert found.errors[0].reason == "reading PDF needs the package pypdf; pip install 'chainkit[documents]'"


def test_loading_is_lazy(tmp_path) -> None:
    for n in range(3):
        (tmp_path / f"{n}.md").write_text(str(n))
    with load(tmp_path) as found:
        assert next(found).text == "0" and found.done == 0
        (tmp_path / "2.md").unlink()
        assert [d.text for d in found] == ["1"]
    assert found.errors[0].path.endswith("2.md")


def test_wrong_questions_are_refused_with_the_cure(tmp_path) -> None:
    with pytest.raises(ChainkitError, match="no documents at") as told:
        load(tmp_path / "nowhere")
    assert "docs/**/*.md" in str(told.value)
    with pytest.raises(CompositionError, match="no option 'max_page'.*", check=lambda e: "max_pages" in str(e)):  # type: ignore[call-overload]
        load(tmp_path, max_page=3)
    with pytest.raises(CompositionError, match="'pfd' is neither a kind nor a suffix"):
        load(tmp_path, kinds=["pfd"])
    with pytest.raises(CompositionError, match="max_pages=0 is no positive"):
        load(tmp_path, max_pages=0)
    with pytest.raises(CompositionError, match="takes paths and URLs, and got int"):
        load([3])
    with pytest.raises(CompositionError, match="neither 'keep' nor 'raise'"):
        load(tmp_path, errors="ignore")  # type: ignore[arg-type]


def test_times_in_the_future_and_before_1970_are_told(tmp_path) -> None:
    (tmp_path / "a.md").write_text("x")
    os.utime(tmp_path / "a.md", (0, 4102444800))
    assert only(tmp_path / "a.md").metadata["modified"] == datetime(2100, 1, 1, tzinfo=timezone.utc).isoformat()
