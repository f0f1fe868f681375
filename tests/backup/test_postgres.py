"""The lines of docs/backup.md for Postgres, carried out as they stand there, with two roles (B6)."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

import config
import webapp
from tests.backup.test_going_on import crowd
from tests.servers.databases import migrate
from tests.servers.postgres import Postgres, Role, _package
from tests.servers.processes import ROOT
from tests.servers.stack import stack_environ
from tests.sync.office import Office, open_office
from webapp.core.models import db
from webapp.operations.startup import ready_to_serve

DOCUMENT = (ROOT / "docs/backup.md").read_text(encoding="utf-8").partition("## Postgres")[2]
DUMP, RESTORE, MARK = re.findall(r"```sh\n(.*?)```", DOCUMENT, re.DOTALL)
(NEW_DATABASE,) = re.findall(r"```sql\n(.*?)```", DOCUMENT, re.DOTALL)


@dataclass
class TwoRoles:
    """A database that one role owns and another serves, both without any other right."""

    server: Postgres
    name: str
    owner: Role
    serving: Role
    environ: dict[str, str]

    def shell(self, lines: str, *, as_owner: bool) -> str:
        """What ``lines`` say to a shell with the settings; only the role that owns knows its own."""
        environ = dict(self.environ)
        if not as_owner:
            del environ["MIGRATIONS_DATABASE_URL"]
        ended = subprocess.run(
            ["sh", "-ec", lines], cwd=ROOT, env=environ, capture_output=True, text=True, check=False
        )
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    def superuser(self, lines: str) -> None:
        """Carry ``lines`` of SQL out, with this database's names instead of those of the document."""
        lines = lines.replace("rollcall_owner", self.owner.name).replace(
            "rollcall_before", f"{self.name}_before"
        )
        lines = re.sub(r"\brollcall\b", self.name, lines)
        with psycopg.connect(self.server.url, autocommit=True) as connection:
            for statement in filter(None, map(str.strip, lines.split(";"))):
                connection.execute(statement)


@pytest.fixture
def two(postgres: Postgres, redis_url: str, tmp_path: Path) -> Iterator[TwoRoles]:
    owner, serving, name = postgres.make_role(), postgres.make_role(), postgres.create()
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {name} OWNER TO {owner.name}")
    migrate(postgres.url_of(name, serving), redis_url, tmp_path, owner_url=postgres.url_of(name, owner))
    settings = {
        "ROLLCALL_MODE": "demo",
        "DATABASE_URL": postgres.url_of(name, serving),
        "MIGRATIONS_DATABASE_URL": postgres.url_of(name, owner),
        "REDIS_URL": redis_url,
        "PATH": f"{Path(sys.executable).parent}:{_package() / 'pginstall/bin'}:{os.environ['PATH']}",
    }
    environ = stack_environ(8000, tmp_path / "var", settings)
    yield TwoRoles(postgres, name, owner, serving, environ)
    for each in (name, f"{name}_before"):
        postgres.drop(each)
    for role in (owner, serving):
        postgres.drop_role(role)


def test_B6_a_dump_comes_back_with_its_owner_and_its_rights(
    two: TwoRoles, redis_url: str, tmp_path: Path
) -> None:
    settings = config.test_settings(
        database_url=two.environ["DATABASE_URL"], redis_url=redis_url, data_dir=tmp_path
    )
    lines = [text.replace("rollcall.dump", str(tmp_path / "rollcall.dump")) for text in (DUMP, RESTORE)]
    app = webapp.create_app(settings)
    with app.app_context():
        office = open_office(app)
        office.sync(*crowd(20))
        two.shell(lines[0], as_owner=True)
        office.sync(*crowd(20), *crowd(5, "Newcomer", first=50))
        platform = office.platform
        db.session.remove()
        db.engine.dispose()

    two.superuser(NEW_DATABASE)
    two.shell(lines[1], as_owner=True)
    said = two.shell(MARK, as_owner=False)
    assert "Marked as restored." in said
    assert "may do nothing beyond that" in said

    with psycopg.connect(two.server.url_of(two.name)) as connection:
        owners = connection.execute(
            "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'"
        ).fetchall()
        assert owners == [(two.owner.name,)]
        (guarded,) = connection.execute(
            "SELECT count(*) FROM pg_trigger WHERE tgrelid = 'audit_events'::regclass AND NOT tgisinternal"
        ).fetchone() or (0,)
        assert guarded > 0
    app = webapp.create_app(replace(settings))
    with app.app_context():
        assert ready_to_serve(app) is app
        with pytest.raises(sa.exc.ProgrammingError, match="permission denied"):
            db.session.execute(sa.text("DELETE FROM audit_events"))
        db.session.rollback()
        office = Office(app, office.contract_id, office.integration_id, platform)
        assert len(office.users()) == 20
        run = office.sync()
        assert (run.state, run.imported, len(office.users())) == ("completed", 5, 25)
        db.session.remove()
        db.engine.dispose()
