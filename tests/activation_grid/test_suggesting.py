"""What is suggested for somebody, by what people like them have."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from webapp.people.activation.grid_suggestions import Experience, Suggestion, Trait, suggest
from webapp.people.directory.setup import SetUp

AGENT, LEADER = 1, 2
BILLING, PHONE = 10, 11
TIER = Trait("team", "Tier 2", "Zendesk")
DOMAIN = Trait("domain", "example.com")

AGENT_IN_BILLING = SetUp(frozenset({AGENT}), BILLING, frozenset())
AGENT_IN_PHONE = SetUp(frozenset({AGENT}), PHONE, frozenset())
LEADER_OF_PHONE = SetUp(frozenset({LEADER}), None, frozenset({PHONE}))


def experience(*examples: tuple[list[Trait], SetUp]) -> Experience:
    seen = Experience()
    for traits, set_up in examples:
        seen.add(traits, set_up)
    return seen


def suggested(traits: list[Trait], seen: Experience, **teams: int) -> Suggestion | None:
    return suggest(traits, seen, {name.casefold(): team for name, team in teams.items()}, AGENT)


def test_what_most_people_alike_have_is_suggested_and_counted() -> None:
    seen = experience(([TIER], AGENT_IN_BILLING), ([TIER], AGENT_IN_BILLING), ([TIER], LEADER_OF_PHONE))
    assert suggested([TIER], seen) == Suggestion(AGENT_IN_BILLING, TIER, 2, 3)


def test_one_person_alone_is_no_rule_and_neither_is_half() -> None:
    assert suggested([TIER], experience(([TIER], AGENT_IN_BILLING))) is None
    halves = experience(([TIER], AGENT_IN_BILLING), ([TIER], AGENT_IN_PHONE))
    assert suggested([TIER], halves) is None


def test_the_more_telling_trait_comes_first_and_the_next_one_helps_out() -> None:
    seen = experience(
        ([TIER, DOMAIN], LEADER_OF_PHONE),
        ([TIER, DOMAIN], LEADER_OF_PHONE),
        *[([DOMAIN], AGENT_IN_PHONE)] * 3,
    )
    assert suggested([TIER, DOMAIN], seen) == Suggestion(LEADER_OF_PHONE, TIER, 2, 2)
    unheard = Trait("team", "New", "Zendesk")
    assert suggested([unheard, DOMAIN], seen) == Suggestion(AGENT_IN_PHONE, DOMAIN, 3, 5)


def test_a_team_of_the_same_name_is_suggested_when_nobody_like_them_is_here() -> None:
    there = Trait("team", "BILLING", "Intercom")
    assert suggested([there], Experience(), Billing=BILLING) == Suggestion(AGENT_IN_BILLING, there, 0, 0)
    assert suggested([Trait("role", "Billing", "Intercom")], Experience(), Billing=BILLING) is None


TRAITS = st.builds(Trait, st.sampled_from(["team", "role", "domain"]), st.sampled_from("abc"))
SET_UPS = st.sampled_from([AGENT_IN_BILLING, AGENT_IN_PHONE, LEADER_OF_PHONE])
EXAMPLES = st.lists(st.tuples(st.lists(TRAITS, unique=True, max_size=3), SET_UPS), max_size=12)


@given(EXAMPLES, st.lists(TRAITS, unique=True, max_size=3))
def test_only_what_more_than_half_of_those_alike_have_is_suggested_in_whatever_order(
    examples: list[tuple[list[Trait], SetUp]], traits: list[Trait]
) -> None:
    found = suggested(traits, experience(*examples))
    assert found == suggested(traits, experience(*reversed(examples)))
    if found is not None:
        alike = [set_up for had, set_up in examples if found.trait in had]
        assert found.trait in traits
        assert (found.same, found.of) == (alike.count(found.set_up), len(alike))
        assert found.same >= 2
        assert found.same * 2 > found.of
