"""Whether the email addresses of one file are addresses. Pure.

Most addresses cost next to nothing. A long domain, or one with letters of other alphabets, costs a hundred times as
much, so only :data:`UNUSUAL_MOST` different ones of a file are looked at.
"""

from __future__ import annotations

from email_validator import EmailNotValidError, validate_email

EMAIL_MAX = 254  # characters
LOCAL_MAX = 64  # characters before the @
USUAL = 64  # characters of a domain; real ones are shorter
UNUSUAL_MOST = 100


class Emails:
    """Judges the addresses of one file, each once."""

    def __init__(self) -> None:
        self._judged: dict[str, str | None] = {}
        self._unusual: set[str] = set()

    def problem(self, email: str) -> str | None:
        """What is wrong with ``email``, in words; ``None`` for an address."""
        if email not in self._judged:
            self._judged[email] = self._problem(email)
        return self._judged[email]

    def _problem(self, email: str) -> str | None:
        if len(email) > EMAIL_MAX:
            return f"It has {len(email):,} characters. An email address has at most {EMAIL_MAX}."
        local, _, domain = email.rpartition("@")
        if len(domain) > USUAL or not domain.isascii():
            self._unusual.add(domain)
            if len(self._unusual) > UNUSUAL_MOST:
                return (
                    f"More than {UNUSUAL_MOST} different unusual domains are named before this row. "
                    "Split the file into several."
                )
        if len(local) > LOCAL_MAX or not _is_email(email):
            return f"“{email}” is not an email address. Correct it, or leave the cell empty."
        return None


def _is_email(text: str) -> bool:
    try:
        validate_email(text, check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        return False
    return True
