"""Which verdicts become incidents, who is told, and what is done: the alerts' part of a monitor file."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from alerts.actions import AnyAction
from alerts.notifiers import AnyNotifier, Console
from detectors import Duration
from detectors.season import DAY

GROUPED_WINDOWS = 3


class Rule(BaseModel):
    """Breaches that it matches belong to one incident, as long as that is open.

    >>> Rule(name="quality", when=["quality.*"]).matches("quality.missing", None)
    True
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    when: tuple[str, ...] = Field(default=("*",), description="Signals, with * as a wildcard.")
    after_deployment: Duration | None = Field(
        default=None, description="Only breaches this soon after a deployment."
    )
    severity: Literal["info", "warning", "critical"] = "warning"
    notify: tuple[str, ...] | None = Field(default=None, description="Notifiers by name; all when left out.")
    actions: tuple[str, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _one_signal(cls, value: Any) -> Any:
        if isinstance(value, dict) and isinstance(value.get("when"), str):
            return value | {"when": [value["when"]]}
        return value

    def matches(self, signal: str, since_deployment: int | None) -> bool:
        """Whether a breach belongs here.

        Args:
            signal: the dotted name.
            since_deployment: microseconds from the nearest earlier deployment to the breach; None for none.
        """
        if self.after_deployment is not None:
            limit = self.after_deployment.total_seconds() * 1e6
            if since_deployment is None or since_deployment > limit:
                return False
        return any(fnmatchcase(signal, pattern) for pattern in self.when)


class Alerting(BaseModel):
    """Rules in order (the first that matches a breach takes it), notifiers and actions by name."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rules: tuple[Rule, ...] = (Rule(name="any-breach"),)
    notifiers: dict[str, AnyNotifier] = {"console": Console()}
    actions: dict[str, AnyAction] = {}
    resolve_after: int = Field(default=2, ge=1, description="Windows in a row that must be ok.")
    group_windows: int | None = Field(
        default=None,
        ge=0,
        description="A signal that joins an incident this soon is not told separately; 3 windows, and a day.",
    )

    def grouped(self, window: int) -> int:
        """How long after an incident opens what joins it is not told separately, in microseconds.

        >>> Alerting().grouped(3_600_000_000) == 24 * 3_600_000_000
        True
        """
        if self.group_windows is not None:
            return self.group_windows * window
        return max(GROUPED_WINDOWS * window, DAY)

    @model_validator(mode="after")
    def _names(self) -> Self:
        for rule in self.rules:
            for kind, used, known in (
                ("notifier", rule.notify or (), self.notifiers),
                ("action", rule.actions, self.actions),
            ):
                for name in used:
                    if name not in known:
                        raise ValueError(
                            f"rule {rule.name}: {kind} {name!r} is not defined; there are {list(known)}"
                        )
        if len({rule.name for rule in self.rules}) < len(self.rules):
            raise ValueError("two rules have the same name")
        return self
