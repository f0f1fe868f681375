"""``bench.peer_web:serving()``: what pages are compared with, Flask-Admin's bare list of the same users.

The plainest peer there is: one table, 25 rows a page, no sign-in, no contract, no permissions, nothing beside the
list. It reads the database at ``DATABASE_URL`` and counts like the product's web. Only the bench loads this module.
"""

from __future__ import annotations

import os

import sqlalchemy as sa
from flask import Flask
from flask_admin import Admin
from flask_admin.contrib.sqla import ModelView
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, scoped_session, sessionmaker

from bench.counting import counting
from config import normal_database_url

LIST = "/people/"
SORTABLE = ("name", "username", "email", "status")  # in the order of the list's columns


class Base(DeclarativeBase):
    pass


class Person(Base):
    """The columns of ``users`` that the product's list shows as well."""

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    username: Mapped[str]
    email: Mapped[str | None]
    status: Mapped[str]


class People(ModelView):
    """The list alone."""

    can_create = can_edit = can_delete = False
    column_list = column_sortable_list = SORTABLE
    column_searchable_list = ("name", "username", "email")
    page_size = 25


def serving() -> Flask:
    """The peer, counting."""
    engine = sa.create_engine(normal_database_url(os.environ["DATABASE_URL"]))
    session = scoped_session(sessionmaker(engine))
    app = Flask("peer")
    app.config["SECRET_KEY"] = "only-for-the-bench"
    Admin(app, url="/").add_view(People(Person, session, endpoint="people", url=LIST.rstrip("/")))
    app.add_url_rule("/healthz", "healthz", lambda: "fine")
    app.teardown_appcontext(lambda _: session.remove())
    return counting(app, engine)
