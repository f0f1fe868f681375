"""Which rows of a file can be added, and what is wrong with the others, cell by cell. Pure.

What is judged depends on how people are added: as pending, roles and teams have no effect; as active, each row needs
them, and whoever adds gives no role that permits more than they may do, and no access to what they do not see.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import msgspec
from email_validator import EmailNotValidError, validate_email

from webapp.connectors.texts import clean
from webapp.models.user import NAME_MAX, USERNAME_LENGTH
from webapp.sync.keys import match_key
from webapp.uploads.columns import SET_UP
from webapp.uploads.places import NotFound, Places
from webapp.uploads.reading import Line, Sheet
from webapp.users.directory import Directory
from webapp.users.set_up import Giver, SetUp, access_refusal, beyond, lacking, unseen

Wrong = Callable[[str, str], None]  # notes what is wrong in a column

WAYS = ("pending", "active")  # how people can be added
EMAIL_MAX = 254
THIRD_PARTY_MAX = 255
_INVISIBLE = dict.fromkeys(map(ord, "\u200b\u2060\ufeff"))
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


@dataclass(frozen=True)
class Identifiers:
    """What of a file has to be looked up among the users: keys."""

    names: set[str]  # usernames and emails alike
    third_party: set[str]


def identifiers(sheet: Sheet) -> Identifiers:
    """The keys that the rows of a file use."""
    found = Identifiers(set(), set())
    for line in sheet.lines:
        cells = _cells(sheet, line)
        for column, keys in (
            ("username", found.names),
            ("email", found.names),
            ("third_party_id", found.third_party),
        ):
            key = match_key(cells.get(column))
            if key:
                keys.add(key)
    return found


def judge(sheet: Sheet, taken: Taken, directory: Directory, giver: Giver, way: str) -> Judgement:
    """Judge every row for being added in that way, one of :data:`WAYS`."""
    judge_one = _Rows(sheet, taken, directory, giver, way)
    entries, problems = [], []
    for line in sheet.lines:
        entry, wrong = judge_one(line)
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


class _Rows:
    """Judges one row after another, knowing them all."""

    def __init__(self, sheet: Sheet, taken: Taken, directory: Directory, giver: Giver, way: str) -> None:
        self._sheet = sheet
        self._taken = taken
        self._directory = directory
        self._giver = giver
        self._active = way == "active"
        self._places = Places(directory)
        self._named: dict[str, list[int]] = {}  # rows by the key of username or email
        self._third_party: dict[str, list[int]] = {}
        for line in sheet.lines:
            cells = _cells(sheet, line)
            for key in {match_key(cells.get("username")), match_key(cells.get("email"))} - {None}:
                self._named.setdefault(key or "", []).append(line.number)
            if key := match_key(cells.get("third_party_id")):
                self._third_party.setdefault(key, []).append(line.number)

    def __call__(self, line: Line) -> tuple[Entry, list[Problem]]:
        cells = _cells(self._sheet, line)
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
        for column, raw in zip(self._sheet.columns, line.cells, strict=True):
            if any(unicodedata.category(char) == "Cc" and not char.isspace() for char in raw):
                wrong(column, "It has a character that cannot be shown. Type it again.")
        email = cells.get("email") or None
        own = cells.get("username", "")  # left empty, or without such a column, it is the email
        username = own or cells.get("email", "")
        nothing = not username and "username" in self._sheet.columns
        self._name(cells["name"], wrong)
        self._username(username, "username" if own or nothing else "email", wrong)
        if email is not None:
            self._email(email, wrong)
        self._third(cells.get("third_party_id") or None, wrong)
        for column, text in self._twice(line.number, cells).items():
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

    def _username(self, username: str, column: str, wrong: Wrong) -> None:
        shortest, longest = USERNAME_LENGTH
        key = match_key(username)
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

    def _email(self, email: str, wrong: Wrong) -> None:
        key = match_key(email) or ""
        if len(email) > EMAIL_MAX:
            wrong("email", f"It has {len(email):,} characters. An email address has at most {EMAIL_MAX}.")
        elif not _is_email(email):
            wrong("email", f"“{email}” is not an email address. Correct it, or leave the cell empty.")
        elif holder := self._taken.emails.get(key):
            wrong("email", f"“{email}” is the email of {_who(holder)}. {_here(holder)}")
        elif (holder := self._taken.usernames.get(key)) and "username" in self._sheet.columns:
            wrong("email", f"“{email}” is the username of {_who(holder)}. {_here(holder)}")

    def _third(self, third_party_id: str | None, wrong: Wrong) -> None:
        if third_party_id is None:
            return
        if len(third_party_id) > THIRD_PARTY_MAX:
            wrong(
                "third_party_id",
                f"It has {len(third_party_id):,} characters. Shorten it to {THIRD_PARTY_MAX}.",
            )
        elif holder := self._taken.third_party.get(match_key(third_party_id) or ""):
            wrong("third_party_id", f"“{third_party_id}” is the ID of {_who(holder)}. {_here(holder)}")

    def _twice(self, number: int, cells: dict[str, str]) -> dict[str, str]:
        """Columns whose value other rows have too."""
        found = {}
        for column, rows in (
            ("username", self._named),
            ("email", self._named),
            ("third_party_id", self._third_party),
        ):
            if column not in self._sheet.columns:
                continue
            key = match_key(cells.get(column))
            others = [row for row in rows.get(key or "", []) if row != number] if key else []
            if others:
                listed = " and ".join(f"{row:,}" for row in others[:3])
                more = f" and {len(others) - 3:,} more" if len(others) > 3 else ""
                rows_word = "row" if len(others) == 1 else "rows"
                found[column] = f"“{cells[column]}” is in {rows_word} {listed}{more} too. Keep one of them."
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


def _cells(sheet: Sheet, line: Line) -> dict[str, str]:
    """The values of a row by column, as they would be stored; always with a name."""
    cells = {
        column: (cell.strip() if column in SET_UP else clean(cell.translate(_INVISIBLE)) or "")
        for column, cell in zip(sheet.columns, line.cells, strict=True)
    }
    cells.setdefault("name", "")
    return cells


def _is_email(text: str) -> bool:
    try:
        validate_email(text, check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        return False
    return True


def _who(holder: Holder) -> str:
    return f"{holder.name} ({holder.status})"


def _here(holder: Holder) -> str:
    """What to do about somebody who is here."""
    act = {"inactive": "reactivate them", "pending": "activate them"}.get(holder.status)
    return f"If it is the same person, take the row out{' and ' + act if act else ''}; else change it."
