"""Sending files as a person does, and reading what the page says about them."""

from __future__ import annotations

import io

from tests.actors import Actor
from tests.users.pages import Page, page_of
from tests.users.world import World

HEAD = "name,username,email,third_party_id"


def csv_of(*rows: str, head: str = HEAD) -> bytes:
    return "\r\n".join([head, *rows, ""]).encode()


def upload(actor: Actor, world: World, data: bytes, name: str = "staff.csv") -> Page:
    """The page that follows the upload: what would happen, or why the file cannot be read."""
    form = {"csrf_token": actor.csrf(), "file": (io.BytesIO(data), name)}
    return page_of(
        actor, actor.client.post(f"{world.url}/upload", data=form, content_type="multipart/form-data")
    )


def problems(page: Page) -> list[tuple[str, str, str]]:
    """Row, column and what to do, as the table says."""
    found = []
    for row in page.root.one("tbody").all("tr"):
        cells = row.all("td")
        found.append((row.one("th").text.removeprefix("Row "), cells[0].text, cells[2].text))
    return found


def address_of(page: Page) -> str:
    return page.response.request.path
