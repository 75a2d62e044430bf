import pytest

pytest.importorskip("chromadb")

from chainkit.testing import store_conformance
from chainkit_providers.stores.chroma import ChromaStore

pytestmark = pytest.mark.slow

ON_DISK = store_conformance(lambda folder: ChromaStore(folder / "it"), searches=("vectors",), many=1000)
IN_MEMORY = store_conformance(lambda _: ChromaStore(), searches=("vectors",), persists=False, many=300)


@pytest.mark.parametrize("case", ON_DISK, ids=str)
def test_chroma_conforms_in_a_folder(case, tmp_path) -> None:
    case.check(tmp_path)


@pytest.mark.parametrize("case", IN_MEMORY, ids=str)
def test_chroma_conforms_in_memory(case, tmp_path) -> None:
    case.check(tmp_path)
