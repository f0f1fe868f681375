"""Passwords: what is accepted, and argon2id hashes that are upgraded when the parameters grow."""

from __future__ import annotations

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from webapp.accounts.sign_in import password_strength
from webapp.accounts.sign_in.hashing import Busy, gate
from webapp.core.match_keys import normal

__all__ = ["Busy", "PasswordRefused", "check", "hash_password", "place", "renewed", "verify"]

MIN_LENGTH = 12  # characters
MAX_LENGTH = 256  # characters; longer ones are refused before hashing

# 64 MiB and 2 passes: nearly three times the work of OWASP's least (46 MiB, 1 pass). One lane, because four would take
# four cores for each password and leave none to pages.
_hasher = PasswordHasher(time_cost=2, memory_cost=64 * 1024, parallelism=1)
# Of a random text that nobody kept. Written out, because making it takes each process a tenth of a second.
STAND_IN = "$argon2id$v=19$m=65536,t=2,p=1$YHEBv9jwThczCpIk28BwtA$b/BQTUOfIgiYo5Hu4jzsdNHTfXi8xdKrw7dxNU5DADA"

place = gate.place  # around all that is done with a password; raises Busy


class PasswordRefused(Exception):
    """The password is too short, too long or too easy to guess; the text says what to do."""


def hash_password(password: str) -> str:
    """The argon2id hash of ``password``, compared character by character later: nothing is trimmed or cut.

    Raises :class:`Busy`, as does :func:`verify`.
    """
    with gate.turn():
        return _hasher.hash(password)


def verify(password: str, stored: str | None) -> bool:
    """Whether ``password`` is the one behind ``stored``. Takes as long when there is no stored hash."""
    if len(password) > MAX_LENGTH:
        return False
    try:
        with gate.turn():
            _hasher.verify(stored or STAND_IN, password)
    except (VerificationError, InvalidHashError):
        return False
    return stored is not None


def renewed(password: str, stored: str) -> str | None:
    """The hash in place of ``stored``, which fits ``password``; ``None`` when it has today's parameters."""
    return hash_password(password) if _hasher.check_needs_rehash(stored) else None


def check(password: str, *, context: tuple[str, ...] = ()) -> None:
    """Refuse a weak password. ``context``: what is known about its owner (email, name, contract, product).

    Raises :class:`PasswordRefused`.
    """
    if len(password) < MIN_LENGTH:
        raise PasswordRefused(
            f"Use at least {MIN_LENGTH} characters. Several words in a row are easy to remember."
        )
    if len(password) > MAX_LENGTH:
        raise PasswordRefused(f"Use at most {MAX_LENGTH} characters.")
    folded = normal(password).casefold()
    if len(set(folded)) < 5:
        raise PasswordRefused("Use more different characters: this one repeats only a few.")
    about = password_strength.words_in(*context)
    word = password_strength.word_about_owner(password, about)
    if word is not None:
        raise PasswordRefused(
            f"Leave “{word}” out of the password, or add several other words: it is the first thing someone would try."
        )
    if password_strength.is_common(password, about):
        raise PasswordRefused(
            "Choose another password: this one is on lists of common ones, or close to one on them. "
            "Three or four words that have nothing to do with each other are good."
        )
