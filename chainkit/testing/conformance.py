"""What every provider must do, as cases that anyone can run against an adapter of their own.

    from chainkit.testing import conformance

    ACME = conformance.provider("acme:some-model", shape="chat-completions", under="/v1")

    @pytest.mark.parametrize("case", conformance.cases(), ids=str)
    def test_acme_conforms(case):
        case.check(ACME)

Each case asks the real adapter, which asks a `FaultServer` on this machine. A case that does not hold
raises AssertionError. `conformance.check(ACME)` runs them all and names those that failed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from chainkit.testing import failing_scenarios, scenarios
from chainkit.testing.talking import KEY, MODES, SCENARIOS, Mode, Scenario, Talk

if TYPE_CHECKING:
    from chainkit.chain import Chain
    from chainkit.testing.wire_bodies import AnyShape

PARTS = (scenarios, failing_scenarios)
"""The modules that put their scenarios into the suite."""


@dataclass(frozen=True, slots=True)
class Subject:
    """An adapter under test: `make(base_url, **options)` gives its model, `shape` is the wire format it speaks.

    `without` names the scenarios that it cannot meet, each with the reason.
    """

    make: Callable[..., Chain[Any, Any]]
    shape: AnyShape
    name: str = "provider"
    without: Mapping[str, str] = field(default_factory=dict[str, str])

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Case:
    """One scenario in one mode. `str(case)` is its name: "rate limit, astream"."""

    scenario: Scenario
    mode: Mode

    def __str__(self) -> str:
        return f"{self.scenario.name}, {self.mode}"

    def check(self, subject: Subject) -> None:
        """Run it. Raises AssertionError, or what the adapter raised."""
        if self.scenario.name not in subject.without:
            self.scenario.check(Talk(subject.make, subject.shape, self.mode))


def provider(
    spec: str,
    *,
    shape: AnyShape,
    under: str = "",
    without: Mapping[str, str] | None = None,
    **fixed: Any,
) -> Subject:
    """A subject from a model spec; `under` is what its base URL ends in, `fixed` goes to `model(...)`."""
    from chainkit.models.chat import model

    def make(base_url: str, **options: Any) -> Chain[Any, Any]:
        return model(spec, base_url=base_url + under, api_key=KEY, **{**fixed, **options})

    told = ", ".join(f"{k}={v}" for k, v in fixed.items() if isinstance(v, str))
    return Subject(make, shape, f"{spec} {told}".strip(), dict(without or {}))


def cases(*, modes: Collection[Mode] = MODES) -> list[Case]:
    """Every case, as a list for pytest to parametrise over."""
    return [Case(s, mode) for s in SCENARIOS for mode in MODES if mode in modes and mode in s.modes]


def check(subject: Subject, *, modes: Collection[Mode] = MODES) -> None:
    """Run every case. Raises AssertionError that lists each one that failed."""
    failed: list[str] = []
    for case in cases(modes=modes):
        try:
            case.check(subject)
        except Exception as error:
            failed.append(f"{case}: {type(error).__name__}: {error}")
    if failed:
        msg = f"{subject} does not conform:\n  " + "\n  ".join(failed)
        raise AssertionError(msg)
