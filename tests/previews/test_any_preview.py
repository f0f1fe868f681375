"""Whatever the list, the users and the settings are: a preview is what the run then does, and a held run that was
approved ends as if there were no safeguard."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sync.office import COUNTERS, SOMEBODY, Office, open_office
from tests.sync.people import person
from webapp.core.models import SyncRun
from webapp.core.models.sync import SUCCESS_STATES
from webapp.integrations.user_sync import held_run_service, preview_service
from webapp.integrations.user_sync import settings as use
from webapp.platforms.base import Person
from webapp.sync.plan.safeguard import Limits
from webapp.sync.plan.what_if import WhatIf

EMAILS = [f"{letter}@x.example" for letter in "abcde"] + ["A@X.example", "p@partner.example", None]
NAMES = ["Ada", "Bob", "Zoë Ångström", "", None]
TYPES = ["agent", "light_agent", "custom:7"]


@st.composite
def people(draw: st.DrawFn) -> list[Person]:
    """A list in the shape of Intercom's (no usernames, no types) or of Zendesk's (both), for a whole example."""
    ids = draw(st.lists(st.integers(100, 112).map(str), unique=True, min_size=1, max_size=9))
    zendesk = draw(st.booleans())
    found = []
    for remote_id in ids:
        staff = draw(st.sampled_from(["S01", "S02", "a@x.example", "", None]))
        one = person(
            remote_id,
            draw(st.sampled_from(NAMES)),
            draw(st.sampled_from(EMAILS)),
            **({"staff": staff} if staff else {}),
        )
        if zendesk:
            alias = draw(st.sampled_from(["ada", "bob", None]))
            one = msgspec.structs.replace(one, username=alias, types=(draw(st.sampled_from(TYPES)),))
        found.append(one)
    return found


def tries() -> st.SearchStrategy[WhatIf]:
    return st.builds(
        WhatIf,
        identifier_column=st.sampled_from([msgspec.UNSET, None, "email", "staff"]),
        left_out_types=st.sampled_from([msgspec.UNSET, [], ["light_agent"], ["agent", "custom:7"]]),
        excluded_emails=st.sampled_from([(), ("*@partner.example",), ("a@*", "*@partner.example")]),
    )


def start(app: Flask, before: list[Person]) -> Office:
    """An office with users of its own, and ``before`` known already."""
    office = open_office(app)
    use.save_safeguard(office.integration_id, Limits(100, 1000, 1000, 1000))
    office.user("Here Before", "a@x.example")
    office.user("Inactive", "inactive", "b@x.example", status="inactive")
    office.user("By Number", "s01", third_party="105")
    office.sync(*before)
    return office


def lines(office: Office, run: SyncRun) -> list[Any]:
    return sorted(
        (line.kind, line.remote_id, line.person_name, line.before, line.after, line.reason or "")
        for line in office.lines(run)
    )


def users_of(office: Office) -> dict[str, tuple[object, ...]]:
    return {
        name: (user.name, user.status, user.email, user.third_party_id)
        for name, user in office.users().items()
    }


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@settings(max_examples=25)
@given(before=people(), now=people(), tried=tries())
def test_a_preview_is_what_the_run_then_does(
    app: Flask, before: list[Person], now: list[Person], tried: WhatIf
) -> None:
    with app.app_context():
        office = start(app, before)
        as_it_was = users_of(office)
        office.platform.people_there = now
        preview = preview_service.request_preview(office.integration_id, SOMEBODY, tried)
        office.work(preview)
        preview = office.run(preview.id)
        assert users_of(office) == as_it_was
        if preview.error_kind == "identifier_absent":
            return
        assert preview.state in SUCCESS_STATES
        run = preview_service.apply_preview(office.integration_id, preview.id, SOMEBODY)
        office.work(run)
        run = office.run(run.id)
        assert run.state in SUCCESS_STATES, run.message
        assert lines(office, run) == lines(office, preview)
        assert [getattr(run, name) for name in COUNTERS] == [getattr(preview, name) for name in COUNTERS]
        for name, value in tried.settings().items():
            assert getattr(office.sync_settings, name) == value
        again = office.sync()  # the saved settings are those that were tried: nothing is left to do
        assert (again.imported, again.linked, again.renamed, again.missing, again.returned) == (0, 0, 0, 0, 0)
        assert (again.conflicts, again.left_out) == (run.conflicts, run.left_out)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@settings(max_examples=25)
@given(before=people(), now=people())
def test_a_held_run_that_was_approved_ends_like_one_without_a_safeguard(
    app: Flask, before: list[Person], now: list[Person]
) -> None:
    with app.app_context():
        free, guarded = start(app, before), start(app, before)
        use.save_safeguard(guarded.integration_id, Limits(1, 1, 1, 1))
        expected = free.sync(*now)
        run = guarded.sync(*now)
        if run.state == "held":
            as_shown = lines(guarded, run)
            guarded.work(held_run_service.approve(guarded.integration_id, run.id, SOMEBODY))
            run = guarded.run(run.id)
            assert lines(guarded, run) == as_shown
        assert (run.state, run.message) == (expected.state, expected.message)
        assert guarded.everything(run) == free.everything(expected)
