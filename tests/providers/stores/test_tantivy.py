import pytest

pytest.importorskip("tantivy")

from chainkit.testing import store_conformance
from chainkit_providers.stores.tantivy import TantivyStore

pytestmark = pytest.mark.slow

ON_DISK = store_conformance(lambda folder: TantivyStore(folder / "it"), searches=("text",), many=1000)
IN_MEMORY = store_conformance(lambda _: TantivyStore(), searches=("text",), persists=False, many=500)


@pytest.mark.parametrize("case", ON_DISK, ids=str)
def test_tantivy_conforms_in_a_folder(case, tmp_path) -> None:
    case.check(tmp_path)


@pytest.mark.parametrize("case", IN_MEMORY, ids=str)
def test_tantivy_conforms_in_memory(case, tmp_path) -> None:
    case.check(tmp_path)
