"""Reading what people are like, there and here, for the suggestions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.core.models import Person, User
from webapp.people.activation.grid_suggestions import Experience, Suggestion, Trait, suggest
from webapp.people.directory.directory import Directory
from webapp.people.directory.rows import owned_by
from webapp.people.directory.setup import Giver, SetUp, beyond, lacking, unseen

SAMPLE = 1_000  # people made active last, whom suggestions follow

# Which of a person's columns say what they are at a platform. Columns come by the platform's own names.
ROLE_COLUMNS = ("role.name", "role")
TITLE_COLUMNS = ("job_title",)


def suggestions(
    session: Session, ids: Sequence[int], directory: Directory, giver: Giver
) -> dict[int, Suggestion]:
    """Suggestions by user ID, in five statements. None gives more than ``giver`` may, and each is complete."""
    traits = _traits(session, ids, directory)
    names = Counter(team.name.casefold() for team in directory.open_teams)
    teams = {
        team.name.casefold(): team.id for team in directory.open_teams if names[team.name.casefold()] == 1
    }
    experience = _experience(session, directory, giver)
    found = {one: suggest(traits[one], experience, teams, directory.agent_id) for one in ids if one in traits}
    return {one: suggestion for one, suggestion in found.items() if suggestion is not None}


def _experience(session: Session, directory: Directory, giver: Giver) -> Experience:
    """Of the last :data:`SAMPLE` people who became active: those whose set-up can be given as it is."""
    ids = list(
        session.scalars(
            sa.select(User.id)
            .where(User.contract_id == directory.contract_id, User.status == "active")
            .order_by(User.status_since.desc(), User.id.desc())
            .limit(SAMPLE)
        )
    )
    open_ids = {team.id for team in directory.open_teams}
    traits, owned = _traits(session, ids, directory), owned_by(session, ids, directory.contract_id)
    experience = Experience()
    for one in ids:
        if one not in owned or one not in traits:
            continue
        roles, had, access = owned[one].role, owned[one].team & open_ids, owned[one].access
        team = next(iter(had)) if len(had) == 1 else None
        set_up = SetUp(frozenset(roles), team, frozenset(access & open_ids))
        if lacking(set_up.roles, team is not None, bool(set_up.access), directory):
            continue
        too_much = beyond(set_up.roles, giver.permissions, directory)
        if not too_much and not unseen(set_up.access, giver, directory):
            experience.add(traits[one], set_up)
    return experience


def _traits(session: Session, ids: Sequence[int], directory: Directory) -> dict[int, list[Trait]]:
    """What each of those users is like, the most telling first."""
    rows = session.execute(
        sa.select(User.id, User.email_key, Person.integration_id, Person.attributes)
        .outerjoin(
            Person,
            sa.and_(Person.user_id == User.id, Person.integration_id.in_(directory.integrations.values())),
        )
        .where(User.contract_id == directory.contract_id, User.id.in_(ids))
        .order_by(User.id, Person.integration_id)
    )
    found: dict[int, list[Trait]] = {}
    domains: dict[int, str] = {}
    for user, email, integration, attributes in rows:
        traits = found.setdefault(user, [])
        platform = directory.platform_by_integration.get(integration or 0)
        if platform is not None and attributes:
            columns = attributes.get("columns", {})
            team, role = attributes.get("team"), _first(columns, ROLE_COLUMNS)
            title = _first(columns, TITLE_COLUMNS)
            told = (("team", team), ("role", role), ("title", title))
            traits += [Trait(kind, value, platform.label) for kind, value in told if value]
        if email and "@" in email:
            domains[user] = email.rpartition("@")[2]
    for user, domain in domains.items():
        found[user].append(Trait("domain", domain))
    return found


def _first(columns: dict[str, str], names: Sequence[str]) -> str | None:
    return next((columns[name] for name in names if columns.get(name)), None)
