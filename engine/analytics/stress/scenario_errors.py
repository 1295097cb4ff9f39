"""What can be wrong with a scenario file."""

from __future__ import annotations

from collections.abc import Collection

from engine.core.errors import EngineError, nearest


class ScenarioFileError(EngineError, ValueError):
    """A scenario file that cannot be used."""

    def __init__(self, source: str, problem: str, hint: str = "") -> None:
        self.source, self.problem = source, problem
        super().__init__(f"scenario file {source}: {problem}", hint)


class ScenarioError(ScenarioFileError):
    """A scenario that breaks a rule."""

    def __init__(self, source: str, scenario: str, problem: str, hint: str = "") -> None:
        self.scenario = scenario
        super().__init__(source, f"scenario {scenario}: {problem}", hint)


class UnknownFactorError(ScenarioError, LookupError):
    """A scenario that shocks a factor that the engine does not know."""

    def __init__(self, source: str, scenario: str, factor: str, known: Collection[str]) -> None:
        self.factor = factor
        problem = f"unknown factor '{factor}'{nearest(factor, known)}"
        super().__init__(source, scenario, problem, f"Known are {', '.join(known)}")
