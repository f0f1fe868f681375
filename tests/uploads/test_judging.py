"""What is wrong with a row, in words that say what to do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webapp.core.permissions import MANAGE_USERS
from webapp.people.directory.directory import Directory, RoleEntry, TeamEntry
from webapp.people.directory.lookup import LOOKED_FOR
from webapp.people.directory.setup import Giver, SetUp
from webapp.people.uploads.parse import Unreadable, read
from webapp.people.uploads.rows import Rows
from webapp.people.uploads.validate import Holder, Judgement, Taken, judge

ROLES = (
    RoleEntry(1, "administrator", "Administrator", "", frozenset({MANAGE_USERS, "everything"})),
    RoleEntry(2, "manager", "Manager", "", frozenset({MANAGE_USERS})),
    RoleEntry(3, "agent", "Agent", "", frozenset()),
    RoleEntry(4, None, "Trainer, internal", "", frozenset()),
)
TEAMS = (
    TeamEntry(10, "Acme", "Acme", 0),
    TeamEntry(11, "Leeds", "Leeds", 1),
    TeamEntry(12, "Billing", "Leeds › Billing", 2),
    TeamEntry(13, "Porto", "Porto", 1),
    TeamEntry(14, "Billing", "Porto › Billing", 2),
    TeamEntry(15, "Chat", "Porto › Chat", 2),
)
HERE = Directory(1, ROLES, TEAMS, {})


def whole(directory: Directory) -> Giver:
    """Somebody who manages users and sees everything."""
    return Giver(frozenset({MANAGE_USERS}), frozenset(directory.team_by_id))


GIVER = whole(HERE)
ADA = Holder("Ada Lovelace", "inactive")
TAKEN = Taken({"ada": ADA}, {"ada@acme.example": ADA}, {"77": ADA})


def judged(text: str, way: str = "pending", taken: Taken = TAKEN) -> Judgement:
    return judge(Rows(read(text.encode())), taken, HERE, GIVER, way)


def wrong(text: str, way: str = "pending") -> list[tuple[int, str, str]]:
    return [(one.row, one.column, one.text) for one in judged(text, way).problems]


TAKE_OUT = "If it is the same person, take the row out and reactivate them; else change it."
ROWS = [
    ("Bob,bob,bob@acme.example,78", []),
    ("Bob,bob,,", []),
    (",bob,,", [("name", "It is empty. Enter the person’s full name.")]),
    ("Bob,,,", [("username", "It is empty. Enter a username of 3 to 100 characters.")]),
    ("Bob,bo,,", [("username", "It has only 2 characters. A username has at least 3.")]),
    ("Bob," + "b" * 101 + ",,", [("username", "It has 101 characters. Shorten it to 100.")]),
    ("B" * 256 + ",bob,,", [("name", "It has 256 characters. Shorten it to 255.")]),
    ("Bob,ADA ,,", [("username", f"“ADA” is taken by Ada Lovelace (inactive). {TAKE_OUT}")]),
    (
        "Bob,ada@acme.example,,",
        [("username", f"“ada@acme.example” is the email of Ada Lovelace (inactive). {TAKE_OUT}")],
    ),
    (
        "Bob,bob,Ada@Acme.example,",
        [("email", f"“Ada@Acme.example” is the email of Ada Lovelace (inactive). {TAKE_OUT}")],
    ),
    ("Bob,bob,,77", [("third_party_id", f"“77” is the ID of Ada Lovelace (inactive). {TAKE_OUT}")]),
    ("Bob,bob,,7" + "7" * 255, [("third_party_id", "It has 256 characters. Shorten it to 255.")]),
    (
        "Bob,bob,bob at acme,",
        [("email", "“bob at acme” is not an email address. Correct it, or leave the cell empty.")],
    ),
    (
        "Bob,bob," + "b" * 250 + "@acme.example,",
        [("email", "It has 263 characters. An email address has at most 254.")],
    ),
    ("B\0ob,bob,,", [("name", "It has a character that cannot be shown. Type it again.")]),
    (
        "Bob,bob,,,,x",
        [
            (
                "",
                "It has 2 more cells than there are headings. Put values that hold a separator in quotation marks.",
            )
        ],
    ),
    (
        ",bo,x,77",
        [
            ("name", "It is empty. Enter the person’s full name."),
            ("username", "It has only 2 characters. A username has at least 3."),
            ("email", "“x” is not an email address. Correct it, or leave the cell empty."),
            ("third_party_id", f"“77” is the ID of Ada Lovelace (inactive). {TAKE_OUT}"),
        ],
    ),
]


@pytest.mark.parametrize(("row", "found"), ROWS, ids=[repr(row)[:40] for row, _ in ROWS])
def test_each_bad_cell_says_what_to_do(row: str, found: list[tuple[str, str]]) -> None:
    assert wrong(f"name,username,email,third_party_id\n{row}\n") == [(2, *one) for one in found]


def test_what_the_file_holds_twice_is_said_of_every_such_row() -> None:
    found = wrong(
        "name,username,email,third_party_id\nAnn,ann,x@acme.example,5\nBob,ANN,,\nCy,x@acme.example,,\n"
        "Di,dia,di@acme.example,５\nEd,ed@acme.example,ed@acme.example,\n"
    )
    assert found == [
        (2, "username", "“ann” is in row 3 too. Keep one of them."),
        (2, "email", "“x@acme.example” is in row 4 too. Keep one of them."),
        (2, "third_party_id", "“5” is in row 5 too. Keep one of them."),
        (3, "username", "“ANN” is in row 2 too. Keep one of them."),
        (4, "username", "“x@acme.example” is in row 2 too. Keep one of them."),
        (5, "third_party_id", "“５” is in row 2 too. Keep one of them."),
    ]


def test_values_are_trimmed_and_shown_as_they_will_be() -> None:
    (entry,) = judged(
        "name,username,email\n\u00a0Zoë\u202f “Zed”\u00a0\u00a0Müller\t,\u200bzoe\u202d,\u00a0\n"
    ).entries
    assert (entry.name, entry.username, entry.email) == ("Zoë “Zed” Müller", "zoe", None)


def test_where_the_username_is_left_empty_it_is_the_email() -> None:
    head = "name,username,email,third_party_id\n"
    bob, cyril = judged(f"{head}Bob,,bob@acme.example,\nCyril,cyril,cy@acme.example,\n").entries
    assert (bob.username, cyril.username) == ("bob@acme.example", "cyril")
    assert wrong(f"{head}Bob,,ada@acme.example,\n") == [
        (2, "email", f"“ada@acme.example” is the email of Ada Lovelace (inactive). {TAKE_OUT}")
    ]
    assert wrong(f"{head}Bob,,x@acme.example,\nCy,,x@acme.example,\n") == [
        (2, "email", "“x@acme.example” is in row 3 too. Keep one of them."),
        (3, "email", "“x@acme.example” is in row 2 too. Keep one of them."),
    ]


def test_without_a_column_for_it_the_email_is_the_username() -> None:
    judgement = judged("name,email\nBob,bob@acme.example\nAda,ada@acme.example\nCy,\n")
    assert [(entry.username, entry.email) for entry in judgement.entries] == [
        ("bob@acme.example", "bob@acme.example")
    ]
    assert [(one.row, one.column) for one in judgement.problems] == [(3, "email"), (4, "email")]
    assert judgement.problems[1].text.startswith("It is empty. Enter the email")


# ------------------------------------------------------------------ roles and teams
ALL_TEAMS = (
    "“Nowhere at all” is not a team here. "
    "The teams are Acme, Leeds, Leeds › Billing, Porto, Porto › Billing, Porto › Chat."
)
GIVEN = [
    ("Agent,Leeds > Billing,", SetUp(frozenset({3}), 12, frozenset())),
    ("agent,porto/billing,", SetUp(frozenset({3}), 14, frozenset())),
    ("AGENT,Acme › Porto › Billing,", SetUp(frozenset({3}), 14, frozenset())),
    ("Manager,,Acme", SetUp(frozenset({2}), None, frozenset({10}))),
    ('"Trainer, internal",,Leeds;Chat', SetUp(frozenset({4}), None, frozenset({11, 15}))),
    ('"Agent, manager",chat,"Leeds|Porto"', SetUp(frozenset({2, 3}), 15, frozenset({11, 13}))),
]
NOT_GIVEN = [
    (",,", [("roles", "It is empty. Name at least one role, or add everybody as pending.")]),
    ("Agent,,", [("team", "It is empty. Name a team: every agent needs one.")]),
    (
        "Manager,Leeds,",
        [("reporting_access", "It is empty. Name a part of the structure: all roles but Agent need it.")],
    ),
    ("Agnet,Leeds,", [("roles", "“Agnet” is not a role here. Did you mean “Agent”?")]),
    (
        "Boss,,",
        [
            (
                "roles",
                "“Boss” is not a role here. The roles are Administrator, Manager, Agent, Trainer, internal.",
            )
        ],
    ),
    ("Agent,Leds,", [("team", "“Leds” is not a team here. Did you mean “Leeds”?")]),
    ("Agent,Biling,", [("team", "“Biling” is not a team here. Did you mean “Leeds › Billing”?")]),
    (
        "Agent,Billing,",
        [("team", "Several teams are called “Billing”. Write “Leeds › Billing” or “Porto › Billing”.")],
    ),
    ("Manager,,Nowhere at all", [("reporting_access", ALL_TEAMS)]),
    (
        "Administrator,,Acme",
        [("roles", "You cannot give Administrator: it permits more than you may do yourself.")],
    ),
]
SET_UP_HEAD = "name,username,roles,team,reporting access\nBob,bob,"


@pytest.mark.parametrize(("cells", "set_up"), GIVEN, ids=[cells for cells, _ in GIVEN])
def test_roles_and_teams_are_found_as_people_write_them(cells: str, set_up: SetUp) -> None:
    (entry,) = judged(SET_UP_HEAD + cells, "active").entries
    assert entry.set_up == set_up


@pytest.mark.parametrize(("cells", "found"), NOT_GIVEN, ids=[cells for cells, _ in NOT_GIVEN])
def test_what_is_no_role_or_team_says_what_is(cells: str, found: list[tuple[str, str]]) -> None:
    assert wrong(SET_UP_HEAD + cells, "active") == [(2, *one) for one in found]
    assert wrong(SET_UP_HEAD + cells) == []  # pending people get nothing of it


def test_names_that_hold_a_separator_are_told_from_several() -> None:
    role = RoleEntry(5, None, "Nights; on call | EMEA", "", frozenset())
    team = TeamEntry(16, "A | B, C", "Porto › A | B, C", 2)
    here = Directory(1, (*ROLES, role), (*TEAMS, team), {})
    rows = (
        f'"{role.name}; Trainer, internal; Agent","{team.name}","Leeds; {team.path}|Porto, Chat"',
        f'"{role.name}","","{team.name}\nLeeds\nBilling"',
    )
    sheet = read(
        "\n".join(["name,username,roles,team,reporting access", *(f"Bob,bob,{row}" for row in rows)]).encode()
    )
    found = judge(Rows(sheet), Taken(), here, whole(here), "active")
    assert [problem.text for problem in found.problems if problem.column == "reporting_access"] == [
        "Several teams are called “Billing”. Write “Leeds › Billing” or “Porto › Billing”."
    ]
    sheet = read(f"name,username,roles,team,reporting access\nBob,bob,{rows[0]}\n".encode())
    (entry,) = judge(Rows(sheet), Taken(), here, whole(here), "active").entries
    assert entry.set_up == SetUp(frozenset({3, 4, 5}), 16, frozenset({11, 13, 15, 16}))


def test_unknown_names_without_end_are_answered_and_the_first_with_what_was_meant() -> None:
    teams = tuple(TeamEntry(n, f"Team {n}", f"Team {n}", 0) for n in range(1_000))
    here = Directory(1, ROLES, teams, {})
    rows = "\n".join(f"Bob {n},bob{n},Agent,Taem {n}" for n in range(LOOKED_FOR + 100))
    sheet = read(f"name,username,roles,team\n{rows}\n".encode())
    texts = [problem.text for problem in judge(Rows(sheet), Taken(), here, whole(here), "active").problems]
    assert ["Did you mean" in text for text in texts] == [True] * LOOKED_FOR + [False] * 100
    assert texts[-1].endswith(
        "The teams are Team 0, Team 1, Team 2, Team 3, Team 4, Team 5, Team 6, Team 7 and 992 more."
    )


def test_A17_nobody_adds_people_who_see_more_than_they_do() -> None:
    sheet = read(
        "name,username,roles,reporting access\nBob,bob,Manager,Porto\n"
        "Eve,eve,Manager,Leeds; Acme\nJo,joe,Manager,Leeds › Billing\n".encode()
    )
    partly = Giver(GIVER.permissions, frozenset({11, 12}))
    found = judge(Rows(sheet), Taken(), HERE, partly, "active")
    assert [(one.row, one.column, one.text) for one in found.problems] == [
        (2, "reporting_access", "You cannot give access to Porto: you do not see it yourself."),
        (3, "reporting_access", "You cannot give access to Acme: you do not see it yourself."),
    ]
    assert [entry.row for entry in found.entries] == [4]
    assert judge(Rows(sheet), Taken(), HERE, partly, "pending").problems == []


# ------------------------------------------------------------------ any file
@given(st.text(alphabet='ab@.,;\n" \0é', max_size=80), st.sampled_from(["pending", "active"]))
def test_every_row_is_either_added_or_has_a_reason(rows: str, way: str) -> None:
    try:
        sheet = read(("name,username,email,roles,team\n" + rows).encode())
    except Unreadable:
        return
    judgement = judge(Rows(sheet), TAKEN, HERE, GIVER, way)
    added = [entry.row for entry in judgement.entries]
    assert sorted([*added, *judgement.bad_rows]) == [line.number for line in sheet.lines]
    assert judge(Rows(sheet), TAKEN, HERE, GIVER, way).stamp == judgement.stamp
    if judgement.entries:
        name = judgement.entries[0].username.casefold()
        assert judge(Rows(sheet), Taken({name: ADA}), HERE, GIVER, way).stamp != judgement.stamp
