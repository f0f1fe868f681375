"""Files travel compressed to whoever can unpack them; pages never do."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from flask.testing import FlaskClient

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

SHEET = "/static/css/theme.css"
ROOT = Path(__file__).parents[1]
CAN = {"Accept-Encoding": "gzip, deflate, br"}


def test_a_file_arrives_whole_in_fewer_bytes(client: FlaskClient) -> None:
    plain = (ROOT / "static/css/theme.css").read_bytes()
    for _ in range(2):  # packed anew, and kept
        answer = client.get(SHEET, headers=CAN)
        assert answer.headers["Content-Encoding"] == "gzip"
        assert len(answer.data) == int(answer.headers["Content-Length"]) < len(plain) / 2
        assert gzip.decompress(answer.data) == plain
        assert "Accept-Encoding" in answer.headers["Vary"]
    for cannot in ({}, {"Accept-Encoding": "gzip;q=0"}, {"Accept-Encoding": "br"}):
        answer = client.get(SHEET, headers=cannot)
        assert answer.data == plain
        assert "Content-Encoding" not in answer.headers
        assert "Accept-Encoding" in answer.headers["Vary"]


def test_a_file_that_did_not_change_is_not_sent_again(client: FlaskClient) -> None:
    tag = client.get(SHEET, headers=CAN).headers["ETag"]
    assert client.get(SHEET, headers=CAN | {"If-None-Match": tag}).status_code == 304
    assert client.get(SHEET, headers={"If-None-Match": tag}).status_code == 304


def test_a_part_of_a_file_is_a_part_of_the_file_itself(client: FlaskClient) -> None:
    answer = client.get(SHEET, headers=CAN | {"Range": "bytes=0-9"})
    assert answer.status_code == 206
    assert answer.data == (ROOT / "static/css/theme.css").read_bytes()[:10]
    assert "Content-Encoding" not in answer.headers


def test_a_page_with_its_secrets_is_never_compressed(client: FlaskClient) -> None:
    for path in ("/sign-in", "/nothing-here", "/healthz"):
        assert "Content-Encoding" not in client.get(path, headers=CAN).headers


def test_our_sheets_are_one_file(client: FlaskClient) -> None:
    """In the order in which they have the last word; a sheet that is in the folder and not in it would be missed."""
    whole = client.get("/static/css/all.css")
    sheets = sorted((ROOT / "static/css").glob("*.css"))
    assert len(whole.text) >= sum(len(sheet.read_text()) for sheet in sheets)
    assert all(sheet.read_text() in whole.text for sheet in sheets)
    assert (
        client.get("/static/css/all.css", headers={"If-None-Match": whole.headers["ETag"]}).status_code == 304
    )
