"""Finding providers."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from types import SimpleNamespace
from typing import Any

import pytest

from chainkit.errors import CompositionError, MissingExtra, UnknownModel
from chainkit.models import registry
from chainkit.models.profile import Profile


class Acme:
    protocol = 1
    name = "acme"

    def open(self, account: Any) -> Any:
        return account

    def profile(self, model: str, account: Any = None) -> Profile:
        return Profile("acme", model, context=7)


class Newer(Acme):
    protocol = 2


class Older(Acme):
    protocol = 0


@pytest.fixture(autouse=True)
def _installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Entry points that name things in this module; nothing else is installed."""
    found = {
        "acme": Acme(),
        "by_class": Acme,
        "newer": Newer(),
        "older": Older(),
        "silent": SimpleNamespace(name="silent"),
    }

    def load(self: EntryPoint) -> Any:
        if self.name == "broken":
            raise ModuleNotFoundError("No module named 'acme_sdk'")
        return found[self.name]

    monkeypatch.setattr(EntryPoint, "load", load)
    entries = {n: EntryPoint(n, f"acme_pkg:{n}", registry.GROUP) for n in (*found, "broken")}
    monkeypatch.setattr(registry, "_entries", lambda: entries)
    monkeypatch.setattr(registry, "_LOADED", {})
    monkeypatch.setattr(registry, "_REGISTERED", {})


def test_a_provider_is_found_by_its_entry_point_and_loaded_once() -> None:
    assert registry.find("acme").name == "acme"
    assert registry.find("acme") is registry.find("acme")


def test_an_entry_point_may_be_a_class() -> None:
    assert isinstance(registry.find("by_class"), Acme)


def test_a_misspelt_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownModel, match="'acne'") as caught:
        registry.find("acne")
    assert "did you mean 'acme'?" in str(caught.value)


def test_an_unknown_name_is_answered_with_what_there_is() -> None:
    with pytest.raises(UnknownModel) as caught:
        registry.find("zzzz")
    assert "known: acme" in str(caught.value)


@pytest.mark.parametrize(
    ("name", "says", "cure"),
    [
        ("newer", "speaks protocol 2", "upgrade chainkit"),
        ("older", "speaks protocol 0", "upgrade acme_pkg"),
        ("silent", "says no protocol", "upgrade acme_pkg"),
    ],
)
def test_a_provider_of_another_protocol_is_refused_with_what_to_upgrade(name: str, says: str, cure: str) -> None:
    with pytest.raises(CompositionError, match=says) as caught:
        registry.find(name)
    assert cure in str(caught.value)


def test_a_provider_whose_package_is_not_whole_says_so() -> None:
    with pytest.raises(MissingExtra, match="acme_sdk") as caught:
        registry.find("broken")
    assert "pip install --upgrade" in str(caught.value)


def test_a_provider_can_be_registered_before_one_that_is_installed_and_taken_back() -> None:
    mine = Acme()
    registry.register(mine)
    assert registry.find("acme") is mine
    registry.unregister("acme")
    assert registry.find("acme") is not mine


def test_registering_another_protocol_is_refused() -> None:
    with pytest.raises(CompositionError, match="protocol 2"):
        registry.register(Newer())


def test_names_are_sorted_and_load_nothing() -> None:
    registry.register(SimpleNamespace(name="mine", protocol=1))  # type: ignore[arg-type]
    assert registry.names() == ("acme", "broken", "by_class", "mine", "newer", "older", "silent")


def test_a_profile_is_asked_for_by_the_models_whole_name() -> None:
    assert registry.profile("acme:m:7b") == Profile("acme", "m:7b", context=7)
