"""Names of local models, and what is known of them before anything is loaded."""

from __future__ import annotations

from pathlib import Path

import pytest
from local_models import gguf

from chainkit.errors import CompositionError, UnknownModel
from chainkit.models.provider import Account, Provider
from chainkit_providers.local import CATALOG, Engine, provider
from chainkit_providers.local.catalog import OnDisk, OnHub, find
from chainkit_providers.local.files import cache_folder, place


def test_every_row_of_the_catalog_says_how_to_know_its_file() -> None:
    for model in CATALOG:
        assert model.sha256 is not None
        assert len(model.sha256) == 64
        assert model.bytes
        assert model.licence
        assert find(model.name) is model
        assert find(f"local:{model.name}") is model


def test_a_hub_address_names_owner_repo_revision_and_file() -> None:
    assert find("hf.co/ann/tiny-GGUF/q4/tiny.gguf").source == OnHub("ann", "tiny-GGUF", "q4/tiny.gguf")
    pinned = find("hf.co/ann/tiny-GGUF@8f3c/tiny.gguf").source
    assert pinned == OnHub("ann", "tiny-GGUF", "tiny.gguf", "8f3c")
    assert isinstance(pinned, OnHub)
    assert pinned.url_path == "/ann/tiny-GGUF/resolve/8f3c/tiny.gguf"


@pytest.mark.parametrize("name", ["/models/a.gguf", "./a.gguf", "a.gguf", "~/a.gguf"])
def test_a_path_is_a_path(name: str) -> None:
    assert find(name).source == OnDisk(Path(name).expanduser())


@pytest.mark.parametrize(
    ("name", "cure"),
    [
        ("smollm2", "did you mean 'smollm2-135m'"),
        ("hf.co/ann/tiny.gguf", "hf.co/owner/repo/file.gguf"),
        ("hf.co/ann/repo/../../etc/x.gguf", "hf.co/owner/repo/file.gguf"),
        ("/m/big-00001-of-00003.gguf", "holds the whole model"),
    ],
)
def test_a_name_that_means_nothing_is_answered_with_what_would(name: str, cure: str) -> None:
    with pytest.raises(UnknownModel, match="model") as caught:
        find(name)
    assert cure in str(caught.value)


def test_models_lie_in_the_cache_that_the_user_names(cache: Path) -> None:
    assert place(find("smollm2-135m")) == cache / "models" / "SmolLM2-135M-Instruct.Q4_1.gguf"
    assert place(find("hf.co/ann/tiny/q/t.gguf")) == cache / "models/hf.co/ann/tiny/main/q/t.gguf"


def test_without_a_wish_the_cache_is_the_platforms(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("CHAINKIT_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("sys.platform", "linux")
    assert cache_folder() == tmp_path / "chainkit"
    monkeypatch.setattr("sys.platform", "darwin")
    assert cache_folder() == Path.home() / "Library" / "Caches" / "chainkit"


def test_the_provider_keeps_the_protocol() -> None:
    assert isinstance(provider, Provider)
    assert (provider.name, provider.protocol) == ("local", 1)


def test_the_profile_knows_the_context_of_a_file_that_is_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHAINKIT_LOCAL_CONTEXT", "300")
    short, long = tmp_path / "short.gguf", tmp_path / "long.gguf"
    short.write_bytes(gguf(context=100))
    long.write_bytes(gguf(context=9000, template="<|im_start|>"))
    assert provider.profile(str(short)).context == 100
    assert provider.profile(str(long)).context == 300
    assert provider.profile(str(tmp_path / "absent.gguf")).context == 300


def test_the_profile_says_whether_tools_have_a_place(tmp_path: Path) -> None:
    plain, chatml = tmp_path / "plain.gguf", tmp_path / "chatml.gguf"
    plain.write_bytes(gguf())
    chatml.write_bytes(gguf(template="<|im_start|>"))
    assert provider.profile(str(plain)).tools is False
    assert provider.profile(str(chatml)).tools is True
    assert provider.profile(str(plain)).local is True
    assert provider.profile(str(plain)).vision is False


@pytest.mark.parametrize(
    "account",
    [Account("local", base_url="http://x"), Account("local", api="responses"), Account("local", carrier="sdk")],
)
def test_what_means_nothing_to_a_local_model_is_refused(account: Account) -> None:
    with pytest.raises(CompositionError, match="runs in this process"):
        provider.open(account)


def test_a_client_is_an_engine(tmp_path: Path) -> None:
    provider.open(Account("local", client=Engine(tmp_path / "a.gguf")))
    with pytest.raises(CompositionError, match="must be an Engine, not str"):
        provider.open(Account("local", client="engine"))
