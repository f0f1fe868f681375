"""What is secret in an address stays there: no page, redirect or referrer carries it on."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.access.world import World, world
from tests.servers.databases import SqliteTemplate
from tests.servers.processes import ROOT

SECRET = "do-not-carry-this"
QUERY = f"?code={SECRET}&state={SECRET}&token={SECRET}&error={SECRET}"


@pytest.fixture(scope="module")
def there(
    _sqlite_template: SqliteTemplate, _redis_server: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    with _sqlite_template.copy() as url, world(url, _redis_server, tmp_path_factory.mktemp("world")) as built:
        yield built


@pytest.mark.parametrize("who", ["anon", "administrator", "agent", "off"])
@pytest.mark.parametrize(
    "path",
    [
        "/integrations/intercom/callback",
        "/integrations/zendesk/callback",
        "/integrations/nothing/callback",
        "/reset-password",
        "/invitation",
        "/account/email/link",
    ],
)
def test_A14_nothing_of_an_address_with_a_secret_travels(there: World, who: str, path: str) -> None:
    answer = there.actors[who].client.get(path + QUERY)
    for _ in range(3):
        assert SECRET not in answer.text
        assert SECRET not in (answer.location or "")
        assert SECRET not in "".join(answer.headers.getlist("Set-Cookie"))
        if answer.location is None:
            break
        answer = there.actors[who].client.get(answer.location)
    else:
        raise AssertionError("it leads in circles")
    assert answer.status_code in (200, 400, 404, 410)


def test_A14_who_was_signed_out_meanwhile_is_asked_to_sign_in_and_no_more(there: World) -> None:
    answer = there.actors["anon"].client.get("/integrations/intercom/callback" + QUERY)
    assert (answer.status_code, answer.location) == (302, "/sign-in")
    assert answer.headers["Referrer-Policy"] == "strict-origin"


def test_A14_every_view_that_reads_a_secret_from_its_address_is_marked(there: World) -> None:
    """By the words that such an address has; ``session_cookie.hold`` takes a token out of it."""
    found = {}
    for source in (ROOT / "webapp").rglob("*views.py"):
        for view in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            if isinstance(view, ast.FunctionDef) and {"'code'", "session_cookie.hold"} & {
                ast.unparse(node)
                for node in ast.walk(view)
                if isinstance(node, (ast.Constant, ast.Attribute))
            }:
                found[view.name] = {ast.unparse(one) for one in view.decorator_list}
    assert set(found) == {"callback", "new", "open_link"}
    assert all("one_way" in decorators for decorators in found.values())
