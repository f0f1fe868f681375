"""Pages: how long a signed-in administrator of a contract with many users waits for each, through gunicorn."""

from __future__ import annotations

import os
import statistics
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlencode

import msgspec
import sqlalchemy as sa

from bench.crowd import settle_in
from bench.figures import percentile
from bench.product import product
from bench.programs import BenchError
from bench.syncs import Lab, synced
from bench.web import Visitor, web
from webapp.models import Team, User, db

AIM, SEARCH_AIM, P95_AIM = 30.0, 50.0, 100.0  # milliseconds
WARM_UP = 20  # requests of each page before those that count
NEVER = "zqxjkv"  # a search that finds nobody


class PageMeasurement(msgspec.Struct):
    """One page over so many ``requests``: milliseconds until the last byte and of the web's processor, SQL
    statements (the median), bytes.
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

    @property
    def met(self) -> bool:
        return self.median <= self.aim and self.p95 <= P95_AIM


@dataclass(frozen=True)
class Page:
    """What is measured. ``shows`` must be in the page, else something else was measured."""

    name: str
    path: str
    aim: float = AIM
    shows: str = ""


def measure(lab: Lab, people: int, requests: int) -> Iterator[PageMeasurement]:
    """Each page in a contract of ``people`` imported people, one after the other."""
    lab.workspace.generate(people)
    database = lab.prepared()
    synced(lab, database)
    environ = lab.environ(database)
    settle_in(environ, datetime.now(UTC))
    lab.databases.settle(database)
    with web(environ, lab.folder) as url, closing(Visitor(url)) as visitor:
        for page in _pages(lab, database):
            yield _measured(lab, people, page, visitor, requests)
    lab.databases.drop(database)


def _measured(lab: Lab, people: int, page: Page, visitor: Visitor, requests: int) -> PageMeasurement:
    load = os.getloadavg()[0]
    for _ in range(min(WARM_UP, requests)):
        first = visitor.open(page.path)
    if page.shows not in first.text:
        raise BenchError(f"{page.path} does not show “{page.shows}”")
    answers = [visitor.open(page.path) for _ in range(requests)]
    milliseconds = [answer.seconds * 1000 for answer in answers]
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
    )


def _pages(lab: Lab, database: str) -> list[Page]:
    """Every page there is something to say about."""
    with product(lab.environ(database)):
        waiting = sa.select(User).where(User.status == "pending", User.email_key.is_not(None))
        someone = db.session.scalars(waiting.order_by(User.id).offset(30).limit(1)).one()
        team = db.session.scalars(sa.select(Team.id).where(Team.name == "Billing")).one()
        role = db.session.scalar(sa.text("SELECT id FROM roles WHERE key = 'agent' ORDER BY id LIMIT 1"))
    email = someone.email or ""

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
        Page(f"{status.title()} by {sort}", users(status=status, sort=sort))
        for status, some in sorts.items()
        for sort in some
    ]
    pages += [
        Page("last page", users(status="pending", page=999_999)),
        Page("page in the middle", users(status="pending", page=900)),
        Page("last page by role", users(status="active", sort="role", page=999_999)),
        Page("search, one found", users(status="pending", q=email), SEARCH_AIM, email.partition("@")[0]),
        Page("search, nobody found", users(status="pending", q=NEVER), SEARCH_AIM, "Nobody matches"),
        Page("search “an”", users(status="pending", q="an"), SEARCH_AIM),
        Page("search “@”, all found", users(status="pending", q="@"), SEARCH_AIM),
        Page("search “an”, last page", users(status="active", q="an", page=999_999), SEARCH_AIM),
        Page("search “an” by -since", users(status="active", q="an", sort="-since"), SEARCH_AIM),
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
