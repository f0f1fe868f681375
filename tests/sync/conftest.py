"""An office in each of the two databases."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.actors import make_actor
from tests.sync.office import Office, open_office
from webapp.core.models import User, db
from webapp.people.edit.form_state import state_of
from webapp.people.edit.identity import identity_of
from webapp.people.edit.service import edit

Edited = Callable[..., None]


@pytest.fixture
def office(app: Flask) -> Iterator[Office]:
    """A contract with a connected platform in memory and User sync on; the app context is pushed."""
    with app.app_context():
        yield open_office(app)


@pytest.fixture
def edited(office: Office) -> Edited:
    """``edited(user_id, name="Ada")`` saves the form of that user, as an administrator of the contract."""
    administrator = make_actor(office.app, office.contract_id, "administrator")
    by_user_id = db.session.scalars(
        sa.select(User.id).where(
            User.contract_id == office.contract_id, User.account_id == administrator.account_id
        )
    ).one()
    db.session.rollback()

    def save(user_id: int, **values: str) -> None:
        db.session.rollback()
        user = db.session.get_one(User, user_id, populate_existing=True)
        stamp, identity = state_of(db.session(), user).stamp, replace(identity_of(user), **values)
        edit(office.contract_id, user_id, identity, None, by_user_id=by_user_id, stamp=stamp)

    return save
