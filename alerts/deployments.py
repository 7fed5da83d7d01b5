"""Which deployment a change may come from, and which version to go back to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from alerts.tables import actions
from collector.store.tables import deployments, profiles

OURS = "modelwatch"


@dataclass(frozen=True)
class Change:
    """A deployment: what went live, when (microseconds), by whom and why."""

    version: str
    at: int
    by: str
    reason: str


def before(connection: sa.Connection, model: str, moment: int) -> list[Change]:
    """The deployments of a model before a moment, oldest first."""
    query = (
        sa.select(deployments)
        .where(deployments.c.model == model, deployments.c.at < moment)
        .order_by(deployments.c.at)
    )
    return [Change(row.version, row.at, row.by, row.reason) for row in connection.execute(query)]


def version_before(connection: sa.Connection, model: str, suspect: Change) -> str | None:
    """The version that served before a deployment: by the deployments, or by the traffic; None if unknown.

    One that was itself rolled back is passed over.
    """
    every = before(connection, model, suspect.at)
    earlier = [one for one in every if one.version != suspect.version]
    good = [one for one in earlier if not _rolled_back(connection, model, one, every)]
    if earlier:
        return good[-1].version if good else None
    query = (
        sa.select(profiles.c.version)
        .where(
            profiles.c.model == model,
            profiles.c.role == "production",
            profiles.c.start < suspect.at,
            profiles.c.version != suspect.version,
        )
        .order_by(profiles.c.start.desc())
        .limit(1)
    )
    found: str | None = connection.execute(query).scalar()
    return found


def _rolled_back(connection: sa.Connection, model: str, change: Change, every: Sequence[Change]) -> bool:
    """Whether an action rolled a deployment back, before its version was deployed anew."""
    anew = [one.at for one in every if one.version == change.version and one.at > change.at]
    query = sa.select(actions.c.id).where(
        actions.c.model == model,
        actions.c.from_version == change.version,
        actions.c.executed_at.is_not(None),
        actions.c.proposed_at >= change.at,
    )
    query = query.where(actions.c.proposed_at < anew[0]) if anew else query
    return connection.execute(query).first() is not None


def newest(connection: sa.Connection, model: str) -> Change | None:
    """The deployment that serves now, whatever moment is being judged; None when none is known."""
    changes = before(connection, model, 1 << 62)
    return changes[-1] if changes else None


def live_again(connection: sa.Connection, model: str, version: str, since: int) -> int | None:
    """When a version was deployed again after a moment; None when it was not."""
    query = sa.select(sa.func.min(deployments.c.at)).where(
        deployments.c.model == model, deployments.c.version == version, deployments.c.at > since
    )
    when: int | None = connection.execute(query).scalar()
    return when
