"""Previews of settings that are not saved: alone and together, beside the saved ones, and saved with what they do."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from tests.actors import Actor
from tests.previews.test_previews import applied, page, previewed
from tests.sync.office import Killed, Office, killed_at_commit
from tests.sync.people import person
from webapp.core.database import write_transaction
from webapp.core.models import AuditEvent, Exclusion, SyncRun, db

ADA = person("1", "Ada Lovelace", "ada@example.com", staff="7")
GRACE = person("2", "Grace Hopper", "grace@example.com", staff="8")
PETE = person("3", "Pete Partner", "pete@partner.example", staff="9")


def excluding(office: Office, slug: str, admin: Actor, pattern: str) -> SyncRun:
    """Press Preview beside Exclude, carry it out; the ended preview."""
    answer = admin.post(
        f"/c/{slug}/integrations/platforms/intercom/exclusions", {"pattern": pattern, "preview": "1"}
    )
    assert answer.status_code == 302, answer.text
    run = office.run(int(answer.location.rsplit("/", 1)[1]))
    office.work(run)
    return office.run(run.id)


def patterns(office: Office) -> list[str]:
    db.session.rollback()
    return list(
        db.session.scalars(
            sa.select(Exclusion.value).where(Exclusion.integration_id == office.integration_id)
        )
    )


def read(admin: Actor, slug: str, run: SyncRun, query: str = "") -> str:
    return admin.get(f"/c/{slug}/sync-status/runs/{run.id}{query}").text


# ------------------------------------------------------------------ exclusions
def test_a_pattern_is_tried_before_it_is_excluded_and_saved_when_applied(
    office: Office, slug: str, admin: Actor
) -> None:
    office.platform.people_there = [ADA, PETE]
    shown = excluding(office, slug, admin, "partner.example")
    assert (shown.imported, shown.left_out, patterns(office)) == (1, 1, [])
    text = read(admin, slug, shown)
    assert "*@partner.example" in text
    assert "With the saved settings 2 people would be new, with these 1." in text
    run = applied(office, slug, admin, shown)
    assert (run.state, run.imported, run.left_out) == ("completed", 1, 1)
    assert patterns(office) == ["*@partner.example"]
    again = office.sync()
    assert (again.imported, again.left_out) == (0, 1)


def test_a_pattern_that_makes_no_sense_is_not_previewed(office: Office, slug: str, admin: Actor) -> None:
    answer = admin.post(
        f"/c/{slug}/integrations/platforms/intercom/exclusions", {"pattern": "*", "preview": "1"}
    )
    assert answer.status_code == 422
    assert "That would leave out everybody" in answer.text


# ------------------------------------------------------------------ beside the saved settings
def test_who_would_be_new_with_these_settings_and_not_with_the_saved_ones(
    office: Office, slug: str, admin: Actor
) -> None:
    office.user("Ada", "ada-user", "ada@example.com")
    office.user("Grace", "grace-user", "grace@example.com")
    office.platform.people_there = [ADA, GRACE, PETE]
    shown = previewed(office, slug, admin, column="staff")
    assert shown.saved_counts is not None
    assert (shown.saved_counts["imported"], shown.imported) == (1, 3)
    text = read(admin, slug, shown)
    assert "With the saved settings 1 person would be new, with these 3." in text
    assert "With the saved settings: renamed." in text
    assert "Not as saved <span>2</span>" in text
    only = read(admin, slug, shown, "?kind=differs")
    assert "Grace Hopper" in only
    assert "Pete Partner" not in only


def test_the_saved_settings_tried_again_are_compared_with_nothing(
    office: Office, slug: str, admin: Actor
) -> None:
    office.platform.people_there = [ADA]
    assert previewed(office, slug, admin, column="").saved_counts is None


def test_saved_settings_that_cannot_work_do_not_stop_the_preview(
    office: Office, slug: str, admin: Actor
) -> None:
    office.configure(identifier_column="gone")
    office.platform.people_there = [ADA]
    shown = previewed(office, slug, admin, column="staff")
    assert (shown.state, shown.imported, shown.saved_counts) == ("completed", 1, None)
    assert "the saved ones cannot be used with this list" in read(admin, slug, shown)


def test_a_growth_that_would_be_held_is_said_before_it_is_applied(
    office: Office, slug: str, admin: Actor
) -> None:
    office.sync(ADA)
    office.platform.people_there = [
        ADA,
        *(person(str(n), f"P {n}", f"p{n}@x.example") for n in range(100, 160)),
    ]
    shown = previewed(office, slug, admin)
    assert "The safeguard would hold this run." in (shown.message or "")
    assert "60 new users would come to the 1 who is here" in read(admin, slug, shown)


# ------------------------------------------------------------------ together
def test_several_settings_are_tried_together(office: Office, slug: str, admin: Actor) -> None:
    office.user("Ada", "ada-user", third_party="7")
    office.platform.people_there = [ADA, GRACE, PETE]
    form = admin.get(f"{page(slug)}/preview")
    assert form.status_code == 200
    typed = {"together": "1", "column": "staff", "patterns": "partner.example\n*@other.example"}
    shown = previewed(office, slug, admin, **typed)
    assert (shown.renamed, shown.imported, shown.left_out) == (1, 1, 1)
    again = admin.get(f"{page(slug)}/preview?of={shown.id}").text
    assert 'value="staff"' in again
    assert "*@other.example\n*@partner.example" in again
    run = applied(office, slug, admin, shown)
    assert (run.state, run.renamed, run.imported) == ("completed", 1, 1)
    assert (office.sync_settings.identifier_column, len(patterns(office))) == ("staff", 2)
    event = db.session.scalars(
        sa.select(AuditEvent).where(AuditEvent.action == "user_sync.tried_saved")
    ).one()
    assert event.details == {
        "run": run.id,
        "identifier column": {"before": None, "after": "staff"},
        "excluded emails": ["*@other.example", "*@partner.example"],
    }


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ({"patterns": "fine.example\n***"}, "***: "),
        ({"patterns": "\n".join(f"p{n}.example" for n in range(51))}, "Enter at most 50 patterns."),
        ({"column": "x" * 101}, "at most 100 characters"),
    ],
)
def test_what_cannot_be_tried_stays_in_the_form(
    office: Office, slug: str, admin: Actor, typed: dict[str, str], says: str
) -> None:
    answer = admin.post(f"{page(slug)}/preview", {"together": "1"} | typed)
    assert answer.status_code == 422
    assert says in answer.text
    assert all(value.splitlines()[0] in answer.text for value in typed.values())
    assert db.session.scalar(sa.select(sa.func.count()).select_from(SyncRun)) == 0


def test_a_preview_of_another_contract_is_not_tried_again(office: Office, slug: str, admin: Actor) -> None:
    other = office.another()
    theirs = SyncRun(
        contract_id=other.contract_id,
        integration_id=other.integration_id,
        trigger="manual",
        preview=True,
        state="completed",
        what_if={"identifier_column": "their-secret"},
    )
    with write_transaction() as session:
        session.add(theirs)
        session.flush()
        run_id = theirs.id
    assert "their-secret" not in admin.get(f"{page(slug)}/preview?of={run_id}").text


# ------------------------------------------------------------------ applying
def test_settings_are_saved_with_what_they_do_or_not_at_all(office: Office, slug: str, admin: Actor) -> None:
    office.platform.people_there = [ADA]
    shown = previewed(office, slug, admin, together="1", column="staff", patterns="partner.example")
    office.platform.people_there = [ADA, GRACE]
    run = applied(office, slug, admin, shown)
    assert run.state == "cancelled"
    assert (office.sync_settings.identifier_column, patterns(office), office.users().keys()) == (
        None,
        [],
        {user.username for user in office.users().values() if user.account_id is not None},
    )


def test_a_worker_that_dies_while_a_preview_is_applied_does_not_stop_it(
    office: Office, slug: str, admin: Actor
) -> None:
    office.platform.people_there = [
        person(str(n), f"P {n}", f"p{n}@x.example", staff=str(n)) for n in range(20)
    ]
    shown = previewed(office, slug, admin, column="staff")
    answer = admin.post(f"{page(slug)}/runs/{shown.id}/apply")
    run = office.run(int(answer.location.rsplit("/", 1)[1]))
    with pytest.raises(Killed), killed_at_commit(office.engine, 8):
        office.work(run)
    office.take_back(run)
    office.work(run)
    run = office.run(run.id)
    assert (run.state, run.imported, office.sync_settings.identifier_column) == ("completed", 20, "staff")


def test_a_preview_is_stopped_at_once(office: Office, slug: str, admin: Actor) -> None:
    office.platform.people_there = [ADA]
    answer = admin.post(f"{page(slug)}/preview")
    run = office.run(int(answer.location.rsplit("/", 1)[1]))
    assert "Stop this preview" in read(admin, slug, run)
    stopped: list[Any] = []
    office.platform.meanwhile = lambda: stopped.append(admin.post(f"{page(slug)}/runs/{run.id}/cancel"))
    office.work(run)
    assert [one.status_code for one in stopped] == [302]
    run = office.run(run.id)
    assert (run.state, office.lines(run)) == ("cancelled", [])
    assert "This preview was stopped" in read(admin, slug, run)


def test_what_was_only_proposed_is_in_nobodys_history(office: Office, slug: str, admin: Actor) -> None:
    crowd = [person(str(n), f"P {n}", f"p{n}@x.example") for n in range(20)]
    office.sync(*crowd)
    held = office.sync(*crowd[:5])
    assert held.state == "held"
    user = office.users()["p19@x.example"]
    assert f"/runs/{held.id}" not in admin.get(f"/c/{slug}/users/{user.id}").text
