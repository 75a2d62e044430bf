"""What every provider must do, as cases that anyone can run against an adapter of their own.

    from chainkit.testing import conformance

    ACME = conformance.provider("acme:some-model", shape="chat-completions", under="/v1")

    @pytest.mark.parametrize("case", conformance(ACME), ids=str)
    def test_acme_conforms(case):
        case.check()

Each case asks the real adapter, which asks a `FaultServer` on this machine that speaks the adapter's wire format: one of
`chainkit.testing.wire_bodies`, or a `Shape` of your own. `conformance.recorded` asks a real service instead, or plays
what it once answered. A case that does not hold raises AssertionError.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from chainkit.testing import asking_scenarios, failing_scenarios, scenarios
from chainkit.testing.talking import KEY, MODES, SCENARIOS, Mode, Scenario, Talk
from chainkit.testing.wire_bodies import known

if TYPE_CHECKING:
    from pathlib import Path

    from chainkit.chain import Chain
    from chainkit.testing.recorded import Recorded
    from chainkit.testing.task_scenarios import TaskCase, Tasks
    from chainkit.testing.wire_bodies import AnyShape

PARTS = (scenarios, asking_scenarios, failing_scenarios)
"""The modules that put their scenarios into the suite."""


class Checked(Protocol):
    """One case: it has a name, and holds or does not."""

    def check(self) -> None:
        """Run it. Raises AssertionError, or what the adapter raised."""
        ...


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

    @property
    def excused(self) -> Mapping[str, str]:
        """The scenarios that do not apply, because of the adapter or of its wire format, each with the reason."""
        return {**known(self.shape).without, **self.without}


@dataclass(frozen=True, slots=True)
class Case:
    """One scenario in one mode. `str(case)` is its name: "rate limit, astream"."""

    scenario: Scenario
    mode: Mode
    subject: Subject | None = None

    def __str__(self) -> str:
        return f"{self.scenario.name}, {self.mode}"

    def check(self, subject: Subject | None = None) -> None:
        """Run it against its subject, or another. Raises AssertionError, or what the adapter raised."""
        found = subject or self.subject
        if found is None:
            msg = f"{self} knows no adapter: take the cases from conformance(provider), or say case.check(provider)"
            raise TypeError(msg)
        if self.scenario.name not in found.excused:
            self.scenario.check(Talk(found.make, found.shape, self.mode))


class Conformance:
    """The suite. Call it with an adapter for the list of its cases."""

    KEY = KEY
    """The API key that every case uses. It must show nowhere."""

    def __call__(self, subject: Subject | Tasks, *, modes: Collection[Mode] = MODES) -> list[Case] | list[TaskCase]:
        """Every case that applies to an adapter, as a list for pytest to parametrise over."""
        if not isinstance(subject, Subject):
            return subject.cases()
        return [
            Case(case.scenario, case.mode, subject)
            for case in self.cases(modes=modes)
            if case.scenario.name not in subject.excused
        ]

    def provider(
        self,
        spec: str,
        *,
        shape: AnyShape,
        under: str = "",
        without: Mapping[str, str] | None = None,
        tools: bool = True,
        **fixed: Any,
    ) -> Subject:
        """A chat adapter from a model spec; `under` is what its base URL ends in, `fixed` goes to `model(...)`.

        One that takes no tools says `tools=False`. `without` names scenarios that it cannot meet, each with its reason. Raises ValueError for a scenario or a shape
        that there is not.
        """
        from chainkit.models.chat import model

        strange = sorted({*(without or {})} - {s.name for s in SCENARIOS})
        if strange:
            msg = f"there is no scenario {strange[0]!r}: see conformance.scenarios()"
            raise ValueError(msg)
        known(shape)

        def make(base_url: str, **options: Any) -> Chain[Any, Any]:
            told: dict[str, Any] = {"api_key": KEY, **fixed, **options}
            return model(spec, base_url=base_url + under, **told)

        told = ", ".join(f"{k}={v}" for k, v in fixed.items() if isinstance(v, str))
        lacks = {} if tools else {s.name: "it takes no tools" for s in SCENARIOS if s.tools}
        return Subject(make, shape, f"{spec} {told}".strip(), {**lacks, **(without or {})})

    def embedder(self, spec: str, **told: Any) -> Tasks:
        """An adapter of an embedder, for `conformance(...)`: see `chainkit.testing.task_scenarios.embedder`."""
        from chainkit.testing import task_scenarios

        return task_scenarios.embedder(spec, **told)

    def reranker(self, spec: str, **told: Any) -> Tasks:
        """An adapter of a reranker, for `conformance(...)`: see `chainkit.testing.task_scenarios.reranker`."""
        from chainkit.testing import task_scenarios

        return task_scenarios.reranker(spec, **told)

    def recorded(self, spec: str, folder: str | Path, **options: Any) -> list[Recorded]:
        """Cases that a real service answers: see `chainkit.testing.recorded.recorded`."""
        from chainkit.testing.recorded import recorded

        return recorded(spec, folder, **options)

    def scenarios(self) -> list[str]:
        """The names of all scenarios."""
        return [s.name for s in SCENARIOS]

    def cases(self, *, modes: Collection[Mode] = MODES) -> list[Case]:
        """Every case, of no adapter yet: `case.check(ACME)`."""
        return [Case(s, mode) for s in SCENARIOS for mode in MODES if mode in modes and mode in s.modes]

    def check(self, subject: Subject | Tasks, *, modes: Collection[Mode] = MODES) -> None:
        """Run every case. Raises AssertionError that lists each one that failed."""
        failed: list[str] = []
        found: list[Any] = list(self(subject, modes=modes))
        for case in found:
            try:
                case.check()
            except Exception as error:
                failed.append(f"{case}: {type(error).__name__}: {error}")
        if failed:
            msg = f"{subject} does not conform:\n  " + "\n  ".join(failed)
            raise AssertionError(msg)


conformance = Conformance()
