"""The forms of a value that are compared."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webapp.core.match_keys import SEARCH_MAX, USER_KEYS, match_key, user_keys


@pytest.mark.parametrize(
    ("value", "key"),
    [
        (None, None), ("", None), ("  \t ", None), ("\u00a0\u2003", None), (" Ada@Example.COM ", "ada@example.com"),
        ("STRASSE", "strasse"), ("Straße", "strasse"), ("ＡＤＡ", "ada"), ("ﬁn", "fin"), ("Ångström", "ångström"),
        ("A\u030angstro\u0308m", "ångström"), ("ΣΊΣΥΦΟΣ", "σίσυφοσ"), ("李雷", "李雷"),
    ],
)  # fmt: skip
def test_a_key_is_trimmed_normal_and_case_folded(value: str | None, key: str | None) -> None:
    assert match_key(value) == key


@given(st.text(max_size=30))
def test_a_key_is_its_own_key(value: str) -> None:
    key = match_key(value)
    assert match_key(key) == key


@given(st.text(max_size=20))
def test_case_and_surrounding_space_never_matter(value: str) -> None:
    assert match_key(f" {value}\n") == match_key(value)
    assert match_key(value.upper()) == match_key(value.upper().casefold())


def test_the_keys_of_a_user_are_those_of_each_value_and_all_of_them_for_searching() -> None:
    keys = user_keys(name=" Zoë ", username="Zoe@X.example", email="Zoe@X.example", third_party_id=None)
    assert tuple(keys) == USER_KEYS
    assert keys == {
        "name_key": "zoë", "username_key": "zoe@x.example", "email_key": "zoe@x.example", "third_party_key": None,
        "search_key": "zoë\nzoe@x.example\nzoe@x.example\n",
    }  # fmt: skip


def test_a_search_key_fits_an_index() -> None:
    keys = user_keys(name="n" * 255, username="u" * 100, email="e" * 254, third_party_id="t" * 255)
    assert len(keys["search_key"] or "") == SEARCH_MAX
