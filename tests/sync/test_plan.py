"""The plan: who is imported, linked, renamed, left out, in conflict or missing, and the laws it keeps."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sync.people import World, person, user
from webapp.platforms.base import Person
from webapp.sync.plan.plan import plan_sync
from webapp.sync.plan.types import IdentifierAbsent, Kind, Known, Plan, Reason, Rule, Step, UserHere


def only(plan: Plan) -> Step:
    (step,) = plan.steps
    return step


def kinds(plan: Plan) -> dict[str, Kind]:
    return {step.remote_id: step.kind for step in plan.steps}


# ------------------------------------------------------------------ matching
def test_someone_unknown_is_imported_with_the_email_as_username() -> None:
    step = only(World().plan([person("77", "Zoë Ångström", "Zoe@Example.com")]))
    assert (step.kind, step.username, step.name, step.email) == (
        Kind.IMPORT,
        "Zoe@Example.com",
        "Zoë Ångström",
        "Zoe@Example.com",
    )


@pytest.mark.parametrize(
    "here",
    [
        user(1, "Ada Lovelace", "ada@example.com"),
        user(1, "Ada Lovelace", "someone", email="ADA@example.com"),
        user(1, "Ada Lovelace", "someone", third_party="77"),
        user(1, "Ada Lovelace", "  Ada@Example.COM "),
    ],
    ids=["email to username", "email to email", "ID to user ID", "case and space do not matter"],
)
def test_a_blank_identifier_compares_like_with_like(here: UserHere) -> None:
    step = only(World(users={1: here}).plan([person("77", email="ada@example.com")]))
    assert (step.kind, step.user_id) == (Kind.LINK, 1)


def test_a_blank_identifier_does_not_compare_the_id_with_the_username() -> None:
    step = only(World(users={1: user(1, "Ada", "777")}).plan([person("777", email="ada@example.com")]))
    assert step.kind is Kind.IMPORT


@pytest.mark.parametrize(
    "here",
    [
        user(1, "Ada Lovelace", "LT-20"),
        user(1, "Ada Lovelace", "x-y", email="lt-20"),
        user(1, "Ada Lovelace", "x-y", third_party="Lt-20"),
    ],
)
def test_an_identifier_column_is_compared_with_username_user_id_and_email(here: UserHere) -> None:
    plan = World(users={1: here}).plan(
        [person("77", email="ada@example.com", staff="  lt-20 ")], Rule("staff")
    )
    assert (only(plan).kind, only(plan).user_id) == (Kind.LINK, 1)


def test_with_an_identifier_column_the_email_does_not_match() -> None:
    plan = World(users={1: user(1, "Ada", "ada-1", email="ada@example.com")}).plan(
        [person("77", email="ada@example.com", staff="LT-20")], Rule("staff")
    )
    assert only(plan).kind is Kind.IMPORT


def test_a_link_wins_over_everything_else() -> None:
    world = World(
        users={1: user(1, "Ada", "other", linked_to="77"), 2: user(2, "Bob", "ada@example.com")},
        known={"77": Known(1, "77", "Ada", user_id=1, user_name="Ada")},
    )
    step = only(world.plan([person("77", "Ada", "ada@example.com")]))
    assert (step.kind, step.user_id) == (Kind.REFRESH, 1)


def test_compatibility_forms_and_full_case_folding_match() -> None:
    step = only(
        World(users={1: user(1, "Ada Lovelace", "STRASSE@example.com")}).plan(
            [person("7", email="ｓtraße@example.com")]
        )
    )
    assert (step.kind, step.user_id) == (Kind.LINK, 1)


# ------------------------------------------------------------------ names
def test_a_changed_name_is_a_rename_with_both_names() -> None:
    world = World(
        users={1: user(1, "Ada Byron", "a-1")},
        known={"7": Known(1, "7", "Ada Byron", user_id=1, user_name="Ada Byron")},
    )
    step = only(world.plan([person("7", " Ada Lovelace ")]))
    assert (step.kind, step.before, step.after) == (Kind.RENAME, "Ada Byron", "Ada Lovelace")


@pytest.mark.parametrize("name", [None, "", "   ", "x" * 256], ids=["none", "empty", "blank", "too long"])
def test_an_unusable_name_never_overwrites_a_name_here(name: str | None) -> None:
    world = World(
        users={1: user(1, "Ada", "a-1")}, known={"7": Known(1, "7", "Ada", user_id=1, user_name="Ada")}
    )
    assert only(world.plan([person("7", name)])).kind is Kind.REFRESH


def test_someone_recognised_under_another_name_is_renamed_at_once() -> None:
    step = only(
        World(users={1: user(1, "A. Byron", "ada@example.com")}).plan(
            [person("7", "Ada Lovelace", "ada@example.com")]
        )
    )
    assert (step.kind, step.user_id, step.before, step.after) == (Kind.RENAME, 1, "A. Byron", "Ada Lovelace")


def test_an_inactive_user_is_linked_and_said_to_be_inactive() -> None:
    step = only(
        World(users={1: user(1, "Ada Lovelace", "ada@example.com", inactive=True)}).plan(
            [person("7", email="ada@example.com")]
        )
    )
    assert (step.kind, step.inactive) == (Kind.LINK, True)


# ------------------------------------------------------------------ conflicts
def test_different_users_for_one_person_are_a_conflict() -> None:
    world = World(users={1: user(1, "Ada", "ada@example.com"), 2: user(2, "Bob", "bob", third_party="77")})
    step = only(world.plan([person("77", email="ada@example.com")]))
    assert (step.kind, step.reason, step.candidates) == (Kind.CONFLICT, Reason.SEVERAL_USERS, (1, 2))


def test_two_people_with_one_identifier_are_both_in_conflict() -> None:
    plan = World().plan([person("1", staff="A1"), person("2", staff=" a1")], Rule("staff"))
    assert [(step.kind, step.reason) for step in plan.steps] == [(Kind.CONFLICT, Reason.SAME_VALUE)] * 2


def test_two_people_with_one_email_are_both_in_conflict() -> None:
    plan = World().plan([person("111", email="team@example.com"), person("222", email="TEAM@example.com")])
    assert [(step.kind, step.reason) for step in plan.steps] == [(Kind.CONFLICT, Reason.SAME_VALUE)] * 2


def test_two_people_who_fit_one_user_are_both_in_conflict() -> None:
    world = World(users={1: user(1, "Ada", "ada@example.com", third_party="222")})
    plan = world.plan([person("111", email="ada@example.com"), person("222", email="other@example.com")])
    assert [(step.kind, step.candidates) for step in plan.steps] == [(Kind.CONFLICT, (1,))] * 2


def test_a_user_linked_to_someone_else_is_a_conflict_and_the_link_stays() -> None:
    world = World(
        users={1: user(1, "Ada", "ada@example.com", linked_to="111")},
        known={"111": Known(1, "111", "Ada", user_id=1, user_name="Ada")},
    )
    plan = world.plan([person("111", "Ada", "ada@example.com"), person("222", "Ada", "ada@example.com")])
    assert kinds(plan) == {"111": Kind.REFRESH, "222": Kind.CONFLICT}
    assert [step.reason for step in plan.steps] == [None, Reason.ALREADY_LINKED]


def test_two_people_with_one_email_too_long_for_a_username_are_both_in_conflict() -> None:
    email = "e" * 120 + "@example.com"
    plan = World().plan([person("111", email=email), person("222", email=email)])
    assert [(step.kind, step.reason) for step in plan.steps] == [(Kind.CONFLICT, Reason.SAME_VALUE)] * 2


def test_somebody_recognised_by_id_who_shares_an_email_with_a_newcomer_is_in_conflict_too() -> None:
    """Otherwise it would depend on who is written first: the newcomer's user would fit both."""
    world = World(users={1: user(1, "Ada", "ada", third_party="111")})
    plan = world.plan([person("111", email="team@example.com"), person("222", email="team@example.com")])
    assert [(step.kind, step.candidates) for step in plan.steps] == [
        (Kind.CONFLICT, (1,)),
        (Kind.CONFLICT, ()),
    ]


def test_an_identifier_that_is_a_newcomers_email_is_a_conflict_and_the_newcomer_is_imported() -> None:
    plan = World().plan(
        [person("111", email="a@example.com", staff="S1"), person("222", staff="A@example.com")],
        Rule("staff"),
    )
    assert kinds(plan) == {"111": Kind.IMPORT, "222": Kind.CONFLICT}


def test_a_taken_username_is_a_conflict_when_another_column_identifies() -> None:
    world = World(users={1: user(1, "Ada", "ada@example.com")})
    step = only(world.plan([person("7", email="ada@example.com", staff="LT-1")], Rule("staff")))
    assert (step.kind, step.reason, step.candidates) == (Kind.CONFLICT, Reason.USERNAME_TAKEN, (1,))


def test_one_bad_person_never_stops_the_others() -> None:
    plan = World().plan(
        [person("1", name="x" * 256), person("2", email="b@example.com"), person("3", email="c@example.com")]
    )
    assert kinds(plan) == {"1": Kind.LEAVE_OUT, "2": Kind.IMPORT, "3": Kind.IMPORT}


# ------------------------------------------------------------------ left out
def test_an_empty_identifier_leaves_out_who_has_no_link_only() -> None:
    world = World(
        users={1: user(1, "Ada", "a-1")}, known={"1": Known(1, "1", "Ada", user_id=1, user_name="Ada")}
    )
    plan = world.plan(
        [person("1", "Ada"), person("2", staff="  "), person("3", staff="LT-3", email="c@example.com")],
        Rule("staff"),
    )
    assert kinds(plan) == {"1": Kind.REFRESH, "2": Kind.LEAVE_OUT, "3": Kind.IMPORT}


def test_an_identifier_that_nobody_has_fails_and_names_the_columns() -> None:
    with pytest.raises(IdentifierAbsent) as failure:
        World().plan([person("1", email="a@example.com"), person("2", staff="LT-2")], Rule("badge"))
    assert (failure.value.column, failure.value.columns) == ("badge", ["email", "id", "staff"])


@pytest.mark.parametrize(
    ("remote_id", "email", "username"),
    [
        ("12345", None, "12345"),
        ("12", "a@b.example", "a@b.example"),
        ("12345", "e" * 95 + "@x.example", "12345"),
    ],
)
def test_the_username_is_the_first_usable_of_email_and_id(
    remote_id: str, email: str | None, username: str
) -> None:
    assert only(World().plan([person(remote_id, email=email)])).username == username


def test_without_anything_usable_as_username_someone_is_left_out() -> None:
    step = only(World().plan([person("12", email=None)]))
    assert (step.kind, step.reason) == (Kind.LEAVE_OUT, Reason.NO_USERNAME)


def test_without_a_name_the_email_is_shown() -> None:
    assert only(World().plan([person("123", None, "ada@example.com")])).name == "ada@example.com"


# ------------------------------------------------------------------ leaving and coming back
def test_who_is_not_listed_any_more_is_marked_once() -> None:
    world = World()
    world.apply(world.plan([person("111", email="a@example.com"), person("222", email="b@example.com")]))
    plan = world.plan([person("111", email="a@example.com")])
    assert kinds(plan) == {"111": Kind.REFRESH, "222": Kind.MISSING}
    world.apply(plan)
    assert kinds(world.plan([person("111", email="a@example.com")])) == {"111": Kind.REFRESH}


def test_who_comes_back_is_recognised() -> None:
    world = World()
    everybody = [person("111", email="a@example.com"), person("222", email="b@example.com")]
    world.apply(world.plan(everybody))
    world.apply(world.plan(everybody[:1]))
    back = {step.remote_id: step for step in world.plan(everybody).steps}["222"]
    assert (back.kind, back.returned, back.user_id) == (Kind.REFRESH, True, 2)


# ------------------------------------------------------------------ laws
names = st.one_of(st.none(), st.text(max_size=12), st.sampled_from(["Ada", "Zoë", "Ada "]))
emails = st.one_of(
    st.none(), st.sampled_from(["a@x.example", "A@x.example", "b@x.example", "c@x.example", "d@x.example"])
)
staff = st.one_of(st.none(), st.sampled_from(["", "S1", "s1 ", "S2", "S3", "a@x.example"]))


@st.composite
def listings(draw: st.DrawFn) -> list[Person]:
    ids = draw(st.lists(st.integers(1, 400).map(str), unique=True, max_size=8))
    people = []
    for remote_id in ids:
        badge = draw(staff)
        people.append(
            person(remote_id, draw(names), draw(emails), **({"staff": badge} if badge is not None else {}))
        )
    return people


@st.composite
def worlds(draw: st.DrawFn) -> World:
    world = World()
    taken: set[str] = set()
    for number in range(1, draw(st.integers(0, 4)) + 1):
        username = draw(st.sampled_from(["a@x.example", "b@x.example", "s1", "s2", "zed", "123", "ada"]))
        if username not in taken:
            taken.add(username)
            third = draw(st.one_of(st.none(), st.integers(1, 400).map(str)))
            world.users[number] = user(
                number, draw(st.sampled_from(["Ada", "Bob"])), username, draw(emails), third
            )
    return world


rules = st.sampled_from([Rule(), Rule("staff"), Rule("email")])


def planned(world: World, people: list[Person], rule: Rule) -> Plan | None:
    try:
        return world.plan(people, rule)
    except IdentifierAbsent:
        return None


@given(worlds(), listings(), rules, st.integers(0, 2**32))
def test_the_order_of_people_and_users_does_not_matter(
    world: World, people: list[Person], rule: Rule, seed: int
) -> None:
    plan = planned(world, people, rule)
    shuffled, users = list(people), list(world.users.values())
    Random(seed).shuffle(shuffled)
    Random(seed).shuffle(users)
    try:
        again: Plan | None = plan_sync(shuffled, list(world.known.values()), users, rule)
    except IdentifierAbsent:
        again = None
    assert again == plan


@given(worlds(), listings(), listings(), rules)
def test_the_order_does_not_matter_either_for_people_who_are_known(
    world: World, before: list[Person], people: list[Person], rule: Rule
) -> None:
    first = planned(world, before, rule)
    if first is not None:
        world.apply(first)
    plan = planned(world, people, rule)
    turned = World(dict(reversed(world.users.items())), dict(reversed(world.known.items())))
    assert planned(turned, people[::-1], rule) == plan


@given(worlds(), listings(), rules, st.data())
def test_a_plan_applied_in_part_is_completed_by_the_next_one(
    world: World, people: list[Person], rule: Rule, data: st.DataObject
) -> None:
    """A run killed between two batches and taken up again ends where the undisturbed one does."""
    plan = planned(world, people, rule)
    if plan is None:
        return
    other = World(dict(world.users), dict(world.known))
    world.apply(plan)
    other.apply(Plan(plan.steps[: data.draw(st.integers(0, len(plan.steps)), "applied")], plan.same))
    rest = planned(other, people, rule)
    assert rest is not None
    other.apply(rest)
    assert other.links() == world.links()
    assert other.names() == world.names()


@given(worlds(), listings(), listings(), rules)
def test_nobody_is_marked_missing_who_is_listed_or_was_marked_before(
    world: World, before: list[Person], people: list[Person], rule: Rule
) -> None:
    for listing in (before, people, people):
        plan = planned(world, listing, rule)
        if plan is None:
            continue
        gone = {step.remote_id for step in plan.steps if step.kind is Kind.MISSING}
        assert gone.isdisjoint(entry.remote_id for entry in listing)
        assert not any(world.known[remote_id].missing for remote_id in gone)
        world.apply(plan)


@given(worlds(), listings(), listings(), rules)
def test_a_link_once_made_stays(world: World, before: list[Person], people: list[Person], rule: Rule) -> None:
    for listing in (before, people):
        links = world.links()
        plan = planned(world, listing, rule)
        if plan is not None:
            world.apply(plan)
        assert links.items() <= world.links().items()


@given(worlds(), listings(), rules)
def test_whoever_is_linked_bears_the_name_they_have_there(
    world: World, people: list[Person], rule: Rule
) -> None:
    plan = planned(world, people, rule)
    if plan is None:
        return
    world.apply(plan)
    for entry in people:
        name, user_id = (entry.name or "").strip(), world.links().get(entry.remote_id)
        if name and user_id is not None:
            assert world.users[user_id].name.strip() == name


@given(worlds(), listings(), listings(), rules)
def test_nobody_is_lost(world: World, before: list[Person], people: list[Person], rule: Rule) -> None:
    first = planned(world, before, rule)
    if first is not None:
        world.apply(first)
    plan = planned(world, people, rule)
    if plan is None:
        return
    listed = Counter(step.remote_id for step in plan.steps if step.kind is not Kind.MISSING)
    assert listed == Counter(entry.remote_id for entry in people)
    gone = {step.remote_id for step in plan.steps if step.kind is Kind.MISSING}
    assert gone == {key for key, entry in world.known.items() if not entry.missing} - set(listed)


@given(worlds(), listings(), rules)
def test_a_plan_applied_leaves_nothing_to_do(world: World, people: list[Person], rule: Rule) -> None:
    plan = planned(world, people, rule)
    if plan is None:
        return
    world.apply(plan)
    again = planned(world, people, rule)
    assert again is not None
    assert {step.kind for step in again.steps} <= {Kind.REFRESH, Kind.CONFLICT, Kind.LEAVE_OUT}
    undecided = {step.remote_id for step in plan.steps if step.kind in (Kind.CONFLICT, Kind.LEAVE_OUT)}
    assert {step.remote_id for step in again.steps if step.kind is not Kind.REFRESH} <= undecided


@given(worlds(), listings(), listings(), rules)
def test_a_user_is_linked_to_one_person_at_most(
    world: World, before: list[Person], people: list[Person], rule: Rule
) -> None:
    for listing in (before, people):
        plan = planned(world, listing, rule)
        if plan is not None:
            world.apply(plan)
    links = Counter(entry.user_id for entry in world.known.values() if entry.user_id is not None)
    assert all(count == 1 for count in links.values())


@given(worlds(), listings(), rules)
def test_usernames_stay_unique_and_within_bounds(world: World, people: list[Person], rule: Rule) -> None:
    plan = planned(world, people, rule)
    if plan is None:
        return
    world.apply(plan)
    keys = Counter(here.username_key for here in world.users.values())
    assert all(count == 1 for count in keys.values())
    assert all(3 <= len(step.username or "") <= 100 for step in plan.steps if step.kind is Kind.IMPORT)
