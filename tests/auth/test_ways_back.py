"""Where a browser may be sent that asks for an address: nowhere but to this site."""

from __future__ import annotations

import re
from urllib.parse import quote, unquote, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from webapp.web.return_url import own_path

ELSEWHERE = [
    None,
    "",
    "//evil.example",
    "///evil.example",
    "////evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/%5cevil.example",
    "/%5Cevil.example",
    "/%255cevil.example",
    "/%2f/evil.example",
    "/%2fevil.example",
    "/%252fevil.example",
    "%20//evil.example",
    " //evil.example",
    "/ /evil.example",
    "/%09/evil.example",
    "/%2509/evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "/\r\nSet-Cookie: a=b",
    "/%0d%0aSet-Cookie:%20a=b",
    "/%00",
    "/c/acme?q=%0d%0aX:%20y",
    "https:evil",
    "https:/evil.example",
    "https:///evil.example",
    "https://evil.example/",
    "HTTPS://evil.example/",
    "javascript:1",
    "JavaScript:alert(1)//",
    "data:text/html,x",
    "evil.example",
    "c/acme",
    "?q=1",
    "#main",
    "/" + "x" * 2000,
]


@pytest.mark.parametrize("target", ELSEWHERE)
def test_what_could_lead_elsewhere_leads_nowhere(target: str | None) -> None:
    assert own_path(target) is None


@pytest.mark.parametrize(
    "target",
    [
        "/",
        "/c/acme/",
        "/c/acme/audit?q=a%20b&page=2",
        "/c/acme/users?q=M%C3%BCller%2C%20Z%C3%B6e",
        "/c/acme/users?q=100%25",
        "/c/acme/users?q=a+b#row-2",
        "/c/acme/users?q=http://example.com",
        "/c/acme//users",
        "/c/東京",
    ],
)
def test_a_path_of_this_site_is_kept_as_it_is(target: str) -> None:
    assert own_path(target) == target


def where_a_browser_goes(target: str) -> str:
    """The host that a browser would ask, by the rules of the URL standard, for a Location on our page."""
    text = re.sub(r"[\t\n\r]", "", target.strip("".join(map(chr, range(33))))).replace("\\", "/")
    if re.match(r"[a-zA-Z][a-zA-Z0-9+.-]*:", text):
        return "elsewhere"
    if text.startswith("//"):
        return "elsewhere"
    return "here"


PIECES = st.lists(
    st.sampled_from(
        [
            "/",
            "\\",
            "%2f",
            "%5c",
            "%09",
            "\t",
            "\n",
            " ",
            "%20",
            ":",
            "http",
            "evil.example",
            "?",
            "#",
            "@",
            "%25",
        ]
    )
    | st.characters(),
    max_size=8,
).map("".join)


@given(PIECES | st.text() | PIECES.map(quote))
@example("/%09/evil.example")
def test_whatever_is_let_through_stays_here(target: str) -> None:
    found = own_path(target)
    if found is None:
        return
    assert found == target
    for _ in range(3):  # as it is, and as a server in between would decode it
        assert where_a_browser_goes(target) == "here"
        assert not urlsplit(target).netloc
        target = unquote(target)
