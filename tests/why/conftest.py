"""An office whose administrator asks why somebody is not here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.actors import Actor
from tests.conflicts.conftest import Apart, actor_of, admin, office, slug
from tests.sync.office import Office, Platform
from tests.sync_status.conftest import said
from webapp.core.models import Integration, Question, db
from webapp.integrations.why.answer import Ingredients, answer_question
from webapp.jobs import functions
from webapp.platforms.base import Call

__all__ = ["Apart", "actor_of", "admin", "office", "slug"]


@dataclass
class Asking:
    """What a test asks, as the administrator."""

    office: Office
    slug: str
    admin: Actor

    @property
    def page(self) -> str:
        return f"/c/{self.slug}/integrations/platforms/intercom/why"

    def ask(self, text: str) -> str:
        """Ask and have it answered; the address of the answer."""
        answer = self.admin.post(self.page, {"q": text})
        assert answer.status_code == 302, answer.text
        self.work(int(answer.location.rsplit("/", 1)[1]))
        return answer.location

    def work(self, question_id: int) -> None:
        def connector(_integration: Integration, record: Callable[[Call], None]) -> Platform:
            self.office.platform.record = record
            return self.office.platform

        db.session.rollback()
        attempt = db.session.get_one(Question, question_id, populate_existing=True).attempt
        db.session.commit()
        use = Ingredients(self.office.engine, functions._load_question, connector, lease=self.office.lease)
        answer_question(question_id, attempt, use)

    def told(self, text: str, query: str = "") -> str:
        """What the answer's page says."""
        return said(self.admin.get(self.ask(text) + query).text)


@pytest.fixture
def asking(office: Office, slug: str, admin: Actor) -> Asking:
    return Asking(office, slug, admin)
