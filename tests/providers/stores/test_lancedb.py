import pytest

pytest.importorskip("lancedb")

from chainkit.testing import store_conformance
from chainkit_providers.stores.lancedb import LanceStore

pytestmark = pytest.mark.slow

ON_DISK = store_conformance(lambda folder: LanceStore(folder / "it"), many=1000)
IN_MEMORY = store_conformance(lambda _: LanceStore(), persists=False, many=500)


@pytest.mark.parametrize("case", ON_DISK, ids=str)
def test_lancedb_conforms_in_a_folder(case, tmp_path) -> None:
    case.check(tmp_path)


@pytest.mark.parametrize("case", IN_MEMORY, ids=str)
def test_lancedb_conforms_in_memory(case, tmp_path) -> None:
    case.check(tmp_path)
