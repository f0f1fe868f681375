"""Passwords: what is accepted, and argon2id hashes that are upgraded when the parameters grow."""

from __future__ import annotations

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from webapp.auth import guessing
from webapp.sync.keys import normal

MIN_LENGTH = 12  # characters
MAX_LENGTH = 256  # characters; longer ones are refused before hashing

# RFC 9106, second recommended option: 64 MiB, 3 passes, 4 lanes.
_hasher = PasswordHasher(time_cost=3, memory_cost=64 * 1024, parallelism=4)
# Of a random text that nobody kept. Written out, because making it takes each process a tenth of a second.
STAND_IN = "$argon2id$v=19$m=65536,t=3,p=4$kMV5uPytC8cgpl/d4HCckg$S+Yqi5b6+J2NkhvoiRWIEwTiUw+zzoSEATT138TpzeM"


class PasswordRefused(Exception):
    """The password is too short, too long or too easy to guess; the text says what to do."""


def hash_password(password: str) -> str:
    """The argon2id hash of ``password``, compared character by character later: nothing is trimmed or cut."""
    return _hasher.hash(password)


def verify(password: str, stored: str | None) -> bool:
    """Whether ``password`` is the one behind ``stored``. Takes as long when there is no stored hash."""
    if len(password) > MAX_LENGTH:
        return False
    try:
        _hasher.verify(stored or STAND_IN, password)
    except (VerificationError, InvalidHashError):
        return False
    return stored is not None


def needs_rehash(stored: str) -> bool:
    """Whether ``stored`` was made with other parameters than today's."""
    return _hasher.check_needs_rehash(stored)


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
    about = guessing.words_in(*context)
    word = guessing.word_about_owner(password, about)
    if word is not None:
        raise PasswordRefused(
            f"Leave “{word}” out of the password, or add several other words: it is the first thing someone would try."
        )
    if guessing.is_common(password, about):
        raise PasswordRefused(
            "Choose another password: this one is on lists of common ones, or close to one on them. "
            "Three or four words that have nothing to do with each other are good."
        )
