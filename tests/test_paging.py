"""Pages of a long list, whatever the address says."""

from __future__ import annotations

from itertools import pairwise
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from webapp.web.paging import MAX_PAGE, PAGE_SIZES, Page, page_of, url_with

ROWS = st.integers(0, 2 * 10**6)


def asked(query: str, total: int, default_size: int = 25) -> Page:
    """The page that an address with ``query`` asks for."""
    with Flask(__name__).test_request_context(f"/?{query}"):
        return page_of(total, default_size)


@pytest.mark.parametrize(
    ("query", "number", "size"),
    [
        ("", 1, 25),
        ("page=3", 3, 25),
        ("page=3&per_page=100", 3, 100),
        ("page=40", 20, 25),  # the last there is
        ("page=40&per_page=100", 5, 100),
        ("page=0", 1, 25),
        ("page=-1", 1, 25),
        ("page=abc", 1, 25),
        ("page=1.5", 1, 25),
        ("page=%31%00", 1, 25),
        ("page=٣", 1, 25),
        ("page=99999999999999999999", 1, 25),
        ("page=999999999", 20, 25),
        ("page=", 1, 25),
        ("page=2&page=3", 2, 25),
        ("per_page=1000000", 1, 25),
        ("per_page=0", 1, 25),
        ("per_page=-25", 1, 25),
        ("per_page=26", 1, 25),
    ],
)
def test_an_address_gets_a_page_that_exists(query: str, number: int, size: int) -> None:
    page = asked(query, 500)
    assert (page.number, page.size) == (number, size)


@given(
    total=ROWS,
    page=st.text(max_size=12) | st.integers().map(str),
    per_page=st.text(max_size=5) | st.integers().map(str),
)
def test_no_address_leads_beside_the_list(total: int, page: str, per_page: str) -> None:
    found = asked(urlencode({"page": page, "per_page": per_page}, errors="replace"), total)
    assert found.size in PAGE_SIZES
    assert 1 <= found.number <= min(found.pages, MAX_PAGE)
    assert 0 <= found.offset <= max(total - 1, 0)
    assert found.first <= found.last <= total
    assert (total == 0) == (found.first == 0)


@given(total=st.integers(0, 5000), size=st.sampled_from(PAGE_SIZES))
def test_the_pages_have_every_row_once(total: int, size: int) -> None:
    rows: list[int] = []
    for number in range(1, Page(1, size, total).pages + 1):
        page = Page(number, size, total)
        shown = range(page.offset, page.last)
        assert len(shown) <= size
        rows += shown
    assert rows == list(range(total))


@given(total=ROWS, data=st.data())
def test_the_links_name_the_ends_and_the_neighbours(total: int, data: st.DataObject) -> None:
    pages = Page(1, 25, total).pages
    page = Page(data.draw(st.integers(1, pages)), 25, total)
    around = page.around()
    numbers = [number for number in around if number is not None]
    assert numbers == sorted(set(numbers))
    assert {1, page.number, pages} <= set(numbers) <= set(range(1, pages + 1))
    assert {max(1, page.number - 1), min(pages, page.number + 1)} <= set(numbers)
    assert len(numbers) <= 5
    for before, after in pairwise(around):
        assert after is None or before is None or after == before + 1
    assert around.count(None) == sum(b - a > 1 for a, b in pairwise(numbers))


# ------------------------------------------------------------------ links
@pytest.fixture
def links() -> Flask:
    app = Flask(__name__)
    app.add_url_rule("/c/<contract>/list", "list", lambda contract: contract)
    return app


def linked(app: Flask, query: str, **changes: object) -> tuple[str, dict[str, list[str]]]:
    with app.test_request_context(f"/c/acme/list?{query}"):
        parts = urlsplit(url_with(**changes))
    return parts.path, parse_qs(parts.query, keep_blank_values=True)


def test_a_link_keeps_what_was_chosen(links: Flask) -> None:
    assert linked(links, "q=a+%26b&role=1&role=2&page=7", page=8) == (
        "/c/acme/list",
        {"q": ["a &b"], "role": ["1", "2"], "page": ["8"]},
    )


def test_another_choice_starts_on_the_first_page(links: Flask) -> None:
    assert linked(links, "q=a&page=7", sort="name") == ("/c/acme/list", {"q": ["a"], "sort": ["name"]})


def test_a_choice_can_be_dropped(links: Flask) -> None:
    assert linked(links, "q=a&sort=name", sort=None) == ("/c/acme/list", {"q": ["a"]})


@pytest.mark.parametrize(
    "name",
    ["_external", "_scheme", "_anchor", "_method", "endpoint", "self", "values", "contract", "__class__"],
)
def test_no_name_in_an_address_changes_where_its_links_lead(links: Flask, name: str) -> None:
    path, query = linked(links, f"{name}=evil&q=a", page=2)
    assert path == "/c/acme/list"
    assert query["q"] == ["a"]
    assert query["page"] == ["2"]


@given(query=st.dictionaries(st.text(min_size=1, max_size=8), st.text(max_size=8), max_size=4))
def test_any_address_has_links(query: dict[str, str]) -> None:
    app = Flask(__name__)
    app.add_url_rule("/c/<contract>/list", "list", lambda contract: contract)
    path, kept = linked(app, urlencode(query, errors="replace"), page=2)
    assert path == "/c/acme/list"
    assert kept["page"] == ["2"]
