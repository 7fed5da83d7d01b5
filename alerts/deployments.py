"""Which deployment a change may come from, and which version to go back to."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from collector.tables import deployments, profiles

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
    """The version that served before a deployment: by the deployments, or by the traffic; None if unknown."""
    earlier = [one for one in before(connection, model, suspect.at) if one.version != suspect.version]
    if earlier:
        return earlier[-1].version
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


def live_again(connection: sa.Connection, model: str, version: str, since: int) -> int | None:
    """When a version was deployed again after a moment; None when it was not."""
    query = sa.select(sa.func.min(deployments.c.at)).where(
        deployments.c.model == model, deployments.c.version == version, deployments.c.at > since
    )
    when: int | None = connection.execute(query).scalar()
    return when
