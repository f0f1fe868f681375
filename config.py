"""Every setting of Rollcall, typed, read from the environment in one place.

Three modes (``ROLLCALL_MODE``): ``demo`` is what ``make run`` uses and makes up what is missing inside
``DATA_DIR``; ``production`` makes up nothing and refuses to start on anything weak; ``test`` is built by
:func:`test_settings`.
"""

from __future__ import annotations

import fcntl
import hashlib
import ipaddress
import json
import os
import secrets
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Literal
from urllib.parse import SplitResult, parse_qs, urlsplit

from cryptography.fernet import Fernet
from email_validator import EmailNotValidError, validate_email

Mode = Literal["demo", "production", "test"]
LogFormat = Literal["json", "text"]

SANDBOX_CLIENT_ID = "rollcall-sandbox"
SANDBOX_CLIENT_SECRET = "rollcall-sandbox-secret"  # noqa: S105 - the local sandbox's published one
SANDBOX_SUBDOMAINS = ("kestrel", "harbour")  # the accounts of the local Zendesk
MIN_SECRET_KEY = 32  # characters
MAIL_PORTS = {"starttls": 587, "tls": 465, "none": 25}
WEAK_SECRETS = ("dev", "secret", "changeme", "change-me", "password", "rollcall", "example", "test")


class SettingsError(Exception):
    """A setting is missing, weak or contradictory; the text says which one and what to do."""


@dataclass(frozen=True)
class OAuthClient:
    """One platform's OAuth client and, where set, addresses that replace the platform's own.

    ``api_url`` and ``authorize_url`` are ``None`` when the platform's own apply; Zendesk's ``api_url`` holds
    ``{subdomain}``.
    """

    client_id: str = ""
    client_secret: str = field(default="", repr=False)
    api_url: str | None = None
    authorize_url: str | None = None
    sandbox: bool = False

    @property
    def configured(self) -> bool:
        return bool(self.client_id and self.client_secret)


@dataclass(frozen=True)
class MailServer:
    """Where mail is handed over, and the address it comes from.

    ``security`` is tls (from the first byte), starttls, or none, which only this machine may use.
    """

    host: str
    port: int
    sender: str
    security: str = "starttls"
    username: str = ""
    password: str = field(default="", repr=False)


@dataclass(frozen=True)
class Settings:
    """What the program runs with. Durations are timedeltas, sizes bytes, addresses without a trailing slash."""

    mode: Mode
    data_dir: Path
    database_url: str = field(repr=False)
    redis_url: str = field(repr=False)
    secret_key: str = field(repr=False)
    credential_keys: tuple[str, ...] = field(repr=False)
    public_url: str
    migrations_database_url: str = field(
        default="", repr=False
    )  # of the role that owns the tables, if another
    port: int = 8000
    product_name: str = "Rollcall"
    allowed_hosts: tuple[str, ...] = ("127.0.0.1", "localhost")
    proxies: int = 0  # in front of us; each adds the address it was asked from to X-Forwarded-For
    intercom: OAuthClient = field(default_factory=OAuthClient)
    zendesk: OAuthClient = field(default_factory=OAuthClient)
    mail: MailServer | None = None
    webhook_loopback: bool = False  # whether a webhook may be on this machine, without https
    session_idle: timedelta = timedelta(hours=2)
    session_absolute: timedelta = timedelta(hours=12)
    max_body: int = 1024 * 1024
    max_form_parts: int = 3000
    sync_every: timedelta = timedelta(hours=6)
    lease: timedelta = timedelta(seconds=60)
    tick_seconds: int = 30
    batch_size: int = 1000
    keep_lines: timedelta = timedelta(days=365)  # the lines and calls of runs; their figures stay for good
    http_connect_timeout: float = 5.0  # seconds
    http_read_timeout: float = 30.0  # seconds
    http_max_bytes: int = 512 * 1024 * 1024
    http_retry_ceiling: float = 60.0  # seconds a provider may make us wait once

    @property
    def secure_cookies(self) -> bool:
        return self.public_url.startswith("https://")

    @property
    def demo(self) -> bool:
        return self.mode == "demo"


def load_settings(environ: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings from ``environ``. Raises :class:`SettingsError` with one clear sentence."""
    mode = environ.get("ROLLCALL_MODE", "demo").strip().lower()
    modes = {"demo": _demo, "production": _production}
    if mode not in modes:
        raise SettingsError(f"ROLLCALL_MODE is “{mode}”. Set it to demo or production.")
    return replace(
        modes[mode](environ),
        product_name=environ.get("PRODUCT_NAME") or "Rollcall",
        proxies=_whole(environ, "TRUSTED_PROXIES", 0, 0, 10),
        lease=timedelta(seconds=_whole(environ, "SYNC_LEASE_SECONDS", 60, 2, 600)),
        tick_seconds=_whole(environ, "SYNC_TICK_SECONDS", 30, 1, 60),
        batch_size=_whole(environ, "SYNC_BATCH_SIZE", 1000, 1, 10_000),
        keep_lines=timedelta(days=_whole(environ, "SYNC_HISTORY_DAYS", 365, 7, 36_500)),
    )


def log_format(environ: Mapping[str, str] = os.environ) -> LogFormat:
    """How records are written: json in production, text elsewhere, or what LOG_FORMAT says.

    Known before the other settings, which may be refused. Raises :class:`SettingsError`.
    """
    match environ.get("LOG_FORMAT", "").strip().lower():
        case "":
            return "json" if environ.get("ROLLCALL_MODE", "").strip().lower() == "production" else "text"
        case ("json" | "text") as chosen:
            return chosen
        case other:
            raise SettingsError(f"LOG_FORMAT is “{other}”. Set it to json or text.")


def test_settings(*, database_url: str, redis_url: str, data_dir: Path, **changes: object) -> Settings:
    """Settings for a test: no file is read, nothing is taken from the environment."""
    settings = Settings(
        mode="test",
        data_dir=data_dir,
        database_url=normal_database_url(database_url),
        redis_url=redis_url,
        secret_key="test-" + "4f1c9a7be2d05836" * 3,
        credential_keys=("yGCgS0mhBBHe3x0VvOTaLJKIJ8JzLyJ3rcZ7HGcSv4o=",),
        public_url="http://127.0.0.1",
        intercom=OAuthClient(SANDBOX_CLIENT_ID, SANDBOX_CLIENT_SECRET, sandbox=True),
    )
    return replace(settings, **changes)  # type: ignore[arg-type]


test_settings.__test__ = False  # type: ignore[attr-defined]  # the name starts with test_, yet it is none


def _demo(environ: Mapping[str, str]) -> Settings:
    data_dir = Path(environ.get("DATA_DIR") or "var").resolve()
    running = _running(data_dir)
    port = _port(environ.get("PORT") or str(running.get("port") or 8000))
    intercom, zendesk = _intercom(environ), _zendesk(environ)
    if not zendesk.configured:
        zendesk = OAuthClient(
            SANDBOX_CLIENT_ID,
            SANDBOX_CLIENT_SECRET,
            api_url=zendesk.api_url or f"http://127.0.0.1:{port + 2}/{{subdomain}}",
            sandbox=True,
        )
    if not intercom.configured:
        intercom = OAuthClient(
            SANDBOX_CLIENT_ID,
            SANDBOX_CLIENT_SECRET,
            api_url=intercom.api_url or f"http://127.0.0.1:{port + 1}",
            authorize_url=intercom.authorize_url or f"http://127.0.0.1:{port + 1}/oauth",
            sandbox=True,
        )
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        secret_key = environ.get("SECRET_KEY") or _kept(
            data_dir / "secret_key", lambda: secrets.token_urlsafe(48)
        )
        keys = environ.get("CREDENTIAL_KEYS") or _kept(
            data_dir / "credential_keys", lambda: Fernet.generate_key().decode()
        )
    except OSError as error:
        raise SettingsError(
            f"DATA_DIR {data_dir} cannot be written ({error.strerror}). Set DATA_DIR to a folder of yours."
        ) from error
    database_url = normal_database_url(
        environ.get("DATABASE_URL") or running.get("database_url") or f"sqlite:///{data_dir / 'rollcall.db'}"
    )
    return Settings(
        mode="demo",
        data_dir=data_dir,
        database_url=database_url,
        migrations_database_url=_migrations_database_url(environ, database_url),
        redis_url=environ.get("REDIS_URL") or running.get("redis_url") or redis_socket_url(data_dir),
        secret_key=secret_key,
        credential_keys=_fernet_keys(keys),
        public_url=(environ.get("PUBLIC_URL") or f"http://127.0.0.1:{port}").rstrip("/"),
        port=port,
        allowed_hosts=_hosts(environ.get("ALLOWED_HOSTS"), environ.get("PUBLIC_URL") or ""),
        intercom=intercom,
        mail=_mail(environ),
        webhook_loopback=True,
        zendesk=zendesk,
    )


def _production(environ: Mapping[str, str]) -> Settings:
    public_url = (environ.get("PUBLIC_URL") or "").rstrip("/")
    if not public_url.startswith("https://") or not _split(public_url).hostname:
        raise SettingsError(
            "PUBLIC_URL must be the https address people use, such as https://rollcall.example.com."
        )
    if environ.get("FLASK_DEBUG", "0").lower() not in ("", "0", "false"):
        raise SettingsError("FLASK_DEBUG is on. Production refuses to run with the debugger; unset it.")
    secret_key = environ.get("SECRET_KEY") or ""
    if not _strong(secret_key):
        raise SettingsError(
            f"SECRET_KEY is missing or weak. Set it to at least {MIN_SECRET_KEY} random characters, for example "
            "from: python3 -c 'import secrets; print(secrets.token_urlsafe(48))'."
        )
    credential_keys = _fernet_keys(environ.get("CREDENTIAL_KEYS") or "")
    if secret_key in credential_keys:
        raise SettingsError("CREDENTIAL_KEYS and SECRET_KEY must differ. Make a new SECRET_KEY.")
    database_url = environ.get("DATABASE_URL") or ""
    if not database_url:
        raise SettingsError(
            "DATABASE_URL is missing. Set it to your Postgres, postgresql://user:password@host/name."
        )
    redis_url = environ.get("REDIS_URL") or ""
    if not _private_redis(redis_url):
        raise SettingsError(
            "REDIS_URL is missing or has no password. Set it to a Redis that asks for one, "
            "rediss://:password@host:6379/0, or to a private socket, unix:///path/redis.sock."
        )
    data_dir = Path(environ.get("DATA_DIR") or "var").resolve()
    database_url = normal_database_url(database_url)
    migrations_database_url = _migrations_database_url(environ, database_url)
    if (environ.get("PRIVATE_NETWORK") or "").strip().lower() != "yes":
        _refuse_database_in_the_clear("DATABASE_URL", database_url)
        _refuse_database_in_the_clear("MIGRATIONS_DATABASE_URL", migrations_database_url)
        _refuse_redis_in_the_clear(redis_url)
    return Settings(
        mode="production",
        data_dir=data_dir,
        database_url=database_url,
        migrations_database_url=migrations_database_url,
        redis_url=redis_url,
        secret_key=secret_key,
        credential_keys=credential_keys,
        public_url=public_url,
        port=_port(environ.get("PORT") or "8000"),
        allowed_hosts=_hosts(environ.get("ALLOWED_HOSTS"), public_url),
        intercom=_intercom(environ),
        zendesk=_zendesk(environ),
        mail=_mail(environ),
    )


def _refuse_database_in_the_clear(name: str, url: str) -> None:
    """Refuse a database on another machine whose connection is not encrypted, or whose name is not proved."""
    database = _split(url)
    choices = parse_qs(database.query)
    host = (choices.get("host") or [database.hostname or ""])[-1]
    if (
        host
        and not host.startswith("/")
        and not _loopback(host)
        and choices.get("sslmode") != ["verify-full"]
    ):
        raise SettingsError(
            f"{name} names another machine without ?sslmode=verify-full, so people's data could be read on the "
            "way. Add it (with sslrootcert=…), or set PRIVATE_NETWORK=yes when nobody else is on that network."
        )


def _refuse_redis_in_the_clear(url: str) -> None:
    redis = _split(url)
    if redis.scheme == "unix" or _loopback(redis.hostname or ""):
        return
    if redis.scheme != "rediss" or parse_qs(redis.query).get("ssl_cert_reqs", ["required"]) != ["required"]:
        raise SettingsError(
            "REDIS_URL names another machine without TLS that is checked. Use rediss://, or set PRIVATE_NETWORK=yes "
            "when nobody else is on that network."
        )


def _migrations_database_url(environ: Mapping[str, str], database_url: str) -> str:
    """Where migrations sign in; empty when they do so where everything does."""
    url = environ.get("MIGRATIONS_DATABASE_URL", "").strip()
    if not url:
        return ""
    ways = ("postgres://", "postgresql://", "postgresql+psycopg://")
    if not url.startswith(ways) or not database_url.startswith(ways):
        raise SettingsError(
            "MIGRATIONS_DATABASE_URL names another role of the Postgres in DATABASE_URL, so both must start with "
            "postgresql://. Unset it for SQLite, which has no roles."
        )
    return normal_database_url(url)


def normal_database_url(url: str) -> str:
    """The same address with the driver this product uses (psycopg 3) spelled out."""
    for prefix in ("postgres://", "postgresql://"):
        if url.startswith(prefix):
            return "postgresql+psycopg://" + url.removeprefix(prefix)
    if url.startswith(("sqlite:///", "postgresql+psycopg://")):
        return url
    raise SettingsError("DATABASE_URL must start with postgresql:// or sqlite:///.")


def redis_socket(data_dir: Path) -> Path:
    """Where the embedded Redis listens: inside ``data_dir``, or a private folder when that path is too long.

    A Unix socket's path has at most 107 bytes (man 7 unix).
    """
    path = data_dir / "redis" / "redis.sock"
    if len(os.fsencode(path)) < 104:
        return path
    short = hash_of(str(data_dir))
    return Path(tempfile.gettempdir()) / f"rollcall-{os.getuid()}-{short:x}" / "redis.sock"


def redis_socket_url(data_dir: Path) -> str:
    return f"unix://{redis_socket(data_dir)}"


def hash_of(text: str) -> int:
    """A number that is the same in every process (``hash`` is salted for each)."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


def _intercom(environ: Mapping[str, str]) -> OAuthClient:
    return OAuthClient(
        client_id=environ.get("INTERCOM_CLIENT_ID", "").strip(),
        client_secret=environ.get("INTERCOM_CLIENT_SECRET", "").strip(),
        api_url=_address("INTERCOM_API_URL", environ.get("INTERCOM_API_URL")),
        authorize_url=_address("INTERCOM_AUTHORIZE_URL", environ.get("INTERCOM_AUTHORIZE_URL")),
    )


def _zendesk(environ: Mapping[str, str]) -> OAuthClient:
    return OAuthClient(
        client_id=environ.get("ZENDESK_CLIENT_ID", "").strip(),
        client_secret=environ.get("ZENDESK_CLIENT_SECRET", "").strip(),
        api_url=_template("ZENDESK_URL_TEMPLATE", environ.get("ZENDESK_URL_TEMPLATE")),
    )


def _mail(environ: Mapping[str, str]) -> MailServer | None:
    """The mail server; ``None`` when none is set, and mails then stay in the outbox."""
    host = environ.get("SMTP_HOST", "").strip()
    if not host:
        return None
    security = environ.get("SMTP_SECURITY", "starttls").strip().lower()
    if security not in MAIL_PORTS:
        raise SettingsError(f"SMTP_SECURITY is “{security}”. Set it to starttls, tls or none.")
    if security == "none" and not _loopback(host):
        raise SettingsError(
            "SMTP_SECURITY is none, so mails and the password would cross the network in the clear. "
            "Set it to starttls or tls; none is for a mail server on this machine."
        )
    sender = environ.get("MAIL_FROM", "").strip()
    try:
        sender = validate_email(sender, check_deliverability=False, test_environment=True).normalized
    except EmailNotValidError as error:
        raise SettingsError(
            "MAIL_FROM must be the address mails come from, such as rollcall@example.com."
        ) from error
    username, password = environ.get("SMTP_USERNAME", ""), environ.get("SMTP_PASSWORD", "")
    if bool(username) != bool(password):
        raise SettingsError("Set both SMTP_USERNAME and SMTP_PASSWORD, or neither.")
    port = _whole(environ, "SMTP_PORT", MAIL_PORTS[security], 1, 65535)
    return MailServer(host, port, sender, security, username, password)


def _address(name: str, value: str | None) -> str | None:
    """A provider's address; https, or http on this machine only (the sandbox)."""
    if not value:
        return None
    url = _split(value.strip())
    if url.scheme == "https" and url.hostname:
        return value.strip().rstrip("/")
    if url.scheme == "http" and url.hostname and _loopback(url.hostname):
        return value.strip().rstrip("/")
    raise SettingsError(f"{name} must be an https address (http is allowed for 127.0.0.1 only).")


def _split(url: str) -> SplitResult:
    """The parts of ``url``, all empty when it is none."""
    try:
        return urlsplit(url)
    except ValueError:
        return SplitResult("", "", "", "", "")


def _template(name: str, value: str | None) -> str | None:
    """An address with {subdomain} in it, like :func:`_address`."""
    if not value:
        return None
    if value.count("{subdomain}") != 1:
        raise SettingsError(f"{name} must hold {{subdomain}} once, as in https://{{subdomain}}.zendesk.com.")
    _address(name, value.replace("{subdomain}", "example"))
    return value.strip().rstrip("/")


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _hosts(listed: str | None, public_url: str) -> tuple[str, ...]:
    hosts = [part.strip().lower() for part in (listed or "").split(",") if part.strip()]
    public = _split(public_url).hostname
    if public:
        hosts.append(public)
    if not listed:
        hosts += ["127.0.0.1", "localhost"]
    return tuple(dict.fromkeys(hosts))


def _port(text: str) -> int:
    if text.isascii() and text.isdigit() and 1 <= int(text) <= 65533:
        return int(text)
    raise SettingsError(f"PORT is “{text}”. Set it to a number from 1 to 65533.")


def _whole(environ: Mapping[str, str], name: str, default: int, low: int, high: int) -> int:
    """The whole number in the variable ``name``, from ``low`` to ``high``."""
    text = (environ.get(name) or str(default)).strip()
    if text.isascii() and text.isdigit() and low <= int(text) <= high:
        return int(text)
    raise SettingsError(f"{name} is “{text}”. Set it to a whole number from {low} to {high}.")


def _fernet_keys(text: str) -> tuple[str, ...]:
    keys = tuple(part.strip() for part in text.split(",") if part.strip())
    try:
        for key in keys:
            Fernet(key)
    except ValueError:
        keys = ()
    if not keys:
        raise SettingsError(
            "CREDENTIAL_KEYS is missing or not a list of Fernet keys. Make one with: python3 -c "
            "'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())' "
            "and separate several with commas, the newest first."
        )
    return keys


def _strong(secret: str) -> bool:
    lowered = secret.lower()
    return (
        len(secret) >= MIN_SECRET_KEY
        and len(set(secret)) >= 12
        and not any(lowered.startswith(w) for w in WEAK_SECRETS)
    )


def _private_redis(url: str) -> bool:
    parts = _split(url)
    return parts.scheme == "unix" or (parts.scheme in ("redis", "rediss") and bool(parts.password))


def _running(data_dir: Path) -> dict[str, str]:
    """What a running ``make run`` on the same folder uses, so that commands beside it find the same."""
    try:
        found = json.loads((data_dir / "running.json").read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _kept(path: Path, make: Callable[[], str]) -> str:
    """The secret in ``path``, readable by its owner only; made by whichever process comes first, once."""
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        secret = file.read().strip()
        if not secret:
            secret = make()
            file.write(secret)
        return secret
