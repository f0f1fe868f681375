"""Inviting somebody and opening their mail in a browser of their own."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from flask import Flask

from tests.actors import Actor, csrf_of
from tests.mails import Mail, mails
from tests.users.pages import Page, open_page
from tests.users.world import World
from webapp.core.models import Invitation, User, db

PASSWORD = "plain kettle rowing far"
EMAIL = "anna.kim@acme.example"


class Visitor(Actor):
    """A browser in which nobody is signed in at first; it has forms on other pages."""

    def csrf(self) -> str:
        return csrf_of(self.client.get("/forgot-password"))


@dataclass(frozen=True)
class Guests:
    app: Flask
    world: World
    manager: Actor

    def anna(self, role: str = "agent") -> int:
        """An active user without an account; their ID."""
        (user,) = self.world.add("Anna Kim", status="active")
        self.world.give([user], role=role, team="Billing", access="Leeds")
        return user

    def page(self, user: int) -> Page:
        return open_page(self.manager, f"{self.world.url}/{user}")

    def send(self, user: int, by: Actor | None = None) -> Page:
        """Press the button on the user's page."""
        return (
            open_page(by or self.manager, f"{self.world.url}/{user}").form(f"/{user}/invitation").send("Send")
        )

    def mail(self) -> Mail:
        """The newest invitation."""
        return mails(self.app, purpose="invitation")[-1]

    def invited(self, role: str = "agent") -> tuple[int, Mail]:
        user = self.anna(role)
        self.send(user)
        return user, self.mail()

    def anyone(self) -> Actor:
        """A browser in which nobody is signed in."""
        return Visitor(self.app.test_client(), 0, "")

    def accept(self, mail: Mail, password: str = PASSWORD, browser: Actor | None = None) -> Page:
        """Open the link, choose a password (or give that of the account) and send the form."""
        page = open_page(browser or self.anyone(), mail.link)
        form = page.form("/invitation")
        field = "new_password" if "new_password" in form.values else "password"
        return form.fill(**{field: password}).send("")

    def account_of(self, user: int) -> int | None:
        found: int | None = self.world.scalar(sa.select(User.account_id).where(User.id == user))
        return found

    def outcomes(self, user: int) -> list[str | None]:
        with self.app.app_context():
            return list(
                db.session.scalars(
                    sa.select(Invitation.outcome).where(Invitation.user_id == user).order_by(Invitation.id)
                )
            )
