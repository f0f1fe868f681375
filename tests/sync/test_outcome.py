"""The sentences a run ends with: what happened, what did not change, what to do."""

from __future__ import annotations

from typing import Any

import pytest

from webapp.core.models.sync import RUN_STATES
from webapp.platforms.base import AccessDenied, BadResponse, ConnectorError, Unavailable, WrongAccount
from webapp.sync.plan.safeguard import Held, Shown
from webapp.sync.plan.types import Reason
from webapp.sync.run import outcome


def finished(**counts: Any) -> outcome.Ending:
    did = {name: counts.pop(name, 0) for name, _ in outcome.DONE}
    values: dict[str, Any] = {"left_out": 0, "conflicts": 0, "reasons": {}, "people_word": "teammates"}
    return outcome.finished(**values | {"found": 0} | counts, counts=did)


def test_what_was_done_is_summed_up_in_one_sentence() -> None:
    ended = finished(found=1_204, imported=1_000, linked=3, renamed=2, missing=4, returned=1)
    assert ended.message == (
        "1,204 teammates: 1,000 imported, 3 recognised, 2 renamed, 4 no longer listed, 1 back again."
    )
    assert (ended.state, ended.values["unchanged"]) == ("completed", 199)


def test_the_bot_is_expected_and_what_needs_a_person_is_a_warning() -> None:
    assert finished(found=3, left_out=1, reasons={"bot": 1}).state == "completed"
    ended = finished(found=9, conflicts=2, left_out=2, reasons={"bot": 1, "no_username": 1, "same_value": 2})
    assert ended.state == "completed_with_warnings"
    assert ended.message == (
        "9 teammates, nothing to change. 1 person has nothing that can be a username. "
        "2 people share an identifier with someone else."
    )


@pytest.mark.parametrize("reason", [*Reason, "bot", "not_a_person"])
def test_every_reason_has_words_for_one_and_for_many(reason: str) -> None:
    one, many = outcome.sentence(reason, 1), outcome.sentence(reason, 1234)
    assert one.startswith("1 ")
    assert many.startswith("1,234 ")


def test_a_held_run_says_how_much_is_missing() -> None:
    held = outcome.held(Held(200, 150, 50, 20, 5, ["Ada"]), Shown(["1"], []), "teammates")
    assert "50 of 200 teammates are gone (25%; the limit is 20%), so nothing was changed." in held.message
    assert (held.state, held.values["hold"]["names"]) == ("held", ["Ada"])
    assert held.values["shown"] == {"gone": ["1"], "new": [], "renamed": []}
    empty = outcome.held(Held(200, 0, 200, 20, 5, []), Shown([], []), "teammates")
    assert "came back empty" in empty.message


def test_a_held_run_says_how_many_are_new_and_that_it_is_more_than_was_approved() -> None:
    grown = Held(100, 220, 0, 20, 5, [], 100, 120, 50, 50)
    assert outcome.held(grown, Shown([], []), "agents", again=True).message == (
        "Unusually many people are new: 120 new users would come to the 100 who are here (120%; the limit is 50%), "
        "so nothing was changed. This goes beyond what was approved, so it needs another decision. An administrator "
        "decides whether to go on."
    )
    both = Held(100, 180, 40, 20, 5, [], 100, 120, 50, 50)
    assert outcome.held(both, Shown([], []), "agents").message.startswith(
        "The list is much shorter than last time: 40 of 100 agents are gone (40%; the limit is 20%), and 120 new "
        "users would come to the 100 who are here (120%; the limit is 50%), so nothing was changed."
    )


@pytest.mark.parametrize(
    ("error", "kind", "breaks", "passing"),
    [
        (AccessDenied("No."), "access_denied", True, False),
        (WrongAccount("No."), "wrong_account", True, False),
        (Unavailable("No."), "unavailable", False, True),
        (BadResponse("No."), "bad_response", False, True),
    ],
)
def test_a_failure_to_read_says_that_nobody_was_changed_and_what_to_do(
    error: ConnectorError, kind: str, breaks: bool, passing: bool
) -> None:
    ended = outcome.connector_failed(error)
    assert ended.message.startswith("No. Nobody was changed. ")
    assert (ended.values["error_kind"], ended.breaks_connection, ended.passing) == (kind, breaks, passing)
    assert ("reconnect" in ended.message) is breaks


def test_no_sentence_is_longer_than_its_column() -> None:
    columns = [f"{n}" * 100 for n in range(10)] * 10
    assert len(outcome.identifier_absent("c" * 100, columns).message) <= 1000
    assert "none" in outcome.identifier_absent("badge", []).message
    assert len(finished(found=10**9, reasons=dict.fromkeys(Reason, 10**9)).message) <= 1000


def test_every_ending_is_a_state_that_a_run_can_have() -> None:
    endings = [
        finished(), outcome.held(Held(1, 0, 1, 20, 5, []), Shown([], []), "agents"),
        outcome.cancelled(), outcome.not_runnable("Off."),
        outcome.identifier_absent("x", []), outcome.connector_failed(Unavailable("No.")), outcome.unexpected("RUN-1"),
        outcome.abandoned(5), outcome.tried_long_enough("The database’s disk is full."),
    ]  # fmt: skip
    for ended in endings:
        assert ended.state in RUN_STATES
        assert ended.state not in ("queued", "running")
        assert ended.message.endswith(".")
        assert ended.kind in ("ok", "warn", "bad", "idle")


def test_one_is_not_spoken_of_as_many_and_those_left_out_are_counted() -> None:
    counts = dict.fromkeys(("imported", "linked", "renamed", "missing", "returned"), 0)

    def said(found: int, left_out: int, **some: int) -> str:
        return outcome.finished(
            found=found,
            counts=counts | some,
            left_out=left_out,
            conflicts=0,
            reasons={},
            people_word="teammates",
        ).message

    assert said(1, 0, imported=1) == "1 teammate: 1 imported."
    assert said(1, 0) == "1 teammate, nothing to change."
    assert said(204, 1, imported=203) == "204 teammates: 203 imported, 1 left out."
    assert said(204, 1) == "204 teammates, nothing to change."
