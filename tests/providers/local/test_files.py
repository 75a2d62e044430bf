"""Model files: read, measured, and refused where they are not whole."""

from __future__ import annotations

from pathlib import Path

import pytest
from local_models import gguf

from chainkit.errors import ProviderError, UnknownModel
from chainkit_providers.local import provider
from chainkit_providers.local.catalog import find
from chainkit_providers.local.files import place, ready, verify, write_note
from chainkit_providers.local.gguf import read_header


def test_the_header_tells_what_the_model_is(tmp_path: Path) -> None:
    path = tmp_path / "tiny.gguf"
    path.write_bytes(gguf(weights=100, template="hello"))
    header = read_header(path)
    assert (header.architecture, header.context, header.template) == ("tiny", 512, "hello")
    assert header.size == path.stat().st_size


def test_the_real_models_header_accounts_for_every_byte(real_model: Path) -> None:
    header = read_header(real_model)
    assert (header.architecture, header.context) == ("llama", 8192)
    assert header.size == real_model.stat().st_size


@pytest.mark.parametrize("length", range(4, 300, 7))
def test_a_file_cut_short_anywhere_is_refused_by_name(tmp_path: Path, length: int) -> None:
    path = tmp_path / "tiny.gguf"
    path.write_bytes(gguf(weights=64)[:length])
    with pytest.raises(ProviderError, match=r"tiny\.gguf is cut short") as caught:
        ready(find(str(path)))
    assert caught.value.transient is False


def test_a_file_without_its_last_byte_is_refused_with_both_sizes(tmp_path: Path) -> None:
    path, whole = tmp_path / "tiny.gguf", gguf()
    path.write_bytes(whole[:-1])
    with pytest.raises(ProviderError, match=f"has {len(whole) - 1} bytes of {len(whole)}"):
        ready(find(str(path)))


def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "page.gguf"
    path.write_bytes(b"<!doctype html>" * 9)
    with pytest.raises(ProviderError, match="is not a GGUF model file"):
        ready(find(str(path)))


def test_a_model_that_was_not_pulled_says_how_to_pull_it(cache: Path) -> None:
    with pytest.raises(UnknownModel, match="local:smollm2-135m has not been pulled") as caught:
        ready(find("smollm2-135m"))
    assert "chainkit pull smollm2-135m (about 98 MB, once)" in str(caught.value)
    with pytest.raises(UnknownModel, match="no model file at /nowhere/a.gguf"):
        ready(find("/nowhere/a.gguf"))


def test_a_pulled_file_of_the_wrong_size_says_how_to_pull_it_again(cache: Path) -> None:
    path = place(find("smollm2-135m"))
    path.parent.mkdir(parents=True)
    path.write_bytes(gguf())
    with pytest.raises(ProviderError, match="not 98,362,432") as caught:
        ready(find("smollm2-135m"))
    assert str(path) in str(caught.value)
    assert "chainkit pull smollm2-135m --force" in str(caught.value)


def test_verify_finds_one_changed_byte(cache: Path) -> None:
    model, content = find("hf.co/ann/tiny/tiny.gguf"), gguf()
    path = place(model)
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    write_note(path, model, __import__("hashlib").sha256(content).hexdigest(), len(content))
    told: list[tuple[int, int]] = []
    assert verify(model, lambda done, total: told.append((done, total))) == path
    assert told[-1] == (len(content), len(content))
    path.write_bytes(content[:-1] + b"?")
    assert ready(model) == path
    with pytest.raises(ProviderError, match="is damaged: its SHA-256"):
        verify(model)


def test_the_models_of_the_cache_are_listed(cache: Path) -> None:
    model, content = find("hf.co/ann/tiny@v2/q/tiny.gguf"), gguf()
    path = place(model)
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    write_note(path, model, "0" * 64, len(content))
    assert provider.pulled() == [(model, path)]
