"""Passwords: what is accepted, and that they are compared exactly."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from zxcvbn import matching, zxcvbn
from zxcvbn.frequency_lists import FREQUENCY_LISTS

from webapp.accounts.sign_in import password_strength, passwords
from webapp.accounts.sign_in.passwords import PasswordRefused, check, hash_password, renewed, verify


@pytest.mark.parametrize(
    "password",
    [
        "twelve chars",
        "correct horse battery staple",
        " leading and trailing ",
        "пароль из слов",
        "正确的马电池订书钉很长很长",
        "🐎🔋📎🎉🐢🪴🛶🧶🎺🐎🔋🧭🎈",
        "only-lower-case-letters",
        "A1" * 3 + "b2" * 3 + "c",
        "mixed words " * 10,
        "z9 " + "y8 x7 " * 42,
    ],
)
def test_any_composition_is_accepted(password: str) -> None:
    check(password, context=("ines@example.com", "ines"))


@pytest.mark.parametrize(
    ("password", "says"),
    [
        ("", "at least 12 characters"),
        ("eleven char", "at least 12 characters"),
        ("x" * 257, "at most 256 characters"),
        ("aaaaaaaaaaaaaaaa", "more different characters"),
        ("ababababABABABAB", "more different characters"),
        ("ines@example.com", "Leave “ines@example.com” out"),
        ("INES@Example.com1", "Leave “ines@example.com” out"),
        ("margarete12345", "Leave “margarete” out"),
        ("AcmeSupport2026", "Leave “Acme Support” out"),
        ("acme support 2026", "Leave “Acme Support” out"),
        ("support-26-acme", "Leave “support” out|Leave “Support” out"),
        ("Rollcall2026!", "Leave “Rollcall” out"),
        ("password12345", "lists of common ones"),
        ("Password2026!", "lists of common ones"),
        ("welcome2024!!", "lists of common ones"),
        ("qwertyuiop123", "lists of common ones"),
        ("1q2w3e4r5t6y", "lists of common ones"),
        ("abcdefghijkl", "lists of common ones"),
        ("trustno1trustno1", "lists of common ones"),
    ],
)
def test_what_is_easy_to_guess_is_refused_with_what_to_do(password: str, says: str) -> None:
    with pytest.raises(PasswordRefused, match=says):
        check(password, context=("ines@example.com", "margarete", "Acme Support", "Rollcall"))


def test_everything_on_the_list_of_breached_passwords_is_refused() -> None:
    long_enough = [one for one in FREQUENCY_LISTS["passwords"] if len(one) >= passwords.MIN_LENGTH]
    assert len(long_enough) > 200
    for password in long_enough:
        for form in (password, password.upper(), f"{password}1", f"!{password}2026"):
            with pytest.raises(PasswordRefused):
                check(form)


def test_a_word_about_the_owner_does_no_harm_in_a_long_password() -> None:
    check("acme lends me a green kayak", context=("Acme Support", "Rollcall"))


def test_the_longest_password_counts_to_its_last_character() -> None:
    long = "pass phrase ü " * 18 + "1234"
    assert len(long) == passwords.MAX_LENGTH
    check(long)
    stored = hash_password(long)
    assert verify(long, stored)
    assert not verify(long[:-1] + "5", stored)


CHANGES: dict[str, Callable[[str], str]] = {
    "a space after it": lambda password: password + " ",
    "a space before it": lambda password: " " + password,
    "the other case": str.swapcase,
    "its last character missing": lambda password: password[:-1],
    "a NUL after it": lambda password: password + "\0",
    "composed otherwise": lambda password: unicodedata.normalize("NFD", password),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_password_is_compared_as_it_was_typed(change: str) -> None:
    password = " Überraschung für Zoë 東京 "
    other = CHANGES[change](password)
    assert other != password
    stored = hash_password(password)
    assert verify(password, stored)
    assert not verify(other, stored)


def test_nothing_fits_where_no_password_is_set() -> None:
    assert not verify("no account has this password", None)
    assert not verify("", None)
    assert not verify("", "")
    assert not verify("anything at all", "not a hash")


@pytest.mark.parametrize("stored", [None, hash_password("something else")], ids=["nobody", "somebody"])
def test_as_much_is_computed_for_nobody_as_for_somebody(
    stored: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Counting:
        asked = 0

        def verify(self, hash_: str, password: str) -> bool:
            Counting.asked += 1
            assert hash_.startswith("$argon2id$v=19$m=65536,t=2,p=1$")
            return hasher.verify(hash_, password)

    hasher = passwords._hasher
    monkeypatch.setattr(passwords, "_hasher", Counting())
    assert not verify("a password", stored)
    assert Counting.asked == 1


def test_a_hash_is_argon2id_with_at_least_46_mib_and_a_salt_of_its_own() -> None:
    first, second = hash_password("the same"), hash_password("the same")
    assert first != second
    kind, version, parameters = first.split("$")[1:4]
    assert (kind, version) == ("argon2id", "v=19")
    assert int(parameters.split(",")[0].removeprefix("m=")) >= 46 * 1024
    assert renewed("the same", first) is None


def test_the_hash_of_nobody_takes_as_long_as_that_of_somebody() -> None:
    assert renewed("anything", passwords.STAND_IN) is None


SIGNS = "4@8({[<3690!1|7$5+%2"


class Work:
    """What an estimate did: the lengths of the texts looked up in the lists, and in how many ways signs were read."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.lengths: list[int] = []
        self.readings: list[int] = []
        looked_up, enumerated = matching.dictionary_match, matching.enumerate_l33t_subs

        def look_up(text: str, *given: Any, **named: Any) -> Any:
            self.lengths.append(len(text))
            return looked_up(text, *given, **named)

        def enumerate_signs(table: dict[str, list[str]]) -> Any:
            found = enumerated(table)
            self.readings.append(len(found))
            return found

        monkeypatch.setattr(matching, "dictionary_match", look_up)
        monkeypatch.setattr(matching, "enumerate_l33t_subs", enumerate_signs)

    def assert_bounded(self) -> None:
        assert max(self.lengths, default=0) <= password_strength.LOOKED_AT
        assert max(self.readings, default=0) <= password_strength.READINGS
        whole = (
            password_strength.READINGS + 2
        ) * password_strength.LOOKED_AT**2  # twice for all that repeats in it, at any depth
        assert sum(length**2 for length in self.lengths) <= 2 * whole


@pytest.mark.parametrize(
    "password", [SIGNS * 4, SIGNS * 12, "1l|i!7t+" * 9, "a4@b8c({[<" * 10, "\ufdfa" * 256]
)
def test_A11_however_many_signs_it_has_it_is_read_in_few_ways(
    password: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = Work(monkeypatch)
    password_strength.is_common(password)
    work.assert_bounded()


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet=SIGNS + "abcilot", min_size=1, max_size=40), st.integers(1, 12))
def test_A11_whatever_is_sent_the_work_is_bounded(part: str, times: int) -> None:
    with pytest.MonkeyPatch.context() as monkeypatch:
        work = Work(monkeypatch)
        password_strength.is_common((part * times)[: passwords.MAX_LENGTH], about=("acme",))
        work.assert_bounded()


@given(st.text(alphabet="abcdefghijklmnopqrstuvwxyz0123456789 -_@$!#.", max_size=72))
def test_A11_signs_that_common_passwords_have_for_letters_are_read_as_letters(text: str) -> None:
    read = password_strength.readable(text)
    assert len(read) == len(text)
    assert all(sign in "!$@" for sign, other in zip(text, read, strict=True) if sign != other)


@settings(max_examples=40)
@given(
    st.lists(
        st.sampled_from(["p4$$", "w0rd", "l3tm31n", "(at", "+rus+", "no1", "2026", "!", "kayak"]), min_size=1
    )
)
def test_A11_the_estimate_is_that_of_zxcvbn_where_signs_can_be_read_in_few_ways(parts: list[str]) -> None:
    text = "".join(parts)[: password_strength.LOOKED_AT]
    if password_strength.readable(text) == text:
        assert password_strength._guesses(text, ()) == float(zxcvbn(text)["guesses"])


@pytest.mark.parametrize("password", ["+rus+no1+rus+no1", "P4$$w0rd2026", "l3tm31nl3tm31n", "!p4ssword1234"])
def test_A11_common_passwords_in_signs_are_refused_as_before(password: str) -> None:
    with pytest.raises(PasswordRefused, match="lists of common ones"):
        check(password)


def test_A11_a_long_password_of_nothing_but_signs_is_judged_and_taken() -> None:
    check(SIGNS * 4)
