"""The guard over every statement of the product (``tests/servers/scoping.py``) finds what it should, no more."""

from __future__ import annotations

import ast

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import aliased

from tests.servers.processes import ROOT
from tests.servers.scoping import OF_ALL, unscoped
from webapp.core.models import Contract, Heartbeat, Integration, Person, Role, User, UserRole

other = aliased(User)


@pytest.mark.parametrize(
    "statement",
    [
        sa.select(User).where(User.contract_id == 1),
        sa.select(User).where(User.id == 1),
        sa.select(User).where(User.id.in_([1, 2]), User.status == "active"),
        sa.select(User).join(UserRole, UserRole.user_id == User.id).where(UserRole.role_id == 1),
        sa.select(User).join(Contract, User.contract_id == Contract.id).where(Contract.id == 1),
        sa.select(User).where(User.id.in_(sa.select(Person.user_id).where(Person.integration_id == 1))),
        sa.select(sa.func.count()).select_from(sa.select(User.id).where(User.contract_id == 1).subquery()),
        sa.select(User).where(
            User.contract_id == 1,
            ~sa.exists().where(UserRole.user_id == User.id, UserRole.role_id == Role.id),
        ),
        sa.select(User, other).where(User.contract_id == 1, other.contract_id == User.contract_id),
        sa.update(User).where(User.id == 1).values(name="x"),
        sa.delete(User).where(sa.tuple_(User.contract_id, User.id).in_([(1, 2)])),
        sa.select(Heartbeat),
        sa.insert(User).values(contract_id=1),
    ],
)
def test_a_statement_about_one_contract_or_row_is_let_through(statement: sa.Executable) -> None:
    assert unscoped(statement) == set()


@pytest.mark.parametrize(
    ("statement", "of"),
    [
        (sa.select(User), {"users"}),
        (sa.select(User.name).where(User.email_key == "x").limit(1), {"users"}),
        (sa.select(User).where(User.contract_id != 1), {"users"}),
        (sa.select(User).where(User.contract_id == User.contract_id), {"users"}),
        (sa.select(User).join(UserRole, UserRole.user_id == User.id), {"users", "user_roles"}),
        (sa.select(User, other).where(User.contract_id == 1), {"users"}),
        (sa.select(User).where(User.contract_id == 1, sa.exists().where(Role.key == "x")), {"roles"}),
        (sa.select(sa.func.count()).select_from(sa.select(Person.id).subquery()), {"people"}),
        (sa.select(User.id).where(User.id == 1).union(sa.select(Integration.id)), {"integrations"}),
        (sa.update(User).values(name="x"), {"users"}),
        (sa.delete(Role).where(Role.key == "agent"), {"roles"}),
    ],
)
def test_one_about_every_contract_is_found(statement: sa.Executable, of: set[str]) -> None:
    assert unscoped(statement) == of


def test_every_exemption_is_a_function_of_the_product() -> None:
    missing = []
    for module, name in (one.split() for one in OF_ALL - {"a test"}):
        source = ast.parse((ROOT / "webapp" / f"{module}.py").read_text(encoding="utf-8"))
        if name not in {node.name for node in ast.walk(source) if isinstance(node, ast.FunctionDef)}:
            missing.append(f"{module} {name}")
    assert missing == []
