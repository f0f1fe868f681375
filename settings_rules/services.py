"""The database and Redis: how they may be reached. What an address says, its own library tells."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from settings_rules import SettingsError
from settings_rules.addresses import is_loopback, split

POSTGRES = ("postgres://", "postgresql://", "postgresql+psycopg://")
# What may be asked of a connection. None of it leads to another place or turns a check off unseen.
DATABASE_OPTIONS = frozenset(
    {
        "application_name", "channel_binding", "client_encoding", "connect_timeout", "gssencmode", "host",
        "keepalives", "keepalives_count", "keepalives_idle", "keepalives_interval", "options", "port",
        "ssl_max_protocol_version", "ssl_min_protocol_version", "sslcert", "sslcrl", "sslcrldir", "sslkey", "sslmode",
        "sslnegotiation", "sslpassword", "sslrootcert", "sslsni", "target_session_attrs", "tcp_user_timeout",
    }
)  # fmt: skip
REDIS_OPTIONS = frozenset(
    {
        "client_name", "db", "health_check_interval", "protocol", "ssl_ca_certs", "ssl_ca_path", "ssl_cert_reqs",
        "ssl_certfile", "ssl_check_hostname", "ssl_keyfile", "ssl_min_version", "ssl_password",
    }
)  # fmt: skip
# By these libpq goes elsewhere than the address says; by PGHOST only when the address names no host.
LIBPQ_PLACES = ("PGHOSTADDR", "PGSERVICE")


def normal_database_url(url: str) -> str:
    """The same address with the driver this product uses (psycopg 3) spelled out. Raises :class:`SettingsError`."""
    for prefix in ("postgres://", "postgresql://"):
        if url.startswith(prefix):
            return "postgresql+psycopg://" + url.removeprefix(prefix)
    if url.startswith(("sqlite:///", "postgresql+psycopg://")):
        return url
    raise SettingsError("DATABASE_URL must start with postgresql:// or sqlite:///.")


def refuse_doubtful_database(name: str, url: str, environ: Mapping[str, str]) -> None:
    """Refuse options that are unknown or given twice, and what leads libpq elsewhere than the address says."""
    if not url.startswith(POSTGRES):
        return
    _refuse_options(name, url, DATABASE_OPTIONS)
    places = LIBPQ_PLACES if _connection(name, url).get("host") else (*LIBPQ_PLACES, "PGHOST")
    for variable in places:
        if environ.get(variable):
            raise SettingsError(
                f"{variable} is set beside {name}. Unset it: {name} alone says where the database is."
            )


def refuse_database_in_the_clear(name: str, url: str) -> None:
    """Refuse a database on another machine whose connection is not encrypted, or whose name is not proved."""
    if not is_elsewhere(name, url) or _connection(name, url).get("sslmode") == "verify-full":
        return
    raise SettingsError(
        f"{name} names another machine without ?sslmode=verify-full, so people's data could be read on the "
        "way. Add it (with sslrootcert=…), or set PRIVATE_NETWORK=yes when nobody else is on that network."
    )


def is_elsewhere(name: str, url: str) -> bool:
    """Whether the database at ``url``, or one of several, is on another machine. Raises :class:`SettingsError`."""
    if not url.startswith(POSTGRES):
        return False
    connection = _connection(name, url)
    hosts = [part for key in ("host", "hostaddr") for part in str(connection.get(key) or "").split(",")]
    return any(host and not host.startswith(("/", "@")) and not is_loopback(host) for host in hosts)


def refuse_elsewhere(database_url: str, redis_url: str) -> None:
    """Refuse, for the demo, a database or Redis on another machine: its passwords and mails are open to all."""
    for name, elsewhere in (
        ("DATABASE_URL", is_elsewhere("DATABASE_URL", database_url)),
        ("REDIS_URL", redis_is_elsewhere(redis_url)),
    ):
        if elsewhere:
            raise SettingsError(
                f"{name} names another machine, and the demo's passwords and mails are open to all. Unset it, or set "
                "ROLLCALL_MODE=production to run Rollcall for real, as the README says."
            )


def refuse_redis(url: str) -> None:
    """Refuse a Redis that asks nobody for a password, and options that are unknown or given twice."""
    parts = split(url)
    if not (parts.scheme == "unix" or (parts.scheme in ("redis", "rediss") and parts.password)):
        raise SettingsError(
            "REDIS_URL is missing or has no password. Set it to a Redis that asks for one, "
            "rediss://:password@host:6379/0, or to a private socket, unix:///path/redis.sock."
        )
    _refuse_options("REDIS_URL", url, REDIS_OPTIONS)
    _redis_connection(url)


def refuse_redis_in_the_clear(url: str) -> None:
    """Refuse a Redis on another machine without TLS whose certificate and name are proved."""
    if not redis_is_elsewhere(url):
        return
    asked = _redis_connection(url)
    unchecked = (
        asked.get("ssl_check_hostname", True) is not True
        or asked.get("ssl_cert_reqs", "required") != "required"
    )
    if split(url).scheme != "rediss" or unchecked:
        raise SettingsError(
            "REDIS_URL names another machine without TLS that is checked. Use rediss:// without ssl_check_hostname and "
            "ssl_cert_reqs, or set PRIVATE_NETWORK=yes when nobody else is on that network."
        )


def redis_is_elsewhere(url: str) -> bool:
    """Whether the Redis at ``url`` is on another machine. Raises :class:`SettingsError`."""
    asked = _redis_connection(url)
    return "path" not in asked and not is_loopback(str(asked.get("host", "localhost")))


def _redis_connection(url: str) -> dict[str, Any]:
    """What the library of Redis makes of an address: one reading of it, which decides where and how."""
    from redis.connection import parse_url

    try:
        asked: dict[str, Any] = parse_url(url)  # type: ignore[no-untyped-call]
    except ValueError as error:
        raise SettingsError(
            "REDIS_URL cannot be read. Write it as rediss://:password@host:6379/0."
        ) from error
    return asked


def _connection(name: str, url: str) -> dict[str, Any]:
    """What SQLAlchemy hands to libpq for an address: one reading of it, which decides where and how."""
    from sqlalchemy.engine import make_url  # takes long to load, and SQLite needs nothing of it
    from sqlalchemy.exc import ArgumentError

    unreadable = SettingsError(f"{name} cannot be read. Write it as postgresql://user:password@host/name.")
    try:
        address = make_url(normal_database_url(url))
        _, asked = address.get_dialect()().create_connect_args(address)
    except (ArgumentError, ValueError) as error:
        raise unreadable from error
    return {key: ",".join(value) if isinstance(value, tuple) else value for key, value in asked.items()}


def _refuse_options(name: str, url: str, known: frozenset[str]) -> None:
    given = [option for option, _ in parse_qsl(split(url).query, keep_blank_values=True)]
    several = {"host"} if name != "REDIS_URL" else set()  # one for each server of a cluster
    for option in given:
        if option not in known:
            raise SettingsError(f"{name} asks for “{option}”, which Rollcall does not know. Take it out.")
        if given.count(option) > 1 and option not in several:
            raise SettingsError(f"{name} gives “{option}” twice. Give it once.")
