import pytest

pytest.importorskip("faiss")

from chainkit.testing import store_conformance
from chainkit_providers.stores.faiss import FaissStore

pytestmark = pytest.mark.slow

ON_DISK = store_conformance(lambda folder: FaissStore(folder / "it.faiss"), searches=("vectors",), many=1000)
IN_MEMORY = store_conformance(lambda _: FaissStore(), searches=("vectors",), persists=False, many=500)
GRAPH = store_conformance(lambda _: FaissStore(how="HNSW32"), searches=("vectors",), persists=False, many=500)
CELLS = store_conformance(
    lambda _: FaissStore(how="IVF8,Flat", probe=8), searches=("vectors",), persists=False, many=500
)


@pytest.mark.parametrize("case", ON_DISK, ids=str)
def test_faiss_conforms_in_a_file(case, tmp_path) -> None:
    case.check(tmp_path)


@pytest.mark.parametrize("case", IN_MEMORY, ids=str)
def test_faiss_conforms_in_memory(case, tmp_path) -> None:
    case.check(tmp_path)


@pytest.mark.parametrize("case", GRAPH, ids=str)
def test_faiss_conforms_with_a_graph(case, tmp_path) -> None:
    case.check(tmp_path)


@pytest.mark.parametrize("case", CELLS, ids=str)
def test_faiss_conforms_with_cells(case, tmp_path) -> None:
    case.check(tmp_path)
