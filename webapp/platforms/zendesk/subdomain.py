"""The subdomain of a Zendesk account as people give it: a word, or an address pasted from the browser. Pure."""

from __future__ import annotations

from urllib.parse import urlsplit

from webapp.platforms.zendesk.connector import SUBDOMAIN

DOMAIN = ".zendesk.com"


class NotASubdomain(ValueError):
    """What was given cannot be the subdomain of an account; the text says what to enter."""


def subdomain_of(given: str) -> str:
    """The account's subdomain in lower case. Raises :class:`NotASubdomain`.

    An address must be one of exactly ``<subdomain>.zendesk.com``: no port, nobody's name or password in it.
    """
    text = given.strip(" \t").lower()
    if any(mark in text for mark in "/.:@?#\\"):
        text = _label_of(text)
    if not SUBDOMAIN.fullmatch(text):
        raise NotASubdomain(
            "Enter only the part before .zendesk.com: letters a to z, digits and hyphens, such as acme."
        )
    return text


def _label_of(address: str) -> str:
    wrong = NotASubdomain(
        "That is not the address of a Zendesk account. It looks like https://acme.zendesk.com; an address of your own "
        "help centre does not work here."
    )
    if any(char.isspace() or not char.isprintable() for char in address) or "\\" in address:
        raise wrong
    try:
        parts = urlsplit(address if "//" in address else f"https://{address}")
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise wrong from error
    if (
        parts.scheme not in ("https", "http")
        or port is not None
        or "@" in parts.netloc
        or not host.endswith(DOMAIN)
    ):
        raise wrong
    if parts.netloc != host:
        raise wrong
    return host.removesuffix(DOMAIN)
