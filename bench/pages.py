"""Pages: how long a signed-in administrator of a contract with many users waits for each, through gunicorn.

Each is asked for by turns with what comes nearest to it in the peer (:mod:`bench.peer_web`), so that whatever else the
machine does falls on both.
"""

from __future__ import annotations

import os
import statistics
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlencode

import msgspec
import sqlalchemy as sa

from bench.crowd import settle_in
from bench.figures import percentile
from bench.peer_web import LIST, SORTABLE
from bench.product import product
from bench.programs import BenchError
from bench.syncs import Lab, synced
from bench.web import Answer, Visitor, peer_web, web
from webapp.core.models import Team, User, db

AIM, SEARCH_AIM, P95_AIM = 30.0, 50.0, 100.0  # milliseconds
WARM_UP = 20  # requests of each page before those that count
NEVER = "zqxjkv"  # a search that finds nobody
PEER_PAGE = 25  # people

Query = tuple[tuple[str, object], ...]


class PageMeasurement(msgspec.Struct):
    """One page over so many ``requests``: milliseconds until the last byte and of the web's processor, SQL
    statements (the median), bytes. ``peer_median`` is of the peer's page at ``peer``, asked for by turns with it.
    """

    database: str
    people: int
    page: str
    path: str
    median: float
    p95: float
    cpu: float
    statements: int
    bytes: int
    requests: int
    aim: float
    load: float
    peer: str
    peer_median: float

    @property
    def times_peer(self) -> float:
        """How many times as long as the peer."""
        return self.median / self.peer_median

    @property
    def met(self) -> bool:
        return self.median <= self.aim and self.p95 <= P95_AIM


@dataclass(frozen=True)
class Page:
    """What is measured, and which of the peer's pages it is compared with (``query`` of its list).

    ``shows`` must be in the page, else something else was measured.
    """

    name: str
    path: str
    aim: float = AIM
    shows: str = ""
    query: Query = ()

    @property
    def peer(self) -> str:
        return f"{LIST}?{urlencode(self.query)}"


def measure(lab: Lab, people: int, requests: int) -> Iterator[PageMeasurement]:
    """Each page in a contract of ``people`` imported people, one after the other."""
    lab.workspace.generate(people)
    database = lab.prepared()
    synced(lab, database)
    environ = lab.environ(database)
    settle_in(environ, datetime.now(UTC))
    lab.databases.settle(database)
    with ExitStack() as started:
        visitor, other = (
            started.enter_context(closing(Visitor(started.enter_context(serve(environ, lab.folder)))))
            for serve in (web, peer_web)
        )
        visitor.sign_in()
        for page in _pages(lab, database):
            yield _measured(lab, people, page, visitor, other, requests)
    lab.databases.drop(database)


def _measured(
    lab: Lab, people: int, page: Page, visitor: Visitor, other: Visitor, requests: int
) -> PageMeasurement:
    load = os.getloadavg()[0]
    for _ in range(min(WARM_UP, requests)):
        first = visitor.open(page.path)
        other.open(page.peer)
    if page.shows not in first.text:
        raise BenchError(f"{page.path} does not show “{page.shows}”")
    pairs = [(visitor.open(page.path), other.open(page.peer)) for _ in range(requests)]
    answers = [answer for answer, _ in pairs]
    milliseconds = _milliseconds(answers)
    return PageMeasurement(
        database=lab.databases.name,
        people=people,
        page=page.name,
        path=page.path,
        median=statistics.median(milliseconds),
        p95=percentile(milliseconds, 0.95),
        cpu=statistics.median(answer.cpu * 1000 for answer in answers),
        statements=round(statistics.median(answer.statements for answer in answers)),
        bytes=answers[-1].bytes,
        requests=requests,
        aim=page.aim,
        load=load,
        peer=page.peer,
        peer_median=statistics.median(_milliseconds([answer for _, answer in pairs])),
    )


def _milliseconds(answers: list[Answer]) -> list[float]:
    return [answer.seconds * 1000 for answer in answers]


def _pages(lab: Lab, database: str) -> list[Page]:
    """Every page there is something to say about."""
    with product(lab.environ(database)):
        waiting = sa.select(User).where(User.status == "pending", User.email_key.is_not(None))
        someone = db.session.scalars(waiting.order_by(User.id).offset(30).limit(1)).one()
        team = db.session.scalars(sa.select(Team.id).where(Team.name == "Billing")).one()
        role = db.session.scalar(sa.text("SELECT id FROM roles WHERE key = 'agent' ORDER BY id LIMIT 1"))
        everybody = db.session.scalar(sa.select(sa.func.count(User.id))) or 0
    email = someone.email or ""
    last: Query = (("page", (everybody - 1) // PEER_PAGE),)
    an: Query = (("search", "an"),)

    def users(**query: object) -> str:
        return f"/c/demo/users?{urlencode(query)}"

    pages = [
        Page("Users, Active", users(status="active")),
        Page("Users, Inactive", users(status="inactive")),
        Page("Users, Pending", users(status="pending")),
        Page("Users, 100 rows", users(status="pending", per_page=100)),
    ]
    sorts = {
        "active": ["-name", "email", "-email", "username", "-username", "since", "-since", "role", "-role"],
        "pending": ["-name", "email", "-email", "username", "-username", "since", "-since"],
    }
    pages += [
        Page(f"{status.title()} by {sort}", users(status=status, sort=sort), query=_sorted(sort))
        for status, some in sorts.items()
        for sort in some
    ]
    pages += [
        Page("last page", users(status="pending", page=999_999), query=last),
        Page("page in the middle", users(status="pending", page=900), query=(("page", 900),)),
        Page("last page by role", users(status="active", sort="role", page=999_999), query=last),
        Page(
            "search, one found",
            users(status="pending", q=email),
            SEARCH_AIM,
            email.partition("@")[0],
            (("search", email),),
        ),
        Page(
            "search, nobody found",
            users(status="pending", q=NEVER),
            SEARCH_AIM,
            "Nobody matches",
            (("search", NEVER),),
        ),
        Page("search “an”", users(status="pending", q="an"), SEARCH_AIM, query=an),
        Page("search “@”, all found", users(status="pending", q="@"), SEARCH_AIM, query=(("search", "@"),)),
        Page("search “an”, last page", users(status="active", q="an", page=999_999), SEARCH_AIM, query=an),
        Page("search “an” by -since", users(status="active", q="an", sort="-since"), SEARCH_AIM, query=an),
        Page("platform Intercom", users(status="pending", platform="intercom")),
        Page("platform Zendesk", users(status="pending", platform="zendesk")),
        Page("no longer in Intercom", users(status="pending", missing="intercom")),
        Page("no longer in one", users(status="active", missing="any")),
        Page("team", users(status="active", team=team)),
        Page("no team", users(status="active", team="none")),
        Page("role Agent", users(status="active", role=role)),
        Page("no role", users(status="active", role="none")),
        Page("team, role and platform", users(status="active", team=team, role=role, platform="zendesk")),
        Page("Platforms", "/c/demo/integrations/platforms"),
        Page("Intercom", "/c/demo/integrations/platforms/intercom"),
        Page("User sync tab", "/c/demo/integrations/platforms/intercom/user-sync"),
        Page("Sync status", "/c/demo/sync-status"),
    ]
    return pages


def _sorted(sort: str) -> Query:
    """The peer's list in the same order; by its name where it has no such column."""
    column = sort.removeprefix("-")
    place = SORTABLE.index(column) if column in SORTABLE else 0
    return (("sort", place), *((("desc", 1),) if sort.startswith("-") else ()))
