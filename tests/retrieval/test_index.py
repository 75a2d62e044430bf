import os
from importlib import import_module
import threading

import pytest

from chainkit import index
from chainkit.documents import Document
from chainkit.errors import ChainkitError, CompositionError
from chainkit.retrieval.analysis import terms
from chainkit.retrieval.html import read_html
from chainkit.testing import ScriptedModel, check_laws

SHOP = "# Hours\n\nThe shop opens at nine. It closes at six."
URLAUB = "# Urlaub\n\nJeder Mitarbeiter hat dreißig Urlaubstage. Die Büros schließen an Weihnachten."


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "shop.md").write_text(SHOP)
    (tmp_path / "urlaub.txt").write_text(URLAUB)
    (tmp_path / "page.html").write_text(
        "<html><head><title>Prices</title><script>var secret=1</script></head><body><h1>Prices</h1><p>A bell costs 12 euros.</p></body></html>"
    )
    return tmp_path


def sources(found):
    return [os.path.basename(r.document.source) for r in found]


def test_the_best_passage_comes_first(folder) -> None:
    found = index(folder).search("When does the shop open?", 3)
    assert sources(found)[0] == "shop.md"
    assert found[0].text in SHOP and found == sorted(found, key=lambda r: -r.score)


@pytest.mark.parametrize("question", ["Mitarbeitern Urlaubstag", "buros schliessen", "BÜRO", "Weihnachten?"])
def test_german_is_found_by_its_stems_and_without_its_marks(folder, question: str) -> None:
    assert sources(index(folder).search(question, 1)) == ["urlaub.txt"]


def test_html_gives_its_text_and_title_and_no_script(folder) -> None:
    page = next(d for d in index(folder) if d.id.endswith("page.html"))
    assert page.metadata["title"] == "Prices" and "12 euros" in page.text and "secret" not in page.text
    assert read_html("<p>a<b>b</b>c</p><p>d") == ("abc\n\nd", None)


@pytest.mark.parametrize(
    "query",
    ['"', "AND", "a* OR NEAR(", "", "😀", "the", "x" * 2_000_000, "shop " * 50_000, "'; drop table documents; --"],
)
def test_no_query_breaks_the_search(query: str) -> None:
    assert isinstance(index([SHOP]).search(query, 3), list)


def test_front_matter_becomes_metadata(tmp_path) -> None:
    (tmp_path / "a.md").write_text("---\ntitle: Rules\nowner: 'Ada'\n---\n# First\n\nNo smoking.")
    document = next(iter(index(tmp_path)))
    assert document.metadata["title"] == "Rules" and document.metadata["owner"] == "Ada"
    assert document.text.startswith("# First")


def test_a_file_that_cannot_be_read_is_kept_as_an_error(folder) -> None:
    (folder / "bad.txt").write_bytes(b"\xff\xfe\xfa latin")
    found = index(folder)
    assert len(found) == 3
    assert "bad.txt: it is not UTF-8 at byte 0" in str(found.errors[0])


def test_no_documents_is_an_error_with_the_cure(tmp_path) -> None:
    with pytest.raises(ChainkitError, match="no documents at") as told:
        index(tmp_path / "nowhere/*.md")
    assert "docs/**/*.md" in str(told.value)
    with pytest.raises(CompositionError, match="takes texts"):
        index([3])  # type: ignore[list-item]


def test_only_what_changed_is_read_again(folder, tmp_path_factory, monkeypatch) -> None:
    path = tmp_path_factory.mktemp("i") / "my.index"
    first = index(folder, path=path)
    assert first.refresh() == 0
    first.close()
    read: list[str] = []
    module = import_module("chainkit.retrieval.loading.sources")

    real = module.read_file
    monkeypatch.setattr(module, "read_file", lambda p, o: (read.append(os.path.basename(p)), real(p, o))[1])
    again = index(folder, path=path)
    assert read == [] and len(again) == 3
    (folder / "shop.md").write_text("# Hours\n\nThe shop opens at ten now.")
    (folder / "urlaub.txt").unlink()
    (folder / "new.md").write_text("Bells ring.")
    assert again.refresh() == 3
    assert sorted(read) == ["new.md", "shop.md"]
    assert "ten" in again.search("shop opens", 1)[0].text
    assert again.search("Urlaubstage", 1) == []


def test_a_touched_file_of_the_same_content_keeps_its_passages(folder) -> None:
    found = index(folder)
    os.utime(folder / "shop.md", (1, 1))
    assert found.refresh() == 0


def test_a_saved_index_opens_again(folder, tmp_path_factory) -> None:
    path = tmp_path_factory.mktemp("i") / "copy.index"
    index([SHOP, URLAUB]).save(path)
    assert index(path=path).search("Urlaub", 1)[0].text == URLAUB


def test_a_file_that_is_no_index_is_said_to_be_none(tmp_path) -> None:
    (tmp_path / "x.index").write_text("hello " * 500)
    with pytest.raises(ChainkitError, match="is no index"):
        index(path=tmp_path / "x.index")


def test_documents_are_replaced_and_removed_by_id() -> None:
    found = index([Document("a", "cats purr"), Document("b", "dogs bark")])
    found.add(Document("a", "cats sleep"))
    assert [r.text for r in found.search("cats", 5)] == ["cats sleep"]
    assert found.remove("a", "nobody") == 1 and len(found) == 1


def test_many_threads_search_while_one_adds() -> None:
    found, errors = index([SHOP]), []

    def search() -> None:
        try:
            for _ in range(50):
                assert found.search("shop", 2)
        except Exception as error:  # noqa: BLE001
            errors.append(error)

    threads = [threading.Thread(target=search) for _ in range(8)]
    for thread in threads:
        thread.start()
    for n in range(50):
        found.add(Document(f"d{n}", f"shop number {n}"))
    for thread in threads:
        thread.join()
    assert errors == [] and len(found) == 51


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_has_the_index_too(tmp_path) -> None:
    for found in (index([SHOP]), index([SHOP], path=tmp_path / "i")):
        pid = os.fork()
        if pid == 0:
            os._exit(0 if found.search("shop", 1) else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_terms_are_stems_without_marks() -> None:
    assert terms("Die Häuser und das Haus, E-Mail-Adressen") == terms("hauser HAUS e-mail-adresse")
    assert terms("the a und der") == []


def test_the_retriever_keeps_the_laws(folder) -> None:
    check_laws(index(folder).retriever(2), ["shop", "Urlaub", "nothing at all"])


def test_a_retriever_feeds_a_chain(folder) -> None:
    chain = index(folder).retriever(1) | (lambda found: found[0].text) | ScriptedModel("ok")
    assert chain.invoke("shop").text == "ok"
