"""Ticks that survive paging and searching, with and without script."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.actors import Actor
from tests.users.pages import Page, open_page
from tests.users.world import World
from webapp.people.directory.selection import MAX_KEPT, UnknownUsers, pack, unpack


@given(st.sets(st.integers(1, 2**63 - 1), max_size=MAX_KEPT))
def test_ids_come_back_as_they_were_packed(ids: set[int]) -> None:
    assert unpack(pack(ids)) == sorted(ids)


@given(st.sets(st.integers(1, 10_000_000), max_size=MAX_KEPT))
def test_as_many_ids_as_can_be_kept_fit_into_an_address(ids: set[int]) -> None:
    assert len(pack(ids)) < 2_000  # of the 4,094 bytes of a request line


@pytest.mark.parametrize(
    "text", ["-", "a b", "1..2", "zzzzzzzzzzzzzz", "é", ".".join(["zzzzzzzzzzzz"] * 300)]
)
def test_text_that_was_never_packed_is_refused(text: str) -> None:
    with pytest.raises(UnknownUsers):
        unpack(text)


def kept(page: Page, ids: list[int], action: str = "/users/activate") -> Page:
    """Tick those on the page as well, and keep them."""
    form = page.form(action)
    return form.fill(ids=[*form.values.get("ids", []), *ids]).send("Keep and look further")


def next_page(page: Page) -> Page:
    (link,) = [link for link in page.root.all("a") if link.attrs.get("rel") == "next"]
    return open_page(page.actor, link.attrs["href"])


def test_ticks_survive_paging_without_script(world: World, manager: Actor) -> None:
    ids = world.add_many(60)

    first = kept(open_page(manager, f"{world.url}?status=pending"), ids[:2])
    assert first.form("/users/activate").values["ids"] == [str(ids[0]), str(ids[1])]
    second = next_page(first)
    assert "2 on other pages" in second.root.one(class_="ticked").text
    page = second.form("/users/activate").fill(ids=[ids[30]]).send("Activate")

    labels = page.root.one("section", aria_labelledby="people-title").all("label")
    assert [label.text for label in labels] == ["Person 00001", "Person 00002", "Person 00031"]
    (back,) = [link for link in page.root.all("a") if link.text == "Change selection"]
    assert open_page(manager, back.attrs["href"]).form("/users/activate").values["ids"] == [
        str(ids[0]),
        str(ids[1]),
    ]


def test_unticking_a_kept_person_lets_them_go(world: World, manager: Actor) -> None:
    ids = world.add_many(60)
    second = next_page(kept(open_page(manager, f"{world.url}?status=pending"), ids[:2]))
    (first,) = [link for link in second.root.all("a") if link.attrs.get("rel") == "prev"]
    page = open_page(manager, first.attrs["href"])

    page = page.form("/users/activate").fill(ids=[ids[1]]).send("Activate")

    assert page.root.one("h1").text == "Activate Person 00002"


def test_ticks_survive_another_search_and_another_order(world: World, manager: Actor) -> None:
    anna, bartek = world.add("Anna Kim", "Bartek Nowak")
    page = kept(open_page(manager, f"{world.url}?status=pending&q=anna"), [anna])

    page = open_page(manager, page.response.request.full_path.replace("q=anna", "q=bartek"))
    page = page.form("/users/activate").fill(ids=[bartek]).send("Activate")

    assert page.root.one("h1").text == "Activate 2 pending users"


def test_clearing_forgets_those_on_other_pages(world: World, manager: Actor) -> None:
    ids = world.add_many(60)
    second = next_page(kept(open_page(manager, f"{world.url}?status=pending"), ids[:2]))
    (clear,) = [link for link in second.root.one(class_="ticked").all("a") if link.text == "Clear"]
    page = open_page(manager, clear.attrs["href"])
    assert "on other pages" not in page.text
    assert "ids" not in page.form("/users/activate").values


def test_who_left_the_tab_is_not_kept(world: World, manager: Actor) -> None:
    ids = world.add_many(60)
    second = next_page(kept(open_page(manager, f"{world.url}?status=pending"), ids[:2]))
    world.set_status(ids[:1], "active")
    page = open_page(manager, second.response.request.full_path)
    assert "1 on other pages" in page.root.one(class_="ticked").text


def test_too_many_to_keep_are_refused_with_the_way_out(world: World, manager: Actor) -> None:
    ids = world.add_many(MAX_KEPT + 30)
    page = open_page(manager, f"{world.url}?status=pending&per_page=100")
    for start in range(0, MAX_KEPT, 100):
        page = next_page(kept(page, ids[start : start + 100]))
    assert f"{MAX_KEPT} on other pages" in page.text

    page = kept(page, ids[MAX_KEPT:])

    assert f"At most {MAX_KEPT} people can be picked one by one" in page.notices
    assert f"{MAX_KEPT} on other pages" in page.text


def test_keeping_leads_only_to_the_list(world: World, manager: Actor) -> None:
    answer = manager.post(
        f"{world.url}/keep",
        {
            "list": "status=pending",
            "ids": world.add("Anna Kim"),
            "to": "//evil.example/?status=pending&_external=1&contract=other",
        },
    )
    assert answer.location.startswith(f"{world.url}?")
    assert "evil" not in answer.location


def test_selecting_all_reaches_beyond_the_page(world: World, manager: Actor) -> None:
    world.add_many(412)
    page = open_page(manager, f"{world.url}?status=pending")
    (link,) = [link for link in page.root.one(class_="ticked").all("a") if link.text == "Select all 412"]
    page = open_page(manager, link.attrs["href"])
    assert "All 412 matching people are selected" in page.root.one(class_="ticked").text
    assert page.form("/users/activate").send("Activate").root.one("h1").text == "Activate 412 pending users"


def test_more_ids_than_a_page_has_boxes_are_refused(world: World, manager: Actor) -> None:
    for path in ("activate", "ignore", "activate/each"):
        answer = manager.post(f"{world.url}/{path}", {"status": "pending", "ids": list(range(1, 1_002))})
        assert answer.status_code == 404
