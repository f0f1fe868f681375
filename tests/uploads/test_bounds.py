"""What a file or a grid can cost: how often something is compared, looked up and normalised, and how long it is."""

from __future__ import annotations

import random
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from tests.actors import Actor
from tests.uploads.sending import address_of, csv_of, upload
from tests.users.pages import open_page
from tests.users.world import World
from webapp.core import match_keys
from webapp.core.models import Team
from webapp.core.permissions import MANAGE_USERS
from webapp.people.activation import grid
from webapp.people.directory import lookup
from webapp.people.directory.directory import Directory, RoleEntry, TeamEntry
from webapp.people.directory.setup import Giver
from webapp.people.uploads import columns, emails, nearest, parse
from webapp.people.uploads.nearest import Nearest, alike
from webapp.people.uploads.rows import Rows
from webapp.people.uploads.validate import Judgement, Taken, judge

ROLES = (RoleEntry(3, "agent", "Agent", "", frozenset()),)
HEAD = "name,username,email,roles,team,reporting_access"


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """Nothing here depends on the database."""
    return sqlite_url


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """The lengths of the two texts of each comparison."""
    return recorded(monkeypatch, nearest, "alike", lambda one, other: (len(one), len(other)))


def recorded(monkeypatch: pytest.MonkeyPatch, module: Any, name: str, what: Callable[..., Any]) -> list[Any]:
    """What is noted of each call of a function."""
    calls: list[Any] = []
    real = getattr(module, name)

    def noting(*given: Any, **named: Any) -> Any:
        calls.append(what(*given, **named))
        return real(*given, **named)

    monkeypatch.setattr(module, name, noting)
    return calls


def noise(length: int, seed: int) -> str:
    return "".join(random.Random(seed).choices("ab ", k=length)).strip().ljust(length, "b")


def here(teams: int, length: int = 200) -> Directory:
    names = [noise(length, -number - 1) for number in range(teams)]
    return Directory(1, ROLES, tuple(TeamEntry(n, name, name, 0) for n, name in enumerate(names, 1)), {})


def giver(directory: Directory) -> Giver:
    return Giver(frozenset({MANAGE_USERS}), frozenset(directory.team_by_id))


def judged(directory: Directory, *rows: str) -> Judgement:
    sheet = parse.read(csv_of(*rows, head=HEAD))
    return judge(Rows(sheet), Taken(), directory, giver(directory), "active")


def of_unknown_teams(rows: int, length: int = 200) -> Iterator[str]:
    for number in range(rows):
        yield f"B {number},bob{number},,Agent,{noise(length, number)},{noise(length, 10_000 + number)}"


# ------------------------------------------------------------------ near matches
@pytest.mark.parametrize("teams", [80, 500, 2_000, 4_000])
def test_A1_however_many_teams_there_are_few_are_compared_and_only_their_ends(
    teams: int, compared: list[tuple[int, int]]
) -> None:
    judged(here(teams), *of_unknown_teams(1_000))
    assert 0 < len(compared) <= lookup.LOOKED_FOR * nearest.COMPARED
    assert max(map(max, compared)) <= nearest.LOOKED_AT


def test_A1_what_was_meant_is_looked_for_once_for_each_name(compared: list[tuple[int, int]]) -> None:
    directory = here(80)
    judged(directory, "B,bob,,Agent,support,")
    once = len(compared)
    assert judged(directory, *(f"B {n},bob{n},,Agent,support," for n in range(1_000))).problems
    assert len(compared) == 2 * once


@pytest.mark.parametrize("names", [500, 2_000, 100_000])
def test_A1_a_question_reads_a_bounded_part_of_the_index(names: int, monkeypatch: pytest.MonkeyPatch) -> None:
    index = Nearest({f"all alike {number}": "x" for number in range(names)})
    read: list[int] = []

    class Counting(nearest.Counter):  # type: ignore[type-arg]
        def update(self, places: Sequence[int] | None = None) -> None:  # type: ignore[override]
            read.append(len(places or ()))
            super().update(places)

    monkeypatch.setattr(nearest, "Counter", Counting)
    index.to("all alike but this")
    assert 0 < sum(read) <= nearest.STEPS
    assert sum(map(len, index._having.values())) <= nearest.AMONG * (nearest.LOOKED_AT + 1)


def test_A1_the_grid_is_bounded_like_a_file(
    world: World, manager: Actor, compared: list[tuple[int, int]]
) -> None:
    pending = world.add(*(f"Person {number}" for number in range(grid.MOST)))
    below = {"contract_id": world.contract_id, "parent_id": world.teams["Leeds"], "level": 3}
    world.change(sa.insert(Team).values([below | {"name": noise(200, -n - 1)} for n in range(80)]))
    form: dict[str, Any] = {"list": "status=pending", "ids": pending, "confirm": "y"}
    for user in pending:
        form |= {
            f"team-{user}": noise(200, user),
            f"access-{user}": ";".join([noise(190, user + 5_000)] * 30),
        }
    answer = manager.post(f"{world.url}/activate/each/confirm", form)
    assert answer.status_code == 422
    assert "is not a team here" in answer.text
    assert 0 < len(compared) <= lookup.LOOKED_FOR * nearest.COMPARED


@given(st.text(alphabet="abc ", max_size=20), st.text(alphabet="abc ", max_size=20))
def test_A1_texts_are_as_alike_as_their_longest_common_subsequence_is_long(one: str, other: str) -> None:
    lengths = [[0] * (len(other) + 1) for _ in range(len(one) + 1)]
    for i, char in enumerate(one, 1):
        for j, match in enumerate(other, 1):
            same = lengths[i - 1][j - 1] + 1 if char == match else 0
            lengths[i][j] = max(same, lengths[i - 1][j], lengths[i][j - 1])
    expected = 2 * lengths[-1][-1] / (len(one) + len(other)) if one and other else 0
    assert alike(one, other) == expected


@pytest.mark.parametrize(
    ("written", "meant"),
    [("Bilingg", "Billing"), ("billng emea", "Billing EMEA"), ("Suport", "Support"), ("xyzzy", None)],
)
def test_what_was_meant_is_found_among_many(written: str, meant: str | None) -> None:
    names = ("Billing", "Billing EMEA", "Support", *(f"Team of desk {number}" for number in range(1_000)))
    found = Nearest({name.lower(): name for name in names}).to(written.lower())
    assert found[:1] == ([meant] if meant else [])


# ------------------------------------------------------------------ cells
def test_A1_no_cell_and_no_page_is_read_beyond_so_many_names(monkeypatch: pytest.MonkeyPatch) -> None:
    tricky = TeamEntry(2, "abc;abc;abx", "abc;abc;abx", 0)
    directory = Directory(1, ROLES, (TeamEntry(1, "abc", "abc", 0), tricky), {})
    looked_up = recorded(monkeypatch, lookup.Places, "_found_teams", lambda *_: None)
    found = judged(directory, *(f'B {n},bob{n},,Agent,,"{"abc;" * 200}"' for n in range(1_000)))
    assert {
        problem.text.split(".")[0] for problem in found.problems if problem.column == "reporting_access"
    } == {
        "It holds more than 50 names",
        "More than 20,000 roles and teams are named before this row",
    }
    tries = lookup._HOLDS + 2  # with a separator more or less, and by itself
    assert len(looked_up) <= (lookup.PAGE_MOST + 1_000) * tries


def test_A1_each_value_of_a_file_is_normalised_once(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [f"Zoë {n},zoë{n},zoë{n}@acme.example,Agënt,Ünknown," for n in range(1_000)]
    sheet = parse.read(csv_of(*rows, head=HEAD))
    normalised = recorded(monkeypatch, match_keys, "normal", lambda text, *_: text)
    directory = here(80)
    judge(Rows(sheet), Taken(), directory, giver(directory), "active")
    assert 2_000 <= len(normalised) <= 2_000 + 10  # username and email of each, one role, one team


def test_A1_few_unusual_domains_are_looked_at_and_each_address_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = recorded(monkeypatch, emails, "validate_email", lambda text, **_: text)
    rows = [f"B {n},bob{n},a@{'é' * 50}{n}.example,,," for n in range(1_000)]
    found = judged(here(1), *rows, "Ada,ada,ada@acme.example,,,", "Al,al.,ada@acme.example,,,")
    assert len(asked) == emails.UNUSUAL_MOST + 1
    (last,) = [problem for problem in found.problems if problem.row == 1_001 and problem.column == "email"]
    assert last.text.startswith("More than 100 different unusual domains are named before this row.")


def test_A1_no_marks_without_end_are_put_in_order() -> None:
    many = "a" + "\u0315\u0300" * 5_000
    assert len(match_keys.normal(many)) <= match_keys.MARKS_MOST + 1
    assert match_keys.match_key(many) == match_keys.match_key(
        "a" + "\u0315\u0300" * (match_keys.MARKS_MOST // 2)
    )


@given(st.text(max_size=60))
def test_A1_other_text_is_normalised_as_it_always_was(text: str) -> None:
    for form in ("NFKC", "NFKD"):
        assert match_keys.normal(text, form) == unicodedata.normalize(form, text)  # type: ignore[arg-type]


def test_A1_no_mark_is_forgotten() -> None:
    combining = {char for char in map(chr, range(0x110000)) if unicodedata.combining(char)}
    assert all(re.fullmatch(match_keys._TOO_MANY, char * (match_keys.MARKS_MOST + 1)) for char in combining)


# ------------------------------------------------------------------ reading
def test_A1_headings_without_end_are_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at = recorded(monkeypatch, columns, "match_key", lambda text: len(text))
    with pytest.raises(parse.Unreadable):
        parse.read((";,|" * 300_000 + "x\nx\n").encode())
    with pytest.raises(parse.Unreadable):
        parse.read(("é" * 500_000 + "\nx\n").encode())
    assert len(looked_at) <= 2 * len(parse.SEPARATORS) * (parse.MAX_HEADINGS + 1)
    assert max(looked_at) <= columns.HEADING_MAX


def test_A1_rows_and_cells_beyond_what_can_be_read_are_only_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    restored = recorded(monkeypatch, parse, "restored", len)
    with pytest.raises(parse.Unreadable, match="The file has 300,000 rows"):
        parse.read(b"name,username\n" + b"x\n" * 300_000)
    sheet = parse.read(b"name,username\n" + b"x," * 300_000)
    assert sheet.lines[0].extra == 299_998
    assert len(restored) <= parse.MAX_COLUMNS * 2


def test_A1_the_check_of_the_largest_file_is_shown_and_says_no_more_than_it_has_to(
    world: World, manager: Actor
) -> None:
    rows = [f"B {n},bob{n},,,{noise(200, n)},{noise(200, n + 5_000)}" for n in range(parse.MAX_ROWS)]
    page = upload(manager, world, csv_of(*rows, head=HEAD))
    check = open_page(manager, f"{address_of(page)}?as=active&show=problems")
    assert "is not a team here" in check.text
    assert len(check.response.data) < 200_000
