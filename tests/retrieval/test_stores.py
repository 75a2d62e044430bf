import pytest

from chainkit.retrieval.memory import MemoryStore
from chainkit.retrieval.sqlite import SqliteStore
from chainkit.testing import store_conformance

ON_DISK = store_conformance(lambda folder: SqliteStore(folder / "it.index"))
IN_MEMORY = store_conformance(lambda _: SqliteStore(), persists=False, many=500)
PLAIN = store_conformance(
    lambda folder: SqliteStore(folder / "it.index", driver="sqlite3"), searches=("text",), many=500
)
MATRIX = store_conformance(lambda _: MemoryStore(), persists=False)


@pytest.mark.parametrize("case", ON_DISK, ids=str)
def test_sqlite_conforms_in_a_file(case, tmp_path) -> None:
    case.check(tmp_path)


@pytest.mark.parametrize("case", IN_MEMORY, ids=str)
def test_sqlite_conforms_in_memory(case, tmp_path) -> None:
    case.check(tmp_path)


@pytest.mark.parametrize("case", MATRIX, ids=str)
def test_the_store_in_memory_conforms(case, tmp_path) -> None:
    case.check(tmp_path)
