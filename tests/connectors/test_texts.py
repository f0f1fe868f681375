"""Text from a platform shows what it is, on one line, and no more of it than a page can hold."""

from __future__ import annotations

import pytest

from webapp.core.text import clean
from webapp.platforms.text import some_of


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (None, None),
        ("", None),
        ("  Ana  Oliveira ", "Ana Oliveira"),
        ("line\nbreak", "line break"),
        ("Anna\tSmith\x00", "Anna Smith"),
        ("\u202eevil\u202c RTL", "evil RTL"),
        ("\u2066Ana\u200f", "Ana"),
        ("\u200b\u200b", None),
        ("\u200d \ufeff", None),
        ("half \ud83d", "half"),
        ("مریم‌خانم", "مریم‌خانم"),
        ("👩‍👧 Ana", "👩‍👧 Ana"),
    ],
    ids=ascii,
)
def test_what_is_left_of_a_text(given: str | None, shown: str | None) -> None:
    assert clean(given) == shown


def test_a_few_of_many_names_and_how_many_more() -> None:
    assert some_of([]) is None
    assert some_of(["1", "2", "3"]) == "1, 2, 3"
    assert some_of([str(n) for n in range(5000)]) == "0, 1, 2 and 4,997 more"
    assert len(some_of(["x" * 10_000] * 5) or "") <= 255
