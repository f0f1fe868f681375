"""Search finds whoever's text holds what was typed, letter by letter, whatever its case, width or signs."""

from __future__ import annotations

import unicodedata
from urllib.parse import urlencode

import sqlalchemy as sa
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.actors import Actor
from tests.users.pages import open_page
from tests.users.world import World
from webapp.core.database import write_transaction
from webapp.core.models import User, db

SIGNS = "aAbBnNeEoO01 %_'\"\\/?*[]-.@äÄöÜßẞéÉſiİıIøŁžçñﬁＡｂ１％＿①ЖжЩщΣςσ日本語カｶ😀👩\u200d🚀🇵🇹e\u0301"
words = st.text(st.sampled_from(SIGNS), min_size=1, max_size=8).filter(lambda text: bool(text.strip()))


@st.composite
def searches(draw: st.DrawFn) -> tuple[list[str], str]:
    """Names, and what is typed: often a part of a name, as it stands or in another case."""
    names = draw(st.lists(words, min_size=1, max_size=4))
    name = draw(st.sampled_from(names))
    start = draw(st.integers(0, len(name) - 1))
    part = name[start : start + draw(st.integers(1, 4))]
    needle = draw(
        st.one_of(
            st.sampled_from([part, part.upper(), part.lower()]), st.text(st.sampled_from(SIGNS), max_size=3)
        )
    )
    return names, needle


def plain(text: str | None) -> str:
    """``text`` with the differences gone that search does not make."""
    now, before = text or "", None
    while now != before:
        now, before = unicodedata.normalize("NFKC", now).casefold().strip(), now
    return now


def everybody(world: World) -> dict[str, str]:
    """What may be searched of each pending user, by username."""
    with world.app.app_context():
        users = db.session.execute(
            sa.select(User.username, User.name, User.email, User.third_party_id).where(
                User.contract_id == world.contract_id, User.status == "pending"
            )
        ).all()
        return {
            user.username: "\n".join(map(plain, (user.name, user.username, user.email, user.third_party_id)))
            for user in users
        }


def empty(world: World) -> None:
    with world.app.app_context(), write_transaction() as session:
        session.execute(
            sa.delete(User).where(User.contract_id == world.contract_id, User.status == "pending")
        )


@given(searches())
@example((["100% sure", "100 sure"], "%"))
@example((["a_b", "acb"], "_"))
@example((["O'Brien", "OBrien"], "'"))
@example((['Jo "Jojo" Doe', "Jo Jojo Doe"], '"'))
@example((["back\\slash", "back/slash"], "\\"))
@example((["back\\slash", "back/slash"], "/"))
@example((["[a]*", "a"], "[a]*"))
@example((["Jürgen Groß", "JÜRGEN GROSS", "Jurgen"], "ü"))
@example((["Jürgen Groß", "GROSS"], "oss"))
@example((["Ａｎｎａ", "anna"], "NN"))
@example((["😀 Smile", "Smile"], "😀"))
@example((["ok", "no"], "o"))
@settings(max_examples=40)
def test_search_finds_just_what_a_plain_search_finds(
    world: World, manager: Actor, search: tuple[list[str], str]
) -> None:
    names, typed = search
    empty(world)
    world.add(*names, email=False, linked=False, usernames=[f"login-{place}" for place in range(len(names))])
    texts = everybody(world)
    needle = plain(" ".join(typed.split()))
    expected = {username for username, text in texts.items() if needle in text}

    page = open_page(manager, f"{world.url}?{urlencode({'status': 'pending', 'q': typed, 'per_page': 100})}")
    if not expected:
        assert "Nobody matches" in page.text
        return
    found = {cell.text for cell in page.root.all("td", data_label="Username")}
    assert found == expected
