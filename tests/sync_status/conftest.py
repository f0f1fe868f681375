"""A contract whose platform is in memory, an administrator, and somebody who may look and not touch."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from tests.actors import Actor, make_actor
from tests.pages import Element, Page
from tests.sync.office import Office, open_office
from webapp.core.models import Contract, SyncRun, db
from webapp.platforms.base import LeftOut, Person


@dataclass
class Watched:
    """A contract of its own: ``support`` reads its pages, ``admin`` may decide as well."""

    app: Flask
    office: Office
    slug: str
    admin: Actor
    support: Actor

    @contextmanager
    def inside(self) -> Iterator[Office]:
        """The office within an application context, which no request may share."""
        with self.app.app_context():
            yield self.office

    def sync(self, *people: Person, set_aside: tuple[LeftOut, ...] = ()) -> SyncRun:
        """A run that finds ``people``; how it ended."""
        self.office.platform.set_aside = list(set_aside)
        with self.inside() as office:
            return office.sync(*people)

    def status(self, actor: Actor | None = None, path: str = "") -> TestResponse:
        return (actor or self.support).get(f"/c/{self.slug}/sync-status{path}")

    def run_page(self, run: SyncRun, query: str = "", actor: Actor | None = None) -> str:
        answer = self.status(actor, f"/runs/{run.id}{query}")
        assert answer.status_code == 200, answer.text
        return answer.text


@pytest.fixture
def watched(app: Flask) -> Watched:
    with app.app_context():
        office = open_office(app)
        slug = db.session.get_one(Contract, office.contract_id).slug
    admin = make_actor(app, office.contract_id, "administrator")
    support = make_actor(app, office.contract_id, "system_access")
    return Watched(app, office, slug, admin, support)


class Spaced(Page):
    """A page whose text keeps a gap where one element ends or begins."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_data(" ")
        super().handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        super().handle_endtag(tag)
        if tag not in ("a", "b", "code"):  # a full stop may follow
            self.handle_data(" ")


def words(text: str) -> str:
    """Text on one line."""
    return re.sub(r"\s+", " ", text).strip()


def said(html: str) -> str:
    """All text below the main element, on one line."""
    return words(Spaced(html).all("main")[0].text)


def rows(html: str, caption: str) -> list[Element]:
    """The lines of the table with that caption, without its head and without tables inside it."""
    page = Spaced(html)
    (found,) = [one for one in page.all("caption") if words(one.text).startswith(caption)]
    table = found.parents[-1]
    return [
        one
        for one in page.all("tr")
        if one.parents[-1].tag == "tbody" and one.parents[-2].attributes is table.attributes
    ]


def texts(html: str, caption: str) -> list[str]:
    return [words(row.text) for row in rows(html, caption)]


def strip(html: str) -> dict[str, int]:
    """The figures of the run's page by their label."""
    figures: dict[str, int] = {}
    for element in Spaced(html).all("dl"):
        if element.attributes.get("class") == "strip":
            labels = [words(one.text) for one in element.below if one.tag == "dt"]
            values = [words(one.text).replace(",", "") for one in element.below if one.tag == "dd"]
            figures |= {label: int(value) for label, value in zip(labels, values, strict=True)}
    return figures


def forms(html: str) -> list[str]:
    """Where the forms below the main element send what is typed, those that only read left out."""
    return [
        one.attributes.get("action") or ""
        for one in Page(html).all("form")
        if any(parent.tag == "main" for parent in one.parents) and one.attributes.get("method") == "post"
    ]
