"""Short digests that tell whether two texts are the same without keeping either."""

from __future__ import annotations

import hashlib
import hmac

from flask import current_app


def short_digest(purpose: str, text: str) -> str:
    """12 characters, keyed by SECRET_KEY: who reads one cannot find ``text`` by trying texts.

    The same text has another digest for another ``purpose``, and after the key has been changed.
    """
    key = current_app.extensions["settings"].secret_key.encode()
    return hmac.new(key, f"{purpose}\n{text}".encode("utf-8", "replace"), hashlib.sha256).hexdigest()[:12]
