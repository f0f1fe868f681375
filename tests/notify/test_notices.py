"""What people get mails about is said on the screens where they can act, too."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.actors import Actor
from tests.notify.test_incidents import break_connection, hold, long_ago, slug
from tests.sync.office import Office
from webapp.core.models import db


@pytest.mark.parametrize(
    ("happens", "said"),
    [
        (break_connection, ("Intercom is not connected any more", "does not accept our access any more")),
        (hold, ("Intercom: a run is held", "An administrator decides whether to go on.")),
        (long_ago, ("Intercom: User sync is overdue", "overdue")),
    ],
)
def test_the_screens_say_what_the_mails_say(
    office: Office, ines: Actor, happens: Callable[[Office], object], said: tuple[str, str]
) -> None:
    happens(office)
    db.session.remove()  # a browser's request reads for itself
    title, sentence = said
    base = f"/c/{slug(office)}"
    assert title in ines.get(f"{base}/integrations/platforms").text
    for page in ("/integrations/platforms/intercom/user-sync", "/sync-status"):
        assert sentence in ines.get(f"{base}{page}").text
