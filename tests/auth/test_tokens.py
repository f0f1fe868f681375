"""Secrets that open something: where they come from, and that each opens one thing."""

from __future__ import annotations

import re

from tests.servers.processes import ROOT
from webapp.accounts.sign_in import tokens

PREDICTABLE = re.compile(r"\b(import random|from random|uuid[14]|md5|sha1)\b")


def test_a_token_has_256_bits_and_its_hash_is_of_its_purpose() -> None:
    token, stored = tokens.new("reset")
    assert len(token) == 43  # 32 bytes
    assert token != tokens.new("reset")[0]
    assert stored == tokens.hash_of("reset", token)
    assert len({tokens.hash_of(purpose, token) for purpose in ("reset", "email", "invitation")}) == 3


# What opens nothing: the reference on error pages, the pause between two tries, the signature as Intercom makes it.
HARMLESS = {
    "webapp/core/logs/context.py",
    "webapp/platforms/http.py",
    "webapp/integrations/platform_webhooks/receive.py",
}


def test_nothing_that_can_be_guessed_makes_a_secret() -> None:
    found = {
        path.relative_to(ROOT).as_posix()
        for folder in ("webapp", "launch")
        for path in (ROOT / folder).rglob("*.py")
        if PREDICTABLE.search(path.read_text())
    }
    assert found == HARMLESS
