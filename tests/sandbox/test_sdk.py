"""Intercom's own SDK for Python takes the sandbox for Intercom."""

from __future__ import annotations

import pytest
from intercom import Intercom
from intercom.core.api_error import ApiError
from intercom.errors import NotFoundError, UnauthorizedError

from tests.sandbox.caller import Caller

OWNER = "991267400"


def client_of(caller: Caller, token: str) -> Intercom:
    """The SDK with the two headers that it does not send by itself."""
    headers = {"Intercom-Version": "2.16", "Accept": "application/json"}
    return Intercom(token=token, base_url=caller.sandbox.url, headers=headers)


@pytest.fixture
def intercom(caller: Caller, token: str) -> Intercom:
    return client_of(caller, token)


def test_it_lists_the_teammates(caller: Caller, token: str, intercom: Intercom) -> None:
    listed = intercom.admins.list()
    assert listed.type == "admin.list"
    assert listed.admins is not None
    assert [admin.id for admin in listed.admins if admin] == [admin["id"] for admin in caller.admins(token)]
    owner = listed.admins[0]
    assert owner is not None
    assert (owner.name, owner.job_title, owner.has_inbox_seat) == ("Rosalind Achebe", "Head of support", True)
    assert owner.role == {"type": "role", "id": "3", "name": "Workspace Admin"}  # type: ignore[attr-defined]


def test_it_finds_a_teammate(intercom: Intercom) -> None:
    admin = intercom.admins.find(int(OWNER))
    assert admin is not None
    assert (admin.id, admin.email) == (OWNER, "rosalind.achebe@kestrel.example")


def test_it_identifies_who_connected_and_the_workspace(intercom: Intercom) -> None:
    me = intercom.admins.identify()
    assert me is not None
    assert (me.id, me.email_verified) == (OWNER, True)
    assert me.app is not None
    assert (me.app.name, me.app.region) == ("Kestrel Outdoor", "US")


def test_without_any_header_of_ours_it_works_as_well(caller: Caller, token: str) -> None:
    listed = Intercom(token=token, base_url=caller.sandbox.url).admins.list()
    assert listed.admins


def test_it_sees_its_own_errors(caller: Caller, intercom: Intercom) -> None:
    with pytest.raises(NotFoundError) as missing:
        intercom.admins.find(1)
    assert missing.value.body["errors"][0]["code"] == "admin_not_found"
    with pytest.raises(UnauthorizedError) as refused:
        client_of(caller, "nonsense").admins.list()
    assert refused.value.body.errors[0].message == "Access Token Invalid"
    with pytest.raises(UnauthorizedError):
        client_of(caller, "nonsense").admins.find(int(OWNER))


@pytest.mark.parametrize(
    ("status", "code"),
    [(403, "forbidden"), (429, "rate_limit_exceeded"), (500, "server_error"), (503, "service_unavailable")],
)
def test_it_reports_other_errors_with_our_envelope(
    caller: Caller, intercom: Intercom, status: int, code: str
) -> None:
    caller.fault(path="/admins", kind="status", status=status)
    with pytest.raises(ApiError) as error:
        intercom.admins.list()
    assert error.value.status_code == status
    assert error.value.body["errors"][0]["code"] == code


def test_it_waits_for_the_end_of_the_window_and_tries_again(caller: Caller, token: str) -> None:
    caller.fault(path="/admins", kind="status", status=429, times=1, retry_after=1)
    listed = client_of(caller, token).admins.list(request_options={"max_retries": 3})
    assert listed.admins
    assert [asked["path"] for asked in caller.asked()].count("/admins") == 2


@pytest.mark.parametrize("kind", ["html", "empty", "wrong-json", "truncate", "drop-connection"])
def test_it_does_not_take_a_broken_answer_for_a_list(caller: Caller, intercom: Intercom, kind: str) -> None:
    caller.fault(path="/admins", kind=kind)
    try:
        listed = intercom.admins.list()
    except Exception:
        return  # each kind breaks it in another way
    assert not isinstance(getattr(listed, "admins", None), list)
