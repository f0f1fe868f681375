"""Every route, every method, everyone: the answers of the table, and nothing changed by who may not."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from tests.access.table import FORMS, PARTS, expected
from tests.access.world import ACTORS, Things, World
from tests.actors import csrf_of

EXPECTED = expected()
# What is refused before a view is reached is refused alike on every database.
ONE_DATABASE = pytest.mark.parametrize("there", ["sqlite"], indirect=True)
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "TRACE")
NEVER = 10**12  # an id that nothing has


def rules(there: World) -> dict[str, set[str]]:
    """Each rule with its methods."""
    found: dict[str, set[str]] = {}
    for rule in there.app.url_map.iter_rules():
        found.setdefault(rule.rule, set()).update(rule.methods or ())
    return found


def address(there: World, rule: str, things: Things, **changes: object) -> str:
    """The rule's address for one contract's things. KeyError for an argument that the world does not have."""
    found: Rule = next(one for one in there.app.url_map.iter_rules() if one.rule == rule)
    values = things.values(set(found.arguments)) | PARTS.get(rule, lambda _: {})(things)
    values |= {name: value for name, value in changes.items() if name in found.arguments}
    adapter = there.app.url_map.bind("127.0.0.1")
    return adapter.build(
        found.endpoint, values, method=next(iter((found.methods or set()) - {"HEAD", "OPTIONS"}))
    )


def answer_of(answer: TestResponse) -> str:
    location = answer.location or ""
    if answer.status_code == 302 and re.match(r"/sign-in($|\?)", location):
        return "in"
    return str(answer.status_code)


@contextmanager
def unchanged(there: World) -> Iterator[None]:
    before = there.snapshot()
    yield
    assert there.snapshot() == before


def tokens(there: World) -> dict[str, str]:
    """Everyone's anti-forgery token, from a page that each of them may see."""
    pages = dict.fromkeys(ACTORS, "/nothing-here") | {"anon": "/sign-in"}
    return {name: csrf_of(there.actors[name].client.get(page)) for name, page in pages.items()}


def walk(there: World, method: str, ask: Callable[[str, str], TestResponse]) -> dict[tuple[str, str], str]:
    """What ``ask(actor, rule)`` answers, for each of them that the table has for ``method``; only the surprises."""
    surprises = {}
    for (written, rule), answers in EXPECTED.items():
        if written != method:
            continue
        for actor in ACTORS:
            given = answer_of(ask(actor, rule))
            if given != answers[actor]:
                surprises[actor, rule] = f"{given} instead of {answers[actor]}"
    return surprises


@ONE_DATABASE
def test_the_table_has_every_route_and_no_other(there: World) -> None:
    listed: dict[str, set[str]] = {}
    for method, rule in EXPECTED:
        listed.setdefault(rule, set()).update({method, "OPTIONS"} | ({"HEAD"} if method == "GET" else set()))
    assert rules(there) == listed


def test_reading_is_answered_as_the_table_says_and_changes_nothing(there: World) -> None:
    with unchanged(there):
        surprises = walk(
            there, "GET", lambda actor, rule: there.actors[actor].client.get(address(there, rule, there.a))
        )
    assert surprises == {}


@ONE_DATABASE
def test_asking_for_the_head_is_no_way_around(there: World) -> None:
    with unchanged(there):
        surprises = walk(
            there, "GET", lambda actor, rule: there.actors[actor].client.head(address(there, rule, there.a))
        )
    assert surprises == {}


UPLOAD = "/c/<contract>/users/upload"


@ONE_DATABASE
def test_asking_for_the_options_is_no_way_around(there: World) -> None:
    """Whoever may use a route may ask what it offers; nobody else learns even that."""
    surprises = {}
    with unchanged(there):
        for rule in rules(there):
            written = [answers for (_, listed), answers in EXPECTED.items() if listed == rule]
            for actor in ACTORS:
                denied = {answers[actor] for answers in written} & {"in", "403"}
                # For more people than this one thing: 404 is somebody else's session, or somebody else's upload,
                # whose address everybody may use who may upload.
                one = EXPECTED["GET", UPLOAD] if rule.startswith(f"{UPLOAD}/<") else written[0]
                own = rule.startswith("/account/")
                if one[actor] == "404" and set(one.values()) != {"404"} and not own:
                    denied = {"404"}
                given = answer_of(there.actors[actor].client.options(address(there, rule, there.a)))
                if given != (denied.pop() if denied else "200"):
                    surprises[actor, rule] = given
    assert surprises == {}


@ONE_DATABASE
def test_a_form_without_its_token_is_refused_for_everyone(there: World) -> None:
    """Everybody sends every form, in turns without a token, with somebody else's, and with one that is none."""
    surprises = {}
    foreign = tokens(there)
    forms = [rule for method, rule in EXPECTED if method == "POST"]
    with unchanged(there):
        for turn, actor in enumerate(ACTORS):
            somebody = foreign["manager" if actor != "manager" else "administrator"]
            for at, rule in enumerate(forms):
                token = [{}, {"csrf_token": somebody}, {"csrf_token": "x"}][(turn + at) % 3]
                data = FORMS.get(rule, lambda _: {})(there.a) | token
                answer = there.actors[actor].client.post(address(there, rule, there.a), data=data)
                if answer.status_code != 400:
                    surprises[actor, rule] = answer.status_code
    assert surprises == {}


def test_who_may_not_send_a_form_changes_nothing_with_one(there: World) -> None:
    token = tokens(there)
    surprises = {}
    with unchanged(there):
        for (method, rule), answers in EXPECTED.items():
            for actor in ACTORS:
                if method != "POST" or answers[actor] not in ("in", "403", "404"):
                    continue
                data = FORMS.get(rule, lambda _: {})(there.a) | {"csrf_token": token[actor]}
                given = answer_of(there.actors[actor].client.post(address(there, rule, there.a), data=data))
                if given != answers[actor]:
                    surprises[actor, rule] = given
    assert surprises == {}


def test_who_may_send_a_form_gets_the_tables_answer(own: World) -> None:
    token = tokens(own)

    def send(actor: str, rule: str) -> TestResponse:
        data = FORMS.get(rule, lambda _: {})(own.a) | {"csrf_token": token[actor]}
        return own.actors[actor].client.post(address(own, rule, own.a), data=data)

    before = own.snapshot()
    assert walk(own, "POST", send) == {}
    assert own.snapshot() != before
    for actor in ACTORS:
        assert answer_of(own.actors[actor].client.get("/")) == "in"  # /sign-out comes last


@ONE_DATABASE
def test_a_method_that_a_route_does_not_have_is_not_allowed(there: World) -> None:
    surprises = {}
    with unchanged(there):
        for rule, methods in rules(there).items():
            for turn, method in enumerate(sorted(set(METHODS) - methods)):
                actor = ("anon", "administrator", "other")[turn % 3]
                answer = there.actors[actor].client.open(address(there, rule, there.a), method=method)
                if answer.status_code != 405:
                    surprises[actor, method, rule] = answer.status_code
    assert surprises == {}


def bare(answer: TestResponse, *own_words: str) -> str:
    """A page without what differs each time: its reference, its tokens, and its own address."""
    text = re.sub(r"[0-9A-F]{4}-[0-9A-F]{4}", "REFERENCE", answer.text)
    text = re.sub(r'name="csrf_token" value="[^"]+"', "TOKEN", text)
    text = re.sub(r'data-now="[^"]+"', "NOW", text)
    for word in own_words:
        text = text.replace(word, "WORD")
    return text


@pytest.mark.parametrize("actor", ["other", "off"])
def test_another_contract_looks_like_one_that_never_existed(there: World, actor: str) -> None:
    client = there.actors[actor].client
    with unchanged(there):
        for method, rule in EXPECTED:
            if method != "GET" or "<contract>" not in rule:
                continue
            real = client.get(address(there, rule, there.a))
            never = client.get(address(there, rule, there.a, contract="never-existed"))
            assert (real.status_code, never.status_code) == (404, 404), rule
            assert bare(real, "amarok") == bare(never, "never-existed"), rule


@pytest.mark.parametrize("actor", ["other", "both"])
def test_another_contracts_thing_looks_like_one_that_never_existed(there: World, actor: str) -> None:
    """The ids of one contract under the address of another, whose administrator asks."""
    client, token = there.actors[actor].client, tokens(there)[actor]
    walked = 0
    with unchanged(there):
        for method, rule in EXPECTED:
            ids = set(re.findall(r"<int:(\w+)>", rule))
            if not ids:
                continue
            walked += 1
            values = there.a.values(ids)
            answers = []
            for numbers in (values, dict.fromkeys(ids, NEVER)):
                target = address(there, rule, there.b, **numbers)
                form = {"csrf_token": token} if method == "POST" else None
                answers.append(client.open(target, method=method, data=form))
            assert [answer.status_code for answer in answers] == [404, 404], (method, rule)
            real = "|".join(re.escape(str(value)) for value in values.values())
            pattern = re.compile(rf"(?<=/)({real}|{NEVER})(?=[/\"?])")
            pages = [pattern.sub("ID", bare(answer)) for answer in answers]
            assert pages[0] == pages[1], (method, rule)
    assert walked >= 9


def test_nothing_of_one_contract_is_on_the_pages_of_another(there: World) -> None:
    """``both`` sees its name in the switcher, and nothing more; an administrator of the other sees nothing at all."""
    for method, rule in EXPECTED:
        if method != "GET" or "<contract>" not in rule:
            continue
        page = there.actors["other"].client.get(address(there, rule, there.b)).text
        assert "amarok" not in page, rule
        both = there.actors["both"].client.get(address(there, rule, there.b)).text
        switcher = '<li><a href="/c/amarok/">Contract amarok</a></li>'
        assert "amarok" not in both.replace(switcher, ""), rule


def test_each_denial_of_someone_signed_in_is_in_the_log(
    there: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="webapp")
    for (method, rule), answers in EXPECTED.items():
        for actor in ("manager", "agent", "other"):
            if method != "GET" or answers[actor] not in ("403", "404"):
                continue
            caplog.clear()
            target = address(there, rule, there.a)
            there.actors[actor].client.get(target)
            denials = [record for record in caplog.records if getattr(record, "event", None) == "denied"]
            assert len(denials) == 1, (actor, rule)
            said = denials[0].getMessage()
            assert target in said
            assert f"account {there.actors[actor].account_id}" in said
