"""What every answer carries, whatever it is, and what a request must be like to be answered at all."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.http import parse_options_header
from werkzeug.test import EnvironBuilder, TestResponse, run_wsgi_app

import config
import webapp
from tests.access.table import expected
from tests.access.test_walk import address
from tests.access.world import World, world
from tests.actors import PASSWORD, csrf_of, make_actor, make_contract
from tests.pages import Page as PageOfElements
from tests.pages import problems_of_fragment, problems_of_page
from tests.servers.databases import SqliteTemplate
from webapp.core.models import db

PUBLIC = "https://rollcall.example.com"
# Addresses that carry a secret, of which nothing but the site may travel on.
ONE_WAY = {"/integrations/<platform>/callback", "/reset-password", "/invitation", "/account/email/link"}


@pytest.fixture(scope="module")
def there(
    _sqlite_template: SqliteTemplate, _redis_server: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """A world for the tests of this module; they leave it as it is."""
    with _sqlite_template.copy() as url, world(url, _redis_server, tmp_path_factory.mktemp("world")) as built:
        built.app.add_url_rule("/broken", "broken", webapp.web.access.public(_broken))
        yield built


@pytest.fixture
def own(
    _sqlite_template: SqliteTemplate, _redis_server: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """A world that a test may change."""
    with _sqlite_template.copy() as url, world(url, _redis_server, tmp_path_factory.mktemp("world")) as built:
        yield built


def _broken() -> str:
    raise ZeroDivisionError("the divisor of /srv/rollcall was zero")


@pytest.fixture
def public_app(sqlite_url: str, redis_url: str, tmp_path: Path) -> Iterator[Flask]:
    """The application as production configures it: reached by https."""
    settings = config.test_settings(
        database_url=sqlite_url,
        redis_url=redis_url,
        data_dir=tmp_path,
        public_url=PUBLIC,
        allowed_hosts=("rollcall.example.com",),
    )
    app = webapp.create_app(settings)
    yield app
    with app.app_context():
        db.session.remove()
        db.engine.dispose()


def browser(app: Flask) -> FlaskClient:
    client = app.test_client()
    client.environ_base |= {
        "wsgi.url_scheme": "https",
        "HTTP_HOST": "rollcall.example.com",
        "SERVER_PORT": "443",
    }
    return client


def sign_in_by_form(client: FlaskClient, email: str, **headers: str) -> TestResponse:
    page = client.get(f"{PUBLIC}/sign-in")
    form = {"csrf_token": csrf_of(page), "email": email, "password": PASSWORD}
    return client.post(f"{PUBLIC}/sign-in", data=form, headers={"Referer": f"{PUBLIC}/sign-in"} | headers)


# ------------------------------------------------------------------ every answer
def answers(there: World) -> Iterator[tuple[str, TestResponse]]:
    """One answer of each kind, with a name."""
    administrator, anon = there.actors["administrator"].client, there.actors["anon"].client
    for method, rule in expected():
        if method == "GET":
            yield rule, administrator.get(address(there, rule, there.a))
            yield f"{rule} for nobody", anon.get(address(there, rule, there.a))
            yield f"{rule} without the permission", there.actors["agent"].get(address(there, rule, there.a))
    yield "404", administrator.get("/nothing-here")
    yield "404 for nobody", anon.get("/nothing-here")
    yield "404 of a file", administrator.get("/static/nothing.css")
    yield "404 of a file with a strange name", administrator.get("/static/..%2f..%2fconfig.py")
    yield "405", administrator.delete("/c/amarok/audit")
    yield "405 of a file", administrator.post("/static/css/theme.css")
    yield "400 without a token", administrator.post("/sign-out")
    yield "400 with a NUL", administrator.get("/c/amarok/audit?q=%00")
    yield "400 from another host", administrator.get("/", headers={"Host": "evil.example"})
    yield "413", anon.post("/sign-in", data={"email": "x" * 1_200_000})
    yield (
        "422",
        there.actors["anon"].client.post("/sign-in", data={"csrf_token": csrf_of(anon.get("/sign-in"))}),
    )
    yield "500", administrator.get("/broken")
    yield (
        "304",
        administrator.get(
            "/static/css/theme.css",
            headers={"If-None-Match": administrator.get("/static/css/theme.css").headers["ETag"]},
        ),
    )


def test_every_answer_carries_the_same_protection(there: World) -> None:
    kinds = set()
    for name, answer in answers(there):
        kinds.add(answer.status_code)
        headers = answer.headers
        policy = dict(part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";"))
        assert policy["default-src"] == "'none'", name
        for directive in ("object-src", "base-uri", "frame-ancestors"):
            assert policy[directive] == "'none'", name
        for directive in ("script-src", "style-src", "img-src", "font-src", "connect-src"):
            assert policy[directive] == "'self'", name
        assert policy["form-action"] == "'self' http://127.0.0.1:9 https://*.zendesk.com", name
        assert headers["X-Content-Type-Options"] == "nosniff", name
        assert headers["X-Frame-Options"] == "DENY", name
        secret = name.split(" ")[0] in ONE_WAY
        assert headers["Referrer-Policy"] == ("strict-origin" if secret else "same-origin"), name
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin", name
        assert not [key for key, _ in headers if key.startswith("Access-Control-")], name
        assert "Strict-Transport-Security" not in headers, name  # this one is reached by http
        if answer.status_code != 304:
            kind, options = parse_options_header(headers["Content-Type"])
            assert kind in ("text/html", "application/json", "text/css", "text/csv"), name
            assert kind == "application/json" or options["charset"] == "utf-8", name
    assert kinds == {200, 302, 304, 400, 403, 404, 405, 410, 413, 422, 500}


def test_nothing_but_files_is_kept_by_a_cache(there: World) -> None:
    for name, answer in answers(there):
        file = ("static" in name and answer.status_code == 200) or name == "304"
        if file:
            assert answer.headers["Cache-Control"] == "public, max-age=3600", name
            assert "Set-Cookie" not in answer.headers, name  # a shared cache would hand it on
        else:
            assert answer.headers["Cache-Control"] == "no-store", name
            assert "Cookie" in answer.headers["Vary"], name


def test_a_file_is_kept_for_a_year_by_the_version_in_its_address_alone(there: World) -> None:
    anon = there.actors["anon"].client
    page = html.unescape(anon.get("/sign-in").text)
    addresses = re.findall(r'(?:href|src)="([^"]*static/[^"]*)"', page)
    assert len(addresses) >= 5
    for one in addresses:
        assert re.search(r"\?v=[0-9a-f]{12}$", one), one
        kept = anon.get(one)
        assert (kept.status_code, kept.headers["Cache-Control"]) == (
            200,
            "public, max-age=31536000, immutable",
        )
        other = anon.get(one[:-12] + "0" * 12)
        assert other.data == kept.data
        assert other.headers["Cache-Control"] == "public, max-age=3600", (
            "it may be another version's, mid-upgrade"
        )


def test_every_page_is_sound(there: World) -> None:
    found, pages = {}, 0
    for name, answer in answers(there):
        if answer.mimetype != "text/html" or answer.status_code in (302, 308):
            continue
        whole = answer.text.lstrip().startswith("<!doctype")
        assert whole or name.endswith("panel"), name
        pages += 1
        if problems := (problems_of_page if whole else problems_of_fragment)(answer.text):
            found[name] = problems
    assert found == {}
    assert pages > 40


def test_every_form_that_is_refused_says_at_which_field(own: World) -> None:
    """Each form sent empty: an error stands beside its field, in words, and is tied to it."""
    refused, found = [], {}
    token = {"administrator": own.actors["administrator"].csrf()}
    token["anon"] = csrf_of(own.actors["anon"].get("/sign-in"))
    for method, rule in expected():
        if method != "POST" or rule in ("/sign-out", "/hooks/intercom"):
            continue
        who = "anon" if rule == "/sign-in" else "administrator"
        form = {"csrf_token": token[who]}
        answer = own.actors[who].client.post(address(own, rule, own.a), data=form)
        if answer.status_code != 422:
            continue
        refused.append(rule)
        elements = PageOfElements(answer.text).elements
        wrong = [one for one in elements if one.attributes.get("aria-invalid") == "true"]
        problems = problems_of_page(answer.text)
        problems += [
            f"{one.name} is not tied to its error"
            for one in wrong
            if not any(each.has("aria-describedby") for each in (one, *one.parents))
        ]
        if not wrong and "notice-error" not in answer.text:
            problems.append("nothing says what is wrong")
        if problems:
            found[rule] = problems
    assert found == {}
    assert len(refused) >= 8, refused


def test_every_page_has_a_title_of_its_own(there: World) -> None:
    titles: dict[str, list[str]] = {}
    for method, rule in expected():
        page = (
            there.actors["administrator"].client.get(address(there, rule, there.a))
            if method == "GET"
            else None
        )
        if page is not None and page.status_code == 200 and "<title>" in page.text:
            titles.setdefault(page.text.split("<title>")[1].split("</title>")[0], []).append(rule)
    assert len(titles) > 8
    assert {title: where for title, where in titles.items() if len(where) > 1} == {}


def test_every_page_of_someone_signed_in_offers_to_sign_out(there: World) -> None:
    for name, answer in answers(there):
        if "/c/<contract>" in name and answer.text.startswith("<!doctype") and answer.status_code != 302:
            assert '<form method="post" action="/sign-out">' in answer.text, name


# ------------------------------------------------------------------ reached by https
def test_over_https_browsers_are_told_to_stay_there(public_app: Flask) -> None:
    client = browser(public_app)
    for path in ("/sign-in", "/nothing-here", "/static/css/theme.css", "/healthz"):
        answer = client.get(f"{PUBLIC}{path}")
        assert answer.headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains", path


def test_the_cookie_cannot_leave_this_site_nor_be_read_by_scripts(public_app: Flask) -> None:
    make_actor(public_app, make_contract(public_app, "acme"), "administrator", email="ines@example.com")
    client = browser(public_app)
    given = [
        client.get(f"{PUBLIC}/sign-in"),
        sign_in_by_form(client, "ines@example.com"),
        client.get(f"{PUBLIC}/c/acme/audit"),
    ]
    assert [answer.status_code for answer in given] == [200, 303, 200]
    cookies = [cookie for answer in given for cookie in answer.headers.getlist("Set-Cookie")]
    assert {cookie.split("=")[0] for cookie in cookies} == {"__Host-rollcall", "__Host-rollcall-browser"}
    for cookie in cookies:
        name, *attributes = cookie.split("; ")
        same_site = "SameSite=Strict" if name.startswith("__Host-rollcall-browser=") else "SameSite=Lax"
        assert {"Secure", "HttpOnly", "Path=/", same_site} <= set(attributes)
        assert not any(attribute.lower().startswith("domain") for attribute in attributes)


def test_a_form_works_over_https_and_only_from_this_site(public_app: Flask) -> None:
    make_actor(public_app, make_contract(public_app, "acme"), "administrator", email="ines@example.com")
    assert sign_in_by_form(browser(public_app), "ines@example.com").status_code == 303
    elsewhere = sign_in_by_form(browser(public_app), "ines@example.com", Referer="https://evil.example/")
    assert elsewhere.status_code == 400


def test_over_http_the_cookie_is_still_kept_from_scripts(app: Flask) -> None:
    (cookie,) = app.test_client().get("/sign-in").headers.getlist("Set-Cookie")
    name, *attributes = cookie.split("; ")
    assert name.startswith("rollcall-8000=")
    assert {"HttpOnly", "Path=/", "SameSite=Lax"} <= set(attributes)


def test_connecting_may_send_the_browser_to_intercom_alone(public_app: Flask) -> None:
    policy = browser(public_app).get(f"{PUBLIC}/sign-in").headers["Content-Security-Policy"]
    (forms,) = [part for part in policy.split("; ") if part.startswith("form-action ")]
    assert forms.split(" ")[1:5] == [
        "'self'",
        "https://app.intercom.com",
        "https://app.eu.intercom.com",
        "https://app.au.intercom.com",
    ]


# ------------------------------------------------------------------ what is not answered
@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "127.0.0.1.evil.example",
        "evil.example:8000",
        "",
        "127.0.0.1@evil.example",
        "a b",
        "[::1",
        "é.example",
    ],
)
def test_a_host_that_is_not_ours_is_refused(there: World, host: str) -> None:
    for path in ("/", "/sign-in", "/static/css/theme.css", "/healthz", "/nothing-here"):
        environ = EnvironBuilder(path=path).get_environ() | {"HTTP_HOST": host, "SERVER_NAME": "evil.example"}
        body, status, _ = run_wsgi_app(there.app, environ, buffered=True)
        assert status == "400 BAD REQUEST", path
        assert b"evil.example" not in b"".join(body)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:8000", "localhost", "LOCALHOST:9"])
def test_our_own_hosts_are_answered(there: World, host: str) -> None:
    assert there.actors["anon"].get("/sign-in", headers={"Host": host}).status_code == 200


def test_forwarded_headers_of_strangers_are_ignored(there: World) -> None:
    forged = {
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Prefix": "/evil",
        "Forwarded": "host=evil.example;proto=https",
        "X-Original-URL": "/c/amarok/audit",
        "X-Rewrite-URL": "/c/amarok/audit",
    }
    plain, answer = (there.actors["anon"].get("/c/amarok/audit", headers=headers) for headers in ({}, forged))
    assert (answer.status_code, answer.location) == (302, plain.location)
    assert "evil" not in there.actors["anon"].get("/sign-in", headers=forged).text


@pytest.mark.parametrize(
    "path",
    [
        "/c/amarok/audit?q=%00",
        "/c/amarok/audit?%00=x",
        "/c/%00/audit",
        "/static/%00.css",
        "/c/amarok/audit%00",
    ],
)
def test_a_nul_in_an_address_is_refused(there: World, path: str) -> None:
    assert there.actors["administrator"].get(path).status_code == 400


@pytest.mark.parametrize("data", [{"email": "a\0b"}, {"a\0b": "x"}, {"theme": "dark", "next": "/\0"}])
def test_a_nul_in_a_form_is_refused(there: World, data: dict[str, object]) -> None:
    before = there.snapshot()
    administrator = there.actors["administrator"]
    assert administrator.post("/theme", data).status_code == 400
    assert administrator.post("/theme", data, content_type="multipart/form-data").status_code == 400
    assert there.snapshot() == before


def test_bytes_that_are_no_text_do_no_harm(there: World) -> None:
    administrator = there.actors["administrator"].client
    for query in ("q=%ff%fe", "q=%ed%a0%80", "q=%f4%90%80%80", "%ff=%ff", "q=%c0%ae"):
        assert administrator.get(f"/c/amarok/audit?{query}").status_code == 200
        assert administrator.get(f"/c/amarok/users?{query}").status_code == 200
        assert administrator.get(f"/c/{query}/users").status_code == 404


def test_raw_bytes_that_are_no_text_are_refused_with_a_page_of_the_product(
    there: World, caplog: pytest.LogCaptureFixture
) -> None:
    client = there.actors["administrator"].client
    answer = client.get("/c/amarok/users", environ_overrides={"QUERY_STRING": "q=\xff\xfe"})
    assert answer.status_code == 400
    assert "Sign out" in answer.text  # within the layout, not the page for when nothing else works
    assert "That request could not be read" in answer.text
    assert not [record for record in caplog.records if record.levelname == "ERROR"]
