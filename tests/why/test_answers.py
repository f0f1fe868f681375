"""Why is somebody not here? Each step that can stop, worded, with nothing written and the same outcome as a run."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from tests.actors import Actor
from tests.sync.office import LEASE, Killed, Office
from tests.sync.people import person
from tests.sync.troubles import trouble
from tests.sync_status.conftest import said
from tests.why.conftest import Asking
from webapp.core import database
from webapp.core.database import write_transaction
from webapp.core.models import AuditEvent, Exclusion, Person, Question, SyncRun, User, db, utcnow
from webapp.integrations.why import answer as why_answer
from webapp.platforms.base import AccessDenied, LeftOut, Unavailable

ADA = person("1001", "Ada Lovelace", "ada@example.com", staff="7")
GRACE = person("1002", "Grace Hopper", "grace@example.com", staff="8")
ZUZANA = person("1003", "Zuzana Černá", "zuzana@example.com")


def counts() -> dict[str, int]:
    db.session.rollback()
    return {
        table.__tablename__: db.session.scalar(sa.select(sa.func.count()).select_from(table)) or 0
        for table in (User, Person, SyncRun)
    }


def test_somebody_new_is_imported_by_the_next_run_and_nothing_is_written_now(asking: Asking) -> None:
    asking.office.platform.people_there = [ADA, GRACE]
    before = counts()
    told = asking.told("Grace Hopper")
    assert "Grace Hopper is imported by the next run." in told
    assert "In the list of 2 teammates" in told
    assert "Username grace@example.com" in told
    assert "Nobody has excluded them." in told
    assert counts() == before
    assert asking.office.sync_settings.last_success_at is None


@pytest.mark.parametrize("text", ["zuzana cerna", "ZUZANA", "zuzana@example.com", "1003", " Černá "])
def test_part_of_a_name_an_email_or_an_id_is_enough(asking: Asking, text: str) -> None:
    asking.office.platform.people_there = [ADA, ZUZANA]
    assert "Zuzana Černá is imported by the next run." in asking.told(text)


def test_several_who_fit_are_listed_to_choose_from(asking: Asking) -> None:
    other = person("1009", "Ada Byron", "byron@example.com")
    asking.office.platform.people_there = [ADA, other, GRACE]
    address = asking.ask("ada")
    page = asking.admin.get(address).text
    assert "Who is meant?" in page
    assert "Grace Hopper" not in page
    assert "who=1009" in page
    chosen = asking.admin.get(f"{address}?who=1009").text
    assert "Ada Byron is imported by the next run." in chosen
    assert "Also fits" in chosen


def test_nobody_found_says_what_was_searched_and_who_is_spelled_alike(asking: Asking) -> None:
    asking.office.platform.people_there = [ADA, GRACE]
    told = asking.told("Ada Lovelacce")
    assert "Nobody of the 2 teammates in Intercom has “Ada Lovelacce” as a name, an email or an ID" in told
    assert "Spelled alike" in told
    assert "Ada Lovelace" in told
    assert "Grace Hopper" not in told


def test_somebody_gone_from_there_is_known_here(asking: Asking) -> None:
    asking.office.sync(ADA, GRACE)
    asking.office.platform.people_there = [GRACE]
    asking.office.sync()
    told = asking.told("ada@example.com")
    assert "Nobody of the 1 teammate" in told
    assert "Known here" in told
    assert "Gone from Intercom since" in told


def test_who_was_merged_away_is_not_known_here_any_more(asking: Asking) -> None:
    gone = asking.office.user("Grace Hopper", "grace", "grace@example.com")
    with write_transaction() as session:
        session.get_one(User, gone).status = "merged"
    asking.office.platform.people_there = [ADA]
    assert "Known here" not in asking.told("Grace Hopper")


def test_who_is_here_already_is_named_with_their_state(asking: Asking) -> None:
    asking.office.sync(ADA, GRACE)
    told = asking.told("ada@example.com")
    assert "Ada Lovelace is here already, as the pending user Ada Lovelace." in told
    assert "They wait to be activated" in told
    assert "Linked to Ada Lovelace since an earlier run" in told


def test_a_bot_stops_at_scope(asking: Asking) -> None:
    asking.office.platform.people_there = [ADA]
    asking.office.platform.set_aside = [LeftOut("5005", "Fin", "operator+x@intercom.io", "bot")]
    told = asking.told("Fin")
    assert "Fin is left out: bots are not people." in told
    assert "Scope Stops here" in told


def test_an_exclusion_says_who_made_it(asking: Asking) -> None:
    asking.office.platform.people_there = [ADA, GRACE]
    with write_transaction() as session:
        for kind, value in (("person", "1001"), ("email", "grace@*")):
            session.add(
                Exclusion(
                    contract_id=asking.office.contract_id,
                    integration_id=asking.office.integration_id,
                    kind=kind,
                    value=value,
                    created_by="Mara Lindqvist",
                )
            )
    told = asking.told("1001")
    assert "Exclusion Stops here Excluded by name by Mara Lindqvist" in told
    told = asking.told("1002")
    assert "Excluded by the pattern by Mara Lindqvist" in told
    assert "grace@*" in told
    with write_transaction() as session:
        session.execute(sa.delete(Exclusion).where(Exclusion.kind == "person"))
    assert "Ada Lovelace is imported" in asking.told("1001")


def test_a_conflict_names_the_value_and_the_users(asking: Asking) -> None:
    asking.office.user("Ada One", "ada@example.com")
    asking.office.user("Ada Two", "ada.two", third_party="1001")
    asking.office.platform.people_there = [ADA]
    told = asking.told("1001")
    assert "Ada Lovelace is in conflict: matches more than one user." in told
    assert "Match Stops here" in told
    assert "Ada One, Ada Two" in told
    assert "Decide it under Conflicts" in told


def test_an_empty_identifier_and_an_absent_one_stop_at_match(asking: Asking) -> None:
    asking.office.configure(identifier_column="staff")
    asking.office.platform.people_there = [ADA, ZUZANA]
    assert "No value in the identifier column" in asking.told("1003")
    told = asking.told("1001")
    assert "staff 7" in told
    assert "Ada Lovelace is imported by the next run." in told
    asking.office.configure(identifier_column="nothing_of_the_kind")
    told = asking.told("1001")
    assert "No run gets as far as Ada Lovelace." in told
    assert "every run fails" in told


def test_who_would_be_recognised_is_said_with_the_new_name(asking: Asking) -> None:
    asking.office.user("A. Lovelace", "ada@example.com")
    asking.office.platform.people_there = [ADA]
    told = asking.told("1001")
    assert "Recognised as A. Lovelace." in told
    assert "A. Lovelace → Ada Lovelace" in told


def test_user_sync_that_is_off_is_why_nobody_is_imported(asking: Asking) -> None:
    asking.office.platform.people_there = [ADA]
    asking.office.configure(enabled=False)
    told = asking.told("1001")
    assert "would be imported, but no run does it now" in told
    assert "User sync is off" in told


@pytest.mark.parametrize(
    ("error", "account_error", "step"),
    [
        (
            None,
            AccessDenied("Intercom refused our token."),
            "Connection Stops here Intercom refused our token.",
        ),
        (
            Unavailable("Intercom did not answer in time."),
            None,
            "Fetch Stops here Intercom did not answer in time.",
        ),
    ],
)
def test_a_question_without_an_answer_says_where_it_failed(
    asking: Asking, error: Exception | None, account_error: AccessDenied | None, step: str
) -> None:
    asking.office.platform.error, asking.office.platform.account_error = error, account_error
    assert step in asking.told("Ada")
    assert asking.office.integration.connection == "connected"


def test_another_account_than_the_connected_one_stops_at_the_connection(asking: Asking) -> None:
    asking.office.platform.account_id = "another"
    assert "Connection Stops here" in asking.told("Ada")


@pytest.mark.parametrize("settled", [False, True])
@pytest.mark.parametrize("column", [None, "staff", "desk"])
def test_the_answer_is_what_the_run_then_does(asking: Asking, settled: bool, column: str | None) -> None:
    """For everybody in a list with every kind of trouble, before and after they are known here."""
    office = asking.office
    office.user("A. Lovelace", "ada@example.com")
    office.user("Grace One", "grace@example.com")
    office.user("Grace Two", "hopper", third_party="1002")
    office.platform.people_there = [
        ADA,
        GRACE,
        ZUZANA,
        person("1004", "Twin", "twin@example.com", staff="9", desk="front"),
        person("1005", "Twin", "twin@example.com", staff="9", desk="front"),
        person("1006", "x" * 300, "long@example.com", staff="11", desk="back"),
        person("6", None, None, staff="12"),
    ]
    office.configure(identifier_column=column)
    if settled:
        office.sync()
        with write_transaction() as session:
            session.execute(sa.update(Person).values(missing_since=None))
    answers = {}
    for entry in office.platform.people_there:
        question_id = int(asking.ask(entry.remote_id).rsplit("/", 1)[1])
        db.session.rollback()
        answer = db.session.get_one(Question, question_id).answer or {}
        (meant,) = [one for one in answer["people"] if one["remote_id"] == entry.remote_id]
        if meant["kind"] != "unchanged":
            answers[entry.remote_id] = (
                meant["kind"],
                meant.get("reason"),
                meant.get("user_id"),
                meant.get("after"),
            )
    run = office.sync()
    done = {
        line.remote_id: (
            line.kind,
            line.reason,
            line.user_id if line.kind != "imported" else None,
            line.after,
        )
        for line in office.lines(run)
    }
    assert answers == done


def test_the_waiting_page_shows_how_far_it_is_and_reloads_when_it_is_there(asking: Asking) -> None:
    asking.office.platform.people_there = [ADA]
    address = asking.admin.post(asking.page, {"q": "Ada"}).location
    page = asking.admin.get(address).text
    assert "Looking for “Ada”" in page
    assert "data-poll" in page
    assert "X-Poll" not in asking.admin.get(f"{address}/panel").headers
    asking.work(int(address.rsplit("/", 1)[1]))
    assert asking.admin.get(f"{address}/panel").headers["X-Poll-Reload"] == "1"
    assert "data-poll" not in asking.admin.get(address).text


def test_asking_is_in_the_audit_log_and_among_the_questions(asking: Asking) -> None:
    asking.ask("Ada Lovelace")
    db.session.rollback()
    event = db.session.scalars(sa.select(AuditEvent).where(AuditEvent.action == "user_sync.asked")).one()
    assert event.details == {"looked for": "Ada Lovelace"}
    assert "Ada Lovelace" in asking.admin.get(asking.page).text


def test_an_empty_question_is_refused(asking: Asking) -> None:
    answer = asking.admin.post(asking.page, {"q": "   "})
    assert answer.status_code == 422
    assert "Enter a name, an email or an ID" in answer.text


def test_no_more_than_a_few_wait_at_once_and_the_same_one_is_joined(asking: Asking) -> None:
    first = asking.admin.post(asking.page, {"q": "0"}).location
    assert asking.admin.post(asking.page, {"q": "0"}).location == first
    for number in range(1, 5):
        asking.admin.post(asking.page, {"q": str(number)})
    answer = asking.admin.post(asking.page, {"q": "one more"}, follow_redirects=True)
    assert "Several questions are being answered already" in answer.text


def test_a_platform_that_is_not_connected_is_not_asked(asking: Asking) -> None:
    with write_transaction() as session:
        integration = session.merge(asking.office.integration)
        integration.connection = "broken"
    assert "Reconnect first" in asking.admin.post(asking.page, {"q": "Ada"}, follow_redirects=True).text
    assert "disabled" in asking.admin.get(asking.page).text


def test_somebody_elses_question_is_not_found(asking: Asking, office: Office, actor_of: object) -> None:
    address = asking.ask("Ada")
    stranger: Actor = actor_of(office.another().contract_id)  # type: ignore[operator]
    assert stranger.get(address).status_code == 404
    assert asking.admin.get(address.replace("intercom", "zendesk")).status_code == 404


def test_questions_are_forgotten_after_a_day(asking: Asking) -> None:
    address = asking.ask("Ada")
    tidy(timedelta(hours=23))
    assert asking.admin.get(address).status_code == 200
    tidy(timedelta(hours=25))
    assert asking.admin.get(address).status_code == 404


def tidy(ahead: timedelta) -> list[tuple[int, int]]:
    """What a tick does for questions so much later; those that it wakes a worker for."""
    with write_transaction() as session:
        why_answer.tidy(session, utcnow() + ahead, LEASE)
        return why_answer.waiting(session)


def killed_while_answering(asking: Asking, text: str) -> int:
    """A question whose worker dies in the middle."""
    question_id = int(asking.admin.post(asking.page, {"q": text}).location.rsplit("/", 1)[1])
    asking.office.platform.error = Killed()
    with pytest.raises(Killed):
        asking.work(question_id)
    asking.office.platform.error = None
    return question_id


def test_b9_a_question_whose_worker_was_killed_is_answered_within_two_minutes(asking: Asking) -> None:
    asking.office.platform.people_there = [ADA]
    question_id = killed_while_answering(asking, "Ada")
    assert tidy(timedelta(seconds=40)) == []
    assert tidy(timedelta(seconds=70)) == [(question_id, 2)]
    asking.work(question_id)
    assert "Ada Lovelace" in said(asking.admin.get(f"{asking.page}/{question_id}").text)


def test_b9_a_question_whose_workers_all_died_fails_with_a_sentence(asking: Asking) -> None:
    question_id = killed_while_answering(asking, "Ada")
    for attempt in (2, 3):
        assert tidy(timedelta(minutes=2)) == [(question_id, attempt)]
        asking.office.platform.error = Killed()
        with pytest.raises(Killed):
            asking.work(question_id)
    assert tidy(timedelta(minutes=2)) == []
    assert "The worker stopped in the middle" in asking.admin.get(f"{asking.page}/{question_id}").text


def test_b9_a_worker_that_comes_back_late_writes_nothing_about_a_question(asking: Asking) -> None:
    asking.office.platform.people_there = [ADA]
    asking.office.platform.meanwhile = lambda: tidy(timedelta(minutes=2))
    question_id = int(asking.admin.post(asking.page, {"q": "Ada"}).location.rsplit("/", 1)[1])
    asking.work(question_id)
    db.session.rollback()
    question = db.session.get_one(Question, question_id, populate_existing=True)
    assert (question.state, question.attempt, question.answer) == ("queued", 2, None)


def test_b9_questions_of_dead_workers_keep_nobody_from_asking(asking: Asking) -> None:
    for number in range(5):
        killed_while_answering(asking, f"Person {number}")
    assert (
        "Several questions are being answered"
        in asking.admin.post(asking.page, {"q": "Ada"}, follow_redirects=True).text
    )
    with write_transaction() as session:
        session.execute(sa.update(Question).values(lease_expires_at=utcnow() - timedelta(seconds=1)))
    assert "/why/" in asking.admin.post(asking.page, {"q": "Ada"}).location


def test_b10_a_question_of_before_the_clock_was_set_back_is_tried_again(asking: Asking) -> None:
    question_id = killed_while_answering(asking, "Ada")
    assert tidy(timedelta(hours=-2)) == [(question_id, 2)]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_b1_trouble_of_the_database_does_not_fail_a_question(
    asking: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_TIMEOUT", 0.2)
    asking.office.platform.people_there = [ADA]
    question_id = int(asking.admin.post(asking.page, {"q": "Ada"}).location.rsplit("/", 1)[1])
    with trouble(asking.office, "sqlite-locked", None) as begin:
        asking.office.platform.meanwhile = begin
        asking.work(question_id)
    asking.office.platform.meanwhile = None
    assert tidy(timedelta(minutes=2)) == [(question_id, 2)]
    asking.work(question_id)
    assert "Ada Lovelace is imported by the next run." in said(
        asking.admin.get(f"{asking.page}/{question_id}").text
    )
