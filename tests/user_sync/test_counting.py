"""Known people: the same definition for every platform, whatever its list holds besides."""

from __future__ import annotations

from tests.sync.people import person
from tests.sync_status.conftest import Watched, strip, watched
from webapp.core.database import write_transaction
from webapp.core.models import Exclusion
from webapp.platforms.base import LeftOut

__all__ = ["watched"]

ADA, BOB = person("1", "Ada", "ada@example.com"), person("2", "Bob", "bob@example.com")


def figures(watched: Watched) -> dict[str, int]:
    """What the User sync tab says of the people there."""
    return strip(watched.admin.get(f"/c/{watched.slug}/integrations/platforms/intercom/user-sync").text)


def test_only_who_is_listed_and_a_user_here_is_known(watched: Watched) -> None:
    with watched.inside() as office, write_transaction() as session:
        session.add(
            Exclusion(
                contract_id=office.contract_id,
                integration_id=office.integration_id,
                kind="email",
                value="*@partner.example",
                created_by="somebody",
            )
        )
    there = [
        ADA,
        BOB,
        person("3", "Light Agent", "light@partner.example"),  # left out, and remembered
        person("4", "Dan One", "twice@example.com"),
        person("5", "Dan Two", "twice@example.com"),
    ]
    watched.sync(*there, set_aside=(LeftOut("9", "Operator", None, "bot"),))  # left out, and not remembered
    assert figures(watched) == {"Known people": 2, "Pending": 2, "Missing": 0}
    watched.sync(*there[1:])
    assert figures(watched) == {"Known people": 1, "Pending": 2, "Missing": 1}
