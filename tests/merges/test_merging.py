"""Two users who are one human: proposed with evidence, merged by a person, and undone with nothing lost."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.actors import Actor, make_actor, make_contract
from tests.conflicts.conftest import Apart
from tests.merges.desk import DESK, THERE, Human, account, change, get_user, proposed, rows
from tests.sync.office import Office, between_batches, open_office
from tests.sync.people import person
from tests.users.pages import open_page
from webapp.core.models import (
    AuditEvent,
    Contract,
    Decision,
    MergeProposal,
    Person,
    Role,
    SyncChange,
    Team,
    User,
    UserRole,
    UserTeam,
    db,
)
from webapp.people.merges import find_duplicates


def merge(admin: Actor, url: str, one: int, other: int, stays: int) -> str:
    """Fill in the page of the two and send it; the page that comes back."""
    page = open_page(admin, f"{url}/{one}/merge/{other}")
    return page.form(f"/{one}/merge/{other}").fill(stays=stays).send("Merge").root.text


def undo(admin: Actor, url: str) -> str:
    """Undo the newest merge by its page."""
    page = open_page(admin, f"{url}/merges?show=merged")
    (link, *_) = [one for one in page.root.all("a") if one.text.startswith("Undo…")]
    return open_page(admin, link.attrs["href"]).form("/undo").send("Undo the merge").root.text


def audit(action: str) -> list[AuditEvent]:
    db.session.rollback()
    return list(db.session.scalars(sa.select(AuditEvent).where(AuditEvent.action == action)))


# ------------------------------------------------------------------ what is proposed
def test_a_sync_proposes_two_users_with_the_same_email(office: Office, twins: Human) -> None:
    assert proposed(office.contract_id) == [(twins.first, twins.second, ["email"], False)]


def test_the_page_shows_the_pair_side_by_side(admin: Actor, url: str, twins: Human) -> None:
    page = open_page(admin, f"{url}/merges")
    for words in (
        "Ada Lovelace and Ada King",
        "Strong evidence",
        "Same email",
        "Ada King in Zendesk (ID 900)",
    ):
        assert words in page.text
    assert "1 pair of users looks like one person" in open_page(admin, f"{url}?status=pending").text


def test_an_id_of_one_in_the_others_record_is_strong_evidence(office: Office, desk: Office) -> None:
    office.sync(person("1001", "Ada", "ada@one.example"))
    desk.sync(person("900", "Ms Lovelace", "al@two.example", staff="S-1", external_id=" 1001 "))
    assert [pair[2] for pair in proposed(office.contract_id)] == [["identifier"]]


def test_equal_ids_of_two_platforms_say_nothing(office: Office, desk: Office) -> None:
    office.sync(person("900", "Ada", "ada@one.example"))
    desk.sync(person("900", "Bob", "bob@two.example", staff="S-1"))
    assert proposed(office.contract_id) == []


def test_one_name_and_one_email_domain_are_weak_evidence(office: Office, desk: Office) -> None:
    office.sync(person("1001", "Ada Lovelace", "ada@example.com"))
    desk.sync(person("900", " ADA  lovelace", "a.lovelace@EXAMPLE.com", staff="S-1"))
    assert [pair[2] for pair in proposed(office.contract_id)] == [["name"]]
    db.session.rollback()
    assert db.session.scalars(sa.select(MergeProposal.strong)).one() is False


def test_it_is_looked_for_doubles_after_runs_that_changed_somebody(office: Office, desk: Office) -> None:
    def wanted() -> bool:
        db.session.rollback()
        return find_duplicates.wanted(db.session())

    office.sync(THERE)
    assert wanted()
    open_office(office.app).sync(THERE)
    assert find_duplicates.find_wanted(db.engine) == 2
    assert not wanted()
    office.sync(THERE)
    assert not wanted()
    office.sync(person(THERE.remote_id, "Ada Byron", THERE.email))
    desk.sync(DESK)
    assert find_duplicates.find_wanted(db.engine) == 1  # once for a contract


def test_two_people_of_one_platform_are_never_proposed(office: Office) -> None:
    office.configure(identifier_column="staff")
    office.sync(
        person("1001", "Ada Lovelace", "ada@example.com", staff="1"),
        person("1002", "Ada Lovelace", "ada.l@example.com", staff="2"),
    )
    assert proposed(office.contract_id) == []


def test_a_pair_that_agrees_no_more_is_taken_away(office: Office, twins: Human) -> None:
    change(sa.update(User).where(User.id == twins.second).values(email_key="x@y.example", username_key="xyz"))
    change(sa.update(Person).where(Person.remote_id == "900").values(email="x@y.example"))
    find_duplicates.find(db.engine, office.contract_id)
    assert proposed(office.contract_id) == []


def test_many_with_one_key_are_paired_with_the_first_alone(office: Office) -> None:
    for number in range(12):
        office.user(f"N {number}", f"user{number}", "team@example.com")
    assert find_duplicates.find(db.engine, office.contract_id) == 11
    assert find_duplicates.find(db.engine, office.contract_id) == 11


@pytest.mark.parametrize("how", ["removed", "merged"])
def test_who_goes_while_it_is_looked_is_not_proposed(
    office: Office, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    users = [office.user(f"N {number}", f"user{number}", "one@example.com") for number in range(3)]
    looked = find_duplicates._found

    def meanwhile(connection: sa.Connection, contract_id: int) -> dict[tuple[int, int], set[str]]:
        found = looked(connection, contract_id)
        connection.rollback()
        one = User.id == users[2]
        change(
            sa.delete(User).where(one)
            if how == "removed"
            else sa.update(User).where(one).values(status="merged")
        )
        return found

    monkeypatch.setattr(find_duplicates, "_found", meanwhile)
    find_duplicates.find(db.engine, office.contract_id)
    assert [pair[:2] for pair in proposed(office.contract_id)] == [(users[0], users[1])]


def test_not_the_same_is_kept_and_can_be_taken_back(
    office: Office, desk: Office, admin: Actor, url: str, twins: Human
) -> None:
    answer = open_page(admin, f"{url}/merges").form("/not-same").send("Not the same person")
    assert "are not one person" in answer.root.text
    assert "No two users look like one person" in answer.text
    desk.sync(person("900", "Ada King-Noel", "ADA@example.com", staff="S-1"))
    open_page(admin, f"{url}/merges?show=dismissed")
    assert [pair[3] for pair in proposed(office.contract_id)] == [True]
    open_page(admin, f"{url}/merges?show=dismissed").form("/take-back").send("Take back")
    assert [pair[3] for pair in proposed(office.contract_id)] == [False]
    assert len(audit("users.not_the_same")) == len(audit("users.maybe_the_same")) == 1


def test_looking_again_finds_users_added_by_hand(office: Office, admin: Actor, url: str) -> None:
    page = open_page(admin, f"{url}/merges")
    office.user("Ada", "ada", "ada@example.com")
    office.user("A. Lovelace", "lovelace", "ada@example.com", status="inactive")
    assert "Ada and A. Lovelace" in page.form("/look").send("Look again").text


# ------------------------------------------------------------------ merging
def test_a_merge_moves_links_and_history_and_the_other_is_nobody_any_more(
    office: Office, desk: Office, admin: Actor, url: str, twins: Human
) -> None:
    text = merge(admin, url, twins.first, twins.second, stays=twins.first)
    assert "Ada King is merged into Ada Lovelace" in text
    assert "Called there Ada King" in " ".join(text.split()) or "Ada King" in text
    assert desk.remembered()["900"].user_id == office.remembered()["1001"].user_id == twins.first
    assert get_user(twins.second).status == "merged"
    pending = open_page(admin, f"{url}?status=pending")
    assert pending.names == ["Ada Lovelace"]
    page = open_page(admin, f"{url}/{twins.second}")
    assert page.root.one("h1").text == "Ada Lovelace"
    assert "Ada King was merged into this user" in page.root.text
    assert "To Ada King, before the merge" in page.text
    (event,) = audit("users.merged")
    assert (event.target, (event.details or {})["merged into them"]) == ("Ada Lovelace", "Ada King")
    assert desk.sync(DESK).unchanged == office.sync(THERE).unchanged == 1
    assert find_duplicates.find(db.engine, office.contract_id) == 0


def test_the_active_one_stays_by_default_else_who_is_here_for_longer(
    office: Office, admin: Actor, url: str, twins: Human
) -> None:
    def chosen() -> list[str]:
        page = open_page(admin, f"{url}/{twins.first}/merge/{twins.second}")
        return page.form(f"/{twins.second}").values["stays"]

    assert chosen() == [str(twins.first)]
    change(sa.update(User).where(User.id == twins.second).values(status="active"))
    assert chosen() == [str(twins.second)]


def test_an_identifier_of_who_is_gone_is_free_again(
    office: Office, admin: Actor, url: str, twins: Human
) -> None:
    username = get_user(twins.second).username
    merge(admin, url, twins.first, twins.second, stays=twins.first)
    office.user("Somebody Else", username)
    text = undo(admin, url)
    assert f"{username}-2" in text
    assert get_user(twins.second).username == f"{username}-2"


def test_who_is_gone_is_matched_by_nobody(office: Office, admin: Actor, url: str) -> None:
    kept = office.user("Ada", "ada-here", "ada@one.example")
    gone = office.user("Ada Old", "ada-old", "old@one.example")
    merge(admin, url, kept, gone, stays=kept)
    assert office.sync(person("1", "Ada Old", "old@one.example")).imported == 1


def test_who_stays_gets_the_email_only_where_they_have_none(office: Office, admin: Actor, url: str) -> None:
    kept = office.user("Ada", "ada-here", third_party="55")
    gone = office.user("Ada Old", "ada-old", "old@one.example", third_party="66")
    before = rows(office.contract_id)
    merge(admin, url, kept, gone, stays=kept)
    user = get_user(kept)
    assert (user.email, user.email_key, user.third_party_id) == ("old@one.example", "old@one.example", "55")
    undo(admin, url)
    assert rows(office.contract_id) == before


def test_roles_end_a_licence_is_free_and_undoing_gives_all_of_it_back(
    office: Office, admin: Actor, url: str, twins: Human
) -> None:
    role = db.session.scalars(
        sa.select(Role.id).where(Role.contract_id == office.contract_id, Role.key == "agent")
    ).one()
    team = db.session.scalars(sa.select(Team.id).where(Team.contract_id == office.contract_id)).one()
    owned = {"contract_id": office.contract_id, "user_id": twins.second}
    change(sa.update(User).where(User.id.in_([twins.first, twins.second])).values(status="active"))
    change(sa.insert(UserRole).values(role_id=role, **owned))
    change(sa.insert(UserTeam).values(team_id=team, **owned))
    change(sa.update(User).where(User.id == twins.second).values(account_id=account("ada")))
    before = rows(office.contract_id)
    merge(admin, url, twins.first, twins.second, stays=twins.first)
    after = rows(office.contract_id)
    assert not [row for row in after["user_teams"] if row["user_id"] in (twins.first, twins.second)]
    assert get_user(twins.first).account_id is not None
    text = undo(admin, url)
    assert "The merge is undone" in text
    assert rows(office.contract_id) == before


def test_without_a_free_licence_they_come_back_pending_and_that_is_said_first(
    office: Office, admin: Actor, url: str, twins: Human
) -> None:
    change(sa.update(User).where(User.id.in_([twins.first, twins.second])).values(status="active"))
    merge(admin, url, twins.first, twins.second, stays=twins.first)
    change(sa.update(Contract).where(Contract.id == office.contract_id).values(licences=2))
    (link, *_) = [
        one
        for one in open_page(admin, f"{url}/merges?show=merged").root.all("a")
        if one.text.startswith("Undo…")
    ]
    page = open_page(admin, link.attrs["href"])
    assert "No licence is free, so they come back as pending" in page.notices
    page.form("/undo").send("Undo the merge")
    assert get_user(twins.second).status == "pending"


def test_decisions_go_with_the_user_and_come_back(
    office: Office, desk: Office, admin: Actor, url: str, twins: Human
) -> None:
    change(sa.update(Decision).values(user_id=twins.second))
    before = rows(office.contract_id)
    merge(admin, url, twins.first, twins.second, stays=twins.first)
    db.session.rollback()
    assert db.session.scalars(sa.select(Decision.user_id)).all() == [twins.first]
    undo(admin, url)
    assert rows(office.contract_id) == before


def test_history_stays_with_whom_it_was_about(office: Office, admin: Actor, url: str, twins: Human) -> None:
    lines = sa.select(SyncChange.id, SyncChange.user_id).order_by(SyncChange.id)
    db.session.rollback()
    before = db.session.execute(lines).all()
    merge(admin, url, twins.first, twins.second, stays=twins.first)
    undo(admin, url)
    db.session.rollback()
    assert db.session.execute(lines).all() == before


def test_merges_on_merges_are_undone_from_the_last(
    office: Office, admin: Actor, url: str, twins: Human
) -> None:
    third = office.user("Ada Three", "ada-three")
    merge(admin, url, twins.first, twins.second, stays=twins.first)
    merge(admin, url, twins.first, third, stays=third)
    assert open_page(admin, f"{url}/{twins.second}").root.one("h1").text == "Ada Three"
    links = [
        one.attrs["href"]
        for one in open_page(admin, f"{url}/merges?show=merged").root.all("a")
        if one.text.startswith("Undo…")
    ]
    assert "Undo that merge first" in open_page(admin, links[1]).notices
    undo(admin, url)
    assert get_user(twins.first).status == "pending"
    assert open_page(admin, f"{url}/{twins.second}").root.one("h1").text == "Ada Lovelace"


def test_of_two_on_one_platform_the_one_who_is_gone_there_is_let_go(
    office: Office, admin: Actor, url: str
) -> None:
    office.configure(identifier_column="staff", shrink_percent=100)
    old = person("1001", "Ada Lovelace", "ada@one.example", staff="1")
    new = person("1002", "Ada L.", "ada@two.example", staff="2")
    office.sync(old, new)
    first, second = (office.remembered()[one].user_id or 0 for one in ("1001", "1002"))
    page = open_page(admin, f"{url}/{first}/merge/{second}")
    assert "A platform lists both" in page.notices
    assert office.sync(new).missing == 1
    before = rows(office.contract_id)
    merge(admin, url, first, second, stays=first)
    people = office.remembered()
    assert (people["1001"].user_id, people["1002"].user_id) == (None, first)
    undo(admin, url)
    assert rows(office.contract_id) == before


def test_a_run_that_planned_before_a_merge_plans_anew(
    office: Office, desk: Office, admin: Actor, url: str, twins: Human
) -> None:
    crowd = [person(f"1{n:02}", f"P {n}", f"p{n}@example.com", staff=f"T-{n}") for n in range(12)]
    changed = person("900", "Ada Quincy", "ADA@example.com", staff="S-1")
    desk.platform.people_there = [*crowd, changed]
    run = desk.request()
    with between_batches(desk, run, lambda: merge(admin, url, twins.first, twins.second, stays=twins.first)):
        desk.work(run)
    assert desk.run(run.id).state == "completed"
    assert desk.remembered()["900"].user_id == twins.first
    assert get_user(twins.second).name == "Ada King"
    assert get_user(twins.first).name == "Ada Lovelace"


def test_an_undone_pair_is_not_proposed_again_until_somebody_takes_that_back(
    office: Office, desk: Office, admin: Actor, url: str, twins: Human
) -> None:
    pair = (twins.first, twins.second, ["email"])
    merge(admin, url, twins.first, twins.second, stays=twins.first)
    find_duplicates.find(db.engine, office.contract_id)
    assert proposed(office.contract_id) == []
    assert "The two are not proposed again" in undo(admin, url)
    assert proposed(office.contract_id) == [(*pair, True)]
    desk.sync(person("900", "Ada Byron", "ADA@example.com", staff="S-1"))
    assert proposed(office.contract_id) == [(*pair, True)]
    kept = open_page(admin, f"{url}/merges?show=dismissed")
    assert "Not the same person, said" in kept.text
    kept.form("/take-back").send("Take back")
    assert proposed(office.contract_id) == [(*pair, False)]
    # merged once more, and undone before any search: the pair that is there is the one that is dismissed
    merge(admin, url, twins.first, twins.second, stays=twins.second)
    undo(admin, url)
    assert proposed(office.contract_id) == [(*pair, True)]


def test_undoing_a_merge_by_hand_is_remembered_too(office: Office, admin: Actor, url: str) -> None:
    one, other = office.user("Ada", "ada-here"), office.user("Bob", "bob-here")
    merge(admin, url, one, other, stays=other)
    undo(admin, url)
    assert proposed(office.contract_id) == [(one, other, [], True)]
    kept = open_page(admin, f"{url}/merges?show=dismissed")
    assert "Merge undone" in kept.text
    kept.form("/take-back").send("Take back")
    assert proposed(office.contract_id) == []


# ------------------------------------------------------------------ what is refused
def test_two_accounts_are_refused(office: Office, admin: Actor, url: str, twins: Human) -> None:
    for user_id, name in ((twins.first, "one"), (twins.second, "two")):
        change(sa.update(User).where(User.id == user_id).values(account_id=account(name)))
    page = open_page(admin, f"{url}/{twins.first}/merge/{twins.second}")
    assert "Both can sign in" in page.notices
    answer = admin.post(f"{url}/{twins.first}/merge/{twins.second}", {"stays": str(twins.first)})
    assert answer.status_code == 409
    assert get_user(twins.second).status == "pending"


@pytest.mark.parametrize("administrator_stays", [True, False])
def test_nobody_gets_the_rights_of_somebody_above_them_by_a_merge(
    app: Flask, office: Office, admin: Actor, url: str, twins: Human, administrator_stays: bool
) -> None:
    manager = make_actor(app, office.contract_id, "manager")
    boss = office.user("The Boss", "boss")
    role = db.session.scalars(
        sa.select(Role.id).where(Role.contract_id == office.contract_id, Role.key == "administrator")
    ).one()
    change(sa.insert(UserRole).values(contract_id=office.contract_id, user_id=boss, role_id=role))
    address = f"{url}/{twins.first}/merge/{boss}"
    assert "may do more than you" in open_page(manager, address).notices
    stays = boss if administrator_stays else twins.first
    answer = manager.post(address, {"stays": str(stays)})
    assert answer.status_code == 409
    assert {get_user(boss).status, get_user(twins.first).status} == {"active", "pending"}


def test_nobody_ends_the_user_they_are_signed_in_as(
    office: Office, admin: Actor, url: str, twins: Human
) -> None:
    me = db.session.scalars(sa.select(User.id).where(User.account_id == admin.account_id)).one()
    answer = admin.post(f"{url}/{me}/merge/{twins.first}", {"stays": str(twins.first)})
    assert answer.status_code == 409
    assert "the user you are signed in as" in answer.text
    merge(admin, url, me, twins.first, stays=me)
    assert office.remembered()["1001"].user_id == me


def test_what_was_shown_and_is_no_more_is_refused(
    office: Office, admin: Actor, url: str, twins: Human
) -> None:
    page = open_page(admin, f"{url}/{twins.first}/merge/{twins.second}")
    change(sa.update(User).where(User.id == twins.second).values(status="inactive"))
    answer = page.form(f"/{twins.second}").fill(stays=twins.first).send("Merge")
    assert "one of the two changed meanwhile" in answer.notices
    assert get_user(twins.second).status == "inactive"


def test_long_names_hide_no_change_of_a_link(office: Office, desk: Office, admin: Actor, url: str) -> None:
    office.configure(shrink_percent=100)
    one, two = ("N" * 255, "M" * 255)
    office.sync(person("1001", one, "ada@one.example"), person("1002", "Other", "o@one.example"))
    first, second = office.remembered()["1001"].user_id or 0, office.user(two, "long-name")
    page = open_page(admin, f"{url}/{first}/merge/{second}")
    office.sync(person("1002", "Other", "o@one.example"))
    answer = page.form(f"/{second}").fill(stays=first).send("Merge")
    assert "one of the two changed meanwhile" in answer.notices


def test_a_merge_by_hand_starts_from_the_users_page(
    office: Office, admin: Actor, url: str, twins: Human
) -> None:
    office.user("Grace Hopper", "grace")
    page = open_page(admin, f"{url}/{twins.first}")
    (link,) = [one for one in page.root.all("a") if one.text == "Merge with another user…"]
    assert "Whom with?" in open_page(admin, link.attrs["href"]).text
    found = open_page(admin, f"{link.attrs['href']}?q=grace")
    assert found.names == ["Grace Hopper"]
    (compare,) = [one for one in found.root.all("a") if one.text.startswith("Compare…")]
    assert (
        open_page(admin, compare.attrs["href"]).root.one("h1").text == "Merge Ada Lovelace and Grace Hopper?"
    )


def test_another_contracts_users_are_not_found(app: Flask, admin: Actor, url: str, twins: Human) -> None:
    app.test_client_class = Apart
    other = make_actor(app, make_contract(app, "elsewhere"), "administrator")
    elsewhere = "/c/elsewhere/users"
    for path in (f"{twins.first}/merge/{twins.second}", f"{twins.first}/merge"):
        assert other.get(f"{elsewhere}/{path}").status_code == 404
        assert other.get(f"{url}/{path}").status_code == 404
    assert other.post(f"{elsewhere}/{twins.first}/merge/{twins.second}", {"stays": "1"}).status_code == 404
