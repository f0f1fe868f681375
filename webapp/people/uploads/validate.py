"""Which rows of a file can be added, and what is wrong with the others, cell by cell. Pure.

What is judged depends on how people are added: as pending, roles and teams have no effect; as active, each row needs
them, and whoever adds gives no role that permits more than they may do, and no access to what they do not see.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import msgspec

from webapp.core.models.user import NAME_MAX, USERNAME_LENGTH
from webapp.people.directory.directory import Directory
from webapp.people.directory.lookup import NotFound, Places
from webapp.people.directory.setup import Giver, SetUp, access_refusal, beyond, lacking, unseen
from webapp.people.uploads.emails import Emails
from webapp.people.uploads.rows import Row, Rows, Sharing

Wrong = Callable[[str, str], None]  # notes what is wrong in a column

WAYS = ("pending", "active")  # how people can be added
THIRD_PARTY_MAX = 255
_UNSHOWN = re.compile(r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f]")  # control characters that are no space
_LACKING = {
    "role": ("roles", "It is empty. Name at least one role, or add everybody as pending."),
    "team": ("team", "It is empty. Name a team: every agent needs one."),
    "reporting": (
        "reporting_access",
        "It is empty. Name a part of the structure: all roles but Agent need it.",
    ),
}


@dataclass(frozen=True)
class Holder:
    """A user who is here already."""

    name: str
    status: str


@dataclass(frozen=True)
class Taken:
    """The users whose identifiers the file uses too, by key."""

    usernames: Mapping[str, Holder] = field(default_factory=dict)
    emails: Mapping[str, Holder] = field(default_factory=dict)
    third_party: Mapping[str, Holder] = field(default_factory=dict)


@dataclass(frozen=True)
class Problem:
    """What is wrong in one row, in which column (its key; empty for the row itself), and what to do."""

    row: int
    column: str
    value: str
    text: str


@dataclass(frozen=True)
class Entry:
    """Somebody as they would be added; ``set_up`` when they become active."""

    row: int
    name: str
    username: str
    email: str | None
    third_party_id: str | None
    set_up: SetUp | None = None


@dataclass(frozen=True)
class Judgement:
    """Who can be added, and what is wrong with the other rows. ``stamp`` is the same only for the same of both."""

    entries: list[Entry]
    problems: list[Problem]
    stamp: str

    @property
    def bad_rows(self) -> set[int]:
        return {problem.row for problem in self.problems}


def judge(rows: Rows, taken: Taken, directory: Directory, giver: Giver, way: str) -> Judgement:
    """Judge every row for being added in that way, one of :data:`WAYS`."""
    judge_one = _Judge(rows, taken, directory, giver, way)
    entries, problems = [], []
    for row in rows.rows:
        entry, wrong = judge_one(row)
        problems += wrong
        if not wrong:
            entries.append(entry)
    shown = [
        way,
        [
            [e.row, e.name, e.username, e.email, e.third_party_id]
            + ([sorted(e.set_up.roles), e.set_up.team, sorted(e.set_up.access)] if e.set_up else [])
            for e in entries
        ],
        [[p.row, p.column, p.text] for p in problems],
    ]
    stamp = hashlib.blake2b(msgspec.json.encode(shown), digest_size=16).hexdigest()
    return Judgement(entries, problems, stamp)


class _Judge:
    """Judges one row after another, knowing them all."""

    def __init__(self, rows: Rows, taken: Taken, directory: Directory, giver: Giver, way: str) -> None:
        self._rows = rows
        self._columns = rows.sheet.columns
        self._taken = taken
        self._directory = directory
        self._giver = giver
        self._active = way == "active"
        self._places = Places(directory)
        self._emails = Emails()

    def __call__(self, row: Row) -> tuple[Entry, list[Problem]]:
        line, cells, keys = row.line, row.cells, row.keys
        found: list[Problem] = []

        def wrong(column: str, text: str) -> None:
            if not any(problem.column == column for problem in found):  # one thing at a time for each cell
                found.append(Problem(line.number, column, cells.get(column, ""), text))

        if line.extra:
            wrong(
                "",
                f"It has {line.extra:,} more {'cell' if line.extra == 1 else 'cells'} than there are headings. "
                "Put values that hold a separator in quotation marks.",
            )
        for column, raw in zip(self._columns, line.cells, strict=True):
            if _UNSHOWN.search(raw):
                wrong(column, "It has a character that cannot be shown. Type it again.")
        email = cells.get("email") or None
        own = cells.get("username", "")  # left empty, or without such a column, it is the email
        username = own or cells.get("email", "")
        nothing = not username and "username" in self._columns
        self._name(cells["name"], wrong)
        key = keys.get("username") or keys.get("email", "")
        self._username(username, key, "username" if own or nothing else "email", wrong)
        if email is not None:
            self._email(email, keys.get("email", ""), wrong)
        self._third(cells.get("third_party_id") or None, keys.get("third_party_id", ""), wrong)
        for column, text in self._twice(row).items():
            wrong(column, text)
        set_up = self._set_up(cells, wrong) if self._active else None
        entry = Entry(
            line.number, cells["name"], username, email, cells.get("third_party_id") or None, set_up
        )
        return entry, found

    # ---------------------------------------------------------------- one cell
    def _name(self, name: str, wrong: Wrong) -> None:
        if not name:
            wrong("name", "It is empty. Enter the person’s full name.")
        elif len(name) > NAME_MAX:
            wrong("name", f"It has {len(name):,} characters. Shorten it to {NAME_MAX}.")

    def _username(self, username: str, key: str, column: str, wrong: Wrong) -> None:
        shortest, longest = USERNAME_LENGTH
        if not key:
            what = "a username" if column == "username" else "the email, which is the username too,"
            wrong(column, f"It is empty. Enter {what} of {shortest} to {longest} characters.")
        elif len(username) < shortest:
            wrong(
                column,
                f"It has only {len(username)} {'character' if len(username) == 1 else 'characters'}. "
                f"A username has at least {shortest}.",
            )
        elif len(username) > longest:
            wrong(column, f"It has {len(username):,} characters. Shorten it to {longest}.")
        elif holder := self._taken.usernames.get(key):
            wrong(column, f"“{username}” is taken by {_who(holder)}. {_here(holder)}")
        elif (holder := self._taken.emails.get(key)) and column == "username":
            wrong(column, f"“{username}” is the email of {_who(holder)}. {_here(holder)}")

    def _email(self, email: str, key: str, wrong: Wrong) -> None:
        if problem := self._emails.problem(email):
            wrong("email", problem)
        elif holder := self._taken.emails.get(key):
            wrong("email", f"“{email}” is the email of {_who(holder)}. {_here(holder)}")
        elif (holder := self._taken.usernames.get(key)) and "username" in self._columns:
            wrong("email", f"“{email}” is the username of {_who(holder)}. {_here(holder)}")

    def _third(self, third_party_id: str | None, key: str, wrong: Wrong) -> None:
        if third_party_id is None:
            return
        if len(third_party_id) > THIRD_PARTY_MAX:
            wrong(
                "third_party_id",
                f"It has {len(third_party_id):,} characters. Shorten it to {THIRD_PARTY_MAX}.",
            )
        elif holder := self._taken.third_party.get(key):
            wrong("third_party_id", f"“{third_party_id}” is the ID of {_who(holder)}. {_here(holder)}")

    def _twice(self, row: Row) -> dict[str, str]:
        """Columns whose value other rows have too."""
        found = {}
        where: tuple[tuple[str, Sharing], ...] = (
            ("username", self._rows.named),
            ("email", self._rows.named),
            ("third_party_id", self._rows.third_party),
        )
        for column, sharing in where:
            if not (key := row.keys.get(column)):
                continue
            count, first = sharing.others(key, row.line.number)
            if count:
                listed = " and ".join(f"{number:,}" for number in first[:3])
                more = f" and {count - 3:,} more" if count > 3 else ""
                rows_word = "row" if count == 1 else "rows"
                found[column] = (
                    f"“{row.cells[column]}” is in {rows_word} {listed}{more} too. Keep one of them."
                )
        return found

    def _set_up(self, cells: dict[str, str], wrong: Wrong) -> SetUp:
        unknown = set()
        roles: frozenset[int] = frozenset()
        access: frozenset[int] = frozenset()
        team: int | None = None
        try:
            roles = self._places.roles(cells.get("roles", ""))
        except NotFound as error:
            unknown.add("roles")
            wrong("roles", str(error))
        try:
            team = self._places.team(cells["team"]) if cells.get("team") else None
        except NotFound as error:
            unknown.add("team")
            wrong("team", str(error))
        try:
            access = self._places.teams(cells.get("reporting_access", ""))
        except NotFound as error:
            unknown.add("reporting_access")
            wrong("reporting_access", str(error))
        for gap in lacking(roles, team is not None, bool(access), self._directory):
            column, text = _LACKING[gap]
            if column not in unknown and not (gap == "role" and "roles" in unknown):
                wrong(column, text)
        if too_much := beyond(roles, self._giver.permissions, self._directory):
            names = " and ".join(role.name for role in too_much)
            wrong("roles", f"You cannot give {names}: it permits more than you may do yourself.")
        if hidden := unseen(access, self._giver, self._directory):
            wrong("reporting_access", access_refusal(hidden))
        return SetUp(roles, team, access)


def _who(holder: Holder) -> str:
    return f"{holder.name} ({holder.status})"


def _here(holder: Holder) -> str:
    """What to do about somebody who is here."""
    act = {"inactive": "reactivate them", "pending": "activate them"}.get(holder.status)
    return f"If it is the same person, take the row out{' and ' + act if act else ''}; else change it."
