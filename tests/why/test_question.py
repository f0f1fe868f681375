"""Who is meant by a name, an email or an ID; and that nothing is said of anybody but what the plan says. Properties."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.sync.people import person, user
from webapp.integrations.why.explain import MOST_NEAR, explained, meant_by
from webapp.platforms.base import LeftOut, Listing, Person
from webapp.sync.plan.plan import plan_sync
from webapp.sync.plan.types import IdentifierAbsent, Kind, Plan, Rule

NAMES = st.sampled_from(
    ["Ada Lovelace", "Zuzana Černá", "Þórdís Ægisdóttir", "ada", "Grace", "Иван Петров", " ", ""]
)
EMAILS = st.sampled_from(
    ["ada@example.com", "ADA@example.com", "grace@example.com", "x@partner.example", None]
)
PEOPLE = st.lists(
    st.builds(
        lambda name, email, staff: (name, email, staff), NAMES, EMAILS, st.sampled_from(["7", "8", ""])
    ),
    max_size=6,
).map(
    lambda rows: [
        person(f"10{number}", name, email, **({"staff": staff} if staff else {}))
        for number, (name, email, staff) in enumerate(rows)
    ]
)
RULES = st.builds(
    Rule,
    identifier_column=st.sampled_from([None, "staff"]),
    excluded=st.sampled_from([frozenset(), frozenset({"100"})]),
    excluded_emails=st.sampled_from([(), ("*@partner.example",)]),
)
USERS = [user(1, "Ada", "ada@example.com"), user(2, "Seven", "seven", third_party="7"), user(3, "Seven", "7")]


def listing(people: list[Person], *left_out: LeftOut) -> Listing:
    return Listing(len(people) + len(left_out), set(), people, list(left_out))


@given(PEOPLE)
def test_everybody_is_found_by_their_id_their_email_and_their_name(people: list[Person]) -> None:
    for one in people:
        for text in (one.remote_id, one.email, one.name):
            if text and text.strip():
                fit, entries = meant_by(f"  {text.upper()} ", listing(people))
                assert fit == "exact"
                assert one in entries


@given(PEOPLE, RULES)
def test_what_is_said_of_anybody_is_the_plans_step(people: list[Person], rule: Rule) -> None:
    try:
        plan = plan_sync(people, [], USERS, rule)
    except IdentifierAbsent:
        return
    told = explained(people, listing(people), plan, rule, USERS, {})
    steps = {step.remote_id: step for step in plan.steps}
    assert [one.remote_id for one in told] == [one.remote_id for one in people]
    for one in told:
        step = steps[one.remote_id]
        assert (one.kind, one.reason, one.user_id) == (step.kind, step.reason, step.user_id)
        if one.kind == Kind.LEAVE_OUT and one.reason in ("excluded", "excluded_email"):
            assert one.excluded
        if one.excluded is None and not one.types_out:
            assert one.reason not in ("excluded", "excluded_email", "user_type")
        if one.kind in (Kind.LINK, Kind.RENAME):
            assert one.fits == [one.user_id]


def test_accents_and_the_order_of_words_do_not_matter() -> None:
    people = [person("1", "Zuzana Černá"), person("2", "Ada Lovelace")]
    for text in ("cerna zuzana", "ZUZ", "čern"):
        assert meant_by(text, listing(people)) == ("part", [people[0]])


def test_who_is_set_aside_is_found_too() -> None:
    bot = LeftOut("9", "Fin", "operator+1@intercom.io", "bot")
    assert meant_by("fin", listing([], bot)) == ("exact", [bot])
    (told,) = explained([bot], listing([], bot), Plan([], 0), Rule(), [], {})
    assert told.set_aside == "bot"


def test_the_nearest_come_first_and_not_too_many() -> None:
    people = [person(str(n), f"Ada Lovelace {n}") for n in range(9)] + [person("99", "Grace Hopper")]
    fit, entries = meant_by("Adda Lovelacce", listing(people))
    assert fit == "near"
    assert len(entries) == MOST_NEAR
    assert meant_by("qqqq", listing(people)) == ("none", [])
    assert meant_by("  ", listing(people)) == ("none", [])
