"""The Leavers list: who is gone, from where, seen when, with or without a licence."""

from __future__ import annotations

import re

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.actors import Actor, make_actor
from tests.leavers.house import NAMES, House
from tests.pages import problems_of_page
from tests.users.pages import open_page
from tests.users.world import statements
from webapp.core.models import User


def names(actor: Actor, address: str) -> list[str]:
    return open_page(actor, address).names


def test_an_empty_list_says_why(house: House, manager: Actor) -> None:
    page = manager.get(house.url).text
    assert "Each run of User sync marks whom the platform does not list any more" in page
    assert problems_of_page(page) == []


def test_who_is_gone_stands_there_with_where_and_when(house: House, manager: Actor) -> None:
    house.read(10)
    house.lose("Ada", days=5)
    house.lose("Ben", days=9)
    page = manager.get(house.url).text
    assert names(manager, house.url) == ["Ben", "Ada"]  # the longest gone first
    assert names(manager, f"{house.url}?sort=-gone") == ["Ada", "Ben"]
    assert names(manager, f"{house.url}?q=ada") == ["Ada"]
    assert "2 licences to free" in page
    assert len(re.findall(r"Last listed", page)) == 2
    assert re.search(r'href="/c/[^"]+/sync-status/runs/\d+">Run \d+</a>', page)
    assert problems_of_page(page) == []


def test_who_is_still_elsewhere_is_kept_apart(house: House, manager: Actor) -> None:
    house.lose("Ada", "Ben", days=5)
    house.elsewhere("Ben")
    assert names(manager, house.url) == ["Ada"]
    page = manager.get(f"{house.url}?gone=elsewhere").text
    assert names(manager, f"{house.url}?gone=elsewhere") == ["Ben"]
    assert "Still in Zendesk" in page
    assert "Deactivate selected" not in page
    assert problems_of_page(page) == []


def test_who_is_gone_from_everywhere_is_told_with_each_place(house: House, manager: Actor) -> None:
    house.lose("Ada", "Ben", days=5)
    house.elsewhere("Ben", missing_days=3)
    assert names(manager, house.url) == ["Ada", "Ben"]
    assert "Night shift" in manager.get(house.url).text
    assert names(manager, f"{house.url}?missing=zendesk") == ["Ben"]


def test_pending_and_inactive_leavers_hold_no_licence(house: House, manager: Actor) -> None:
    house.lose("Ada", "Ben", days=5)
    house.change(sa.update(User).where(User.name == "Ada").values(status="pending"))
    house.change(sa.update(User).where(User.name == "Ben").values(status="inactive"))
    for status, name in (("pending", "Ada"), ("inactive", "Ben")):
        page = manager.get(f"{house.url}?status={status}").text
        assert names(manager, f"{house.url}?status={status}") == [name]
        assert "data-ticks" not in page
        assert problems_of_page(page) == []


def test_the_users_page_counts_them_and_leads_there(house: House, manager: Actor) -> None:
    house.lose("Ada", "Ben", days=5)
    users = house.url.removesuffix("/leavers")
    tabs = open_page(manager, users).root.one("nav", aria_label="User status").all("a")
    assert tabs[-1].text == "Leavers 2"
    assert tabs[-1].attrs["href"] == house.url
    answer = manager.get(f"{users}?status=active&gone=nowhere")
    assert answer.status_code == 302
    assert answer.location == f"{house.url}?status=active&gone=nowhere"


def test_platforms_and_sync_status_lead_there_for_those_who_may(house: House, admin: Actor) -> None:
    contract = house.url.removesuffix("/users/leavers")
    for page in ("integrations/platforms", "sync-status"):
        assert f'href="{house.url}"' in admin.get(f"{contract}/{page}").text


def test_support_is_not_led_there(app: Flask, house: House) -> None:
    support = make_actor(app, house.office.contract_id, "system_access")
    contract = house.url.removesuffix("/users/leavers")
    assert house.url not in support.get(f"{contract}/sync-status").text
    assert support.get(house.url).status_code == 403


def test_deactivating_them_frees_their_licences(house: House, manager: Actor) -> None:
    house.lose("Ada", "Ben", days=5)
    users = house.url.removesuffix("/leavers")
    ids = [house.user(name).id for name in ("Ada", "Ben")]
    fields = {"list": "gone=nowhere&status=active", "ids": ids}
    assert "2 licences are free" in manager.post(f"{users}/deactivate", fields).text
    manager.post(f"{users}/deactivate/confirm", fields | {"confirm": "y"})
    assert house.inactive() == {"Ada", "Ben"}
    assert house.user("Ada").left_since is not None
    assert names(manager, f"{house.url}?status=inactive") == ["Ada", "Ben"]
    house.find_again("Ada")
    assert names(manager, f"{house.url}?gone=back") == ["Ada"]


def test_a_deactivation_of_somebody_who_is_there_is_no_departure(house: House, manager: Actor) -> None:
    users = house.url.removesuffix("/leavers")
    manager.post(
        f"{users}/deactivate/confirm",
        {"list": "status=active", "ids": [house.user("Cleo").id], "confirm": "y"},
    )
    assert house.user("Cleo").left_since is None
    assert "Nobody has come back" in manager.get(f"{house.url}?gone=back").text


@pytest.mark.parametrize(
    "query", ["gone=nonsense", "gone=due", "gone=back&status=active", "sort=nonsense", "page=99", "missing=x"]
)
def test_nonsense_in_the_address_is_a_page(house: House, manager: Actor, query: str) -> None:
    house.lose("Ada", days=5)
    assert manager.get(f"{house.url}?{query}").status_code == 200


def test_a_page_costs_the_same_however_many_are_gone(house: House, manager: Actor) -> None:
    url = house.url

    def cost() -> int:
        with statements(house.office.app) as made:
            manager.get(url)
        return len(made)

    house.lose("Ada", days=5)
    cost()  # the first page of a browser costs more
    few = cost()
    house.lose(*NAMES, days=5)
    cost()  # the connection with which they were lost begins anew
    assert cost() == few
