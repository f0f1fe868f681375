"""Every setting of Rollcall, typed, read from the environment in one place.

Three modes (``ROLLCALL_MODE``, which has no default): ``demo`` is what ``make run`` sets, stays on this machine and
makes up what is missing inside ``DATA_DIR``; ``production`` makes up nothing and refuses to start on anything weak;
``test`` is built by :func:`test_settings`. What each setting must be, ``settings_rules`` says.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import secrets
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Literal

from cryptography.fernet import Fernet
from email_validator import EmailNotValidError, validate_email

from settings_rules import SettingsError, addresses, keys, private_data, running, services
from settings_rules.services import normal_database_url

__all__ = [
    "MailServer",
    "OAuthClient",
    "Settings",
    "SettingsError",
    "load_settings",
    "normal_database_url",
    "redis_socket",
    "redis_socket_url",
    "test_settings",
]

Mode = Literal["demo", "production", "test"]
LogFormat = Literal["json", "text"]

SANDBOX_CLIENT_ID = "rollcall-sandbox"
SANDBOX_CLIENT_SECRET = "rollcall-sandbox-secret"  # noqa: S105 - the local sandbox's published one
SANDBOX_SUBDOMAINS = ("kestrel", "harbour")  # the accounts of the local Zendesk
MAIL_PORTS = {"starttls": 587, "tls": 465, "none": 25}


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
    web_threads: int = 8  # of one process
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
    worker_runs: int = 2  # runs that one ``python worker.py`` has in work at once
    keep_lines: timedelta = timedelta(days=365)  # the lines and calls of runs; their figures stay for good
    http_connect_timeout: float = 5.0  # seconds
    http_read_timeout: float = 30.0  # seconds
    http_max_bytes: int = 512 * 1024 * 1024
    http_retry_ceiling: float = 60.0  # seconds a provider may make us wait once
    http_refusal_pause: float = 3.0  # seconds before a refused call is made once more

    @property
    def secure_cookies(self) -> bool:
        return self.public_url.startswith("https://")

    @property
    def demo(self) -> bool:
        return self.mode == "demo"


def load_settings(environ: Mapping[str, str] = os.environ, *, command: bool = False) -> Settings:
    """Read the settings from ``environ``. Raises :class:`SettingsError` with one clear sentence.

    A ``command`` needs no mode beside a ``make run`` that lives and has the same DATA_DIR; what serves always does.
    Data that one has left make nobody the demo: the mode has to be said, and the sentence says how.
    """
    mode = environ.get("ROLLCALL_MODE", "").strip().lower()
    if not mode and command and running.is_beside(environ, running.note_of(_data_dir(environ))):
        mode = "demo"
    if not mode and command and running.has_ended(environ, _data_dir(environ)):
        raise SettingsError(
            f"ROLLCALL_MODE is not set. No make run is running with DATA_DIR {_data_dir(environ)}; for a command upon "
            "the data that one has left there, set ROLLCALL_MODE=demo as well. To run Rollcall for real, set it to "
            "production."
        )
    modes = {"demo": _demo, "production": _production}
    if mode not in modes:
        raise SettingsError(
            f"ROLLCALL_MODE is {f'“{mode}”' if mode else 'not set'}. Set it to production to run Rollcall for real, or "
            "to demo to try it on this machine with made-up people (make run does that by itself)."
        )
    return replace(
        modes[mode](environ),
        product_name=environ.get("PRODUCT_NAME") or "Rollcall",
        proxies=_whole(environ, "TRUSTED_PROXIES", 0, 0, 10),
        web_threads=_whole(environ, "WEB_THREADS", 8, 1, 64),
        lease=timedelta(seconds=_whole(environ, "SYNC_LEASE_SECONDS", 60, 2, 600)),
        tick_seconds=_whole(environ, "SYNC_TICK_SECONDS", 30, 1, 60),
        batch_size=_whole(environ, "SYNC_BATCH_SIZE", 1000, 1, 10_000),
        worker_runs=_whole(environ, "WORKER_RUNS", 2, 1, 32),
        keep_lines=timedelta(days=_whole(environ, "SYNC_HISTORY_DAYS", 365, 7, 36_500)),
    )


def keep_private(settings: Settings) -> str:
    """Close to others what is stored on this machine; what to say about it, empty when nothing was open.

    For real nothing is kept in ``data_dir``, so only a SQLite database counts there. Raises :class:`SettingsError`
    when something open belongs to somebody else.
    """
    try:
        closed = private_data.close_to_others(
            settings.data_dir if settings.demo else None, private_data.database_files(settings.database_url)
        )
    except private_data.NotOurs as error:
        raise SettingsError(str(error)) from error
    return private_data.told(closed) if closed else ""


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
        http_refusal_pause=0.05,
    )
    return replace(settings, **changes)  # type: ignore[arg-type]


test_settings.__test__ = False  # type: ignore[attr-defined]  # the name starts with test_, yet it is none


def _demo(environ: Mapping[str, str]) -> Settings:
    data_dir = _data_dir(environ)
    beside = running.note_of(data_dir)
    port = _port(environ.get("PORT") or str(beside.get("port") or 8000))
    public_url = addresses.demo_url(environ.get("PUBLIC_URL") or f"http://127.0.0.1:{port}")
    addresses.demo_hosts(environ.get("ALLOWED_HOSTS") or "")
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
        private_data.refuse_folder_of_another(data_dir)
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        secret_key = environ.get("SECRET_KEY") or _kept(
            data_dir / "secret_key", lambda: secrets.token_urlsafe(48)
        )
        credential_keys = environ.get("CREDENTIAL_KEYS") or _kept(
            data_dir / "credential_keys", lambda: Fernet.generate_key().decode()
        )
    except private_data.NotOurs as error:
        raise SettingsError(str(error)) from error
    except OSError as error:
        raise SettingsError(
            f"DATA_DIR {data_dir} cannot be written ({error.strerror}). Set DATA_DIR to a folder of yours."
        ) from error
    database_url = normal_database_url(
        environ.get("DATABASE_URL") or beside.get("database_url") or f"sqlite:///{data_dir / 'rollcall.db'}"
    )
    redis_url = environ.get("REDIS_URL") or beside.get("redis_url") or redis_socket_url(data_dir)
    services.refuse_elsewhere(database_url, redis_url)
    return Settings(
        mode="demo",
        data_dir=data_dir,
        database_url=database_url,
        migrations_database_url=_migrations_database_url(environ, database_url),
        redis_url=redis_url,
        secret_key=secret_key,
        credential_keys=keys.fernet_keys(credential_keys),
        public_url=public_url,
        port=port,
        allowed_hosts=_hosts(environ.get("ALLOWED_HOSTS"), public_url),
        intercom=intercom,
        mail=_mail(environ),
        webhook_loopback=True,
        zendesk=zendesk,
    )


def _production(environ: Mapping[str, str]) -> Settings:
    public_url = addresses.public_url(environ.get("PUBLIC_URL") or "")
    if environ.get("FLASK_DEBUG", "0").lower() not in ("", "0", "false"):
        raise SettingsError("FLASK_DEBUG is on. Production refuses to run with the debugger; unset it.")
    secret_key = keys.secret_key(environ.get("SECRET_KEY") or "")
    credential_keys = keys.fernet_keys(environ.get("CREDENTIAL_KEYS") or "")
    keys.refuse_weak_fernet_keys(credential_keys)
    if keys.raw(secret_key) in map(keys.raw, credential_keys):
        raise SettingsError(
            f"CREDENTIAL_KEYS and SECRET_KEY must differ. Make a new SECRET_KEY: {keys.MAKE_SECRET_KEY}"
        )
    database_url = environ.get("DATABASE_URL") or ""
    if not database_url:
        raise SettingsError(
            "DATABASE_URL is missing. Set it to your Postgres, postgresql://user:password@host/name."
        )
    database_url = normal_database_url(database_url)
    migrations_database_url = _migrations_database_url(environ, database_url)
    redis_url = environ.get("REDIS_URL") or ""
    services.refuse_redis(redis_url)
    _refuse_in_the_clear(environ, database_url, migrations_database_url, redis_url)
    if not environ.get("TRUSTED_PROXIES", "").strip():
        raise SettingsError(
            "TRUSTED_PROXIES is missing. Set it to how many proxies stand between browsers and Rollcall: 1 for one "
            "nginx or Caddy, 0 when browsers reach it directly. Wrong sign-ins are counted by the address this gives."
        )
    return Settings(
        mode="production",
        data_dir=_data_dir(environ),
        database_url=database_url,
        migrations_database_url=migrations_database_url,
        redis_url=redis_url,
        secret_key=secret_key,
        credential_keys=credential_keys,
        public_url=public_url,
        port=_port(environ.get("PORT") or "8000"),
        allowed_hosts=_hosts(environ.get("ALLOWED_HOSTS"), public_url),
        intercom=_own_client("INTERCOM", _intercom(environ)),
        zendesk=_own_client("ZENDESK", _zendesk(environ)),
        mail=_mail(environ),
    )


def _refuse_in_the_clear(environ: Mapping[str, str], database: str, migrations: str, redis: str) -> None:
    """Refuse what goes elsewhere than it says, and what could be read on the way."""
    private = (environ.get("PRIVATE_NETWORK") or "").strip().lower() == "yes"
    for name, url in (("DATABASE_URL", database), ("MIGRATIONS_DATABASE_URL", migrations)):
        services.refuse_doubtful_database(name, url, environ)
        if not private:
            services.refuse_database_in_the_clear(name, url)
    if not private:
        services.refuse_redis_in_the_clear(redis)


def _own_client(name: str, client: OAuthClient) -> OAuthClient:
    """``client`` if it is whole and nobody else's: whoever knows its secret can forge notices and finish rounds."""
    if SANDBOX_CLIENT_SECRET in client.client_secret or client.client_id == SANDBOX_CLIENT_ID:
        raise SettingsError(
            f"{name}_CLIENT_ID and {name}_CLIENT_SECRET are those of the local sandbox, which everybody knows. Set "
            f"those of your own app or client, which {name.capitalize()} makes and shows you, as the README says."
        )
    if bool(client.client_id) != bool(client.client_secret):
        raise SettingsError(f"Set both {name}_CLIENT_ID and {name}_CLIENT_SECRET, or neither.")
    return client


def _migrations_database_url(environ: Mapping[str, str], database_url: str) -> str:
    """Where migrations sign in; empty when they do so where everything does."""
    url = environ.get("MIGRATIONS_DATABASE_URL", "").strip()
    if not url:
        return ""
    if not url.startswith(services.POSTGRES) or not database_url.startswith(services.POSTGRES):
        raise SettingsError(
            "MIGRATIONS_DATABASE_URL names another role of the Postgres in DATABASE_URL, so both must start with "
            "postgresql://. Unset it for SQLite, which has no roles."
        )
    return normal_database_url(url)


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
        api_url=addresses.provider_url("INTERCOM_API_URL", environ.get("INTERCOM_API_URL")),
        authorize_url=addresses.provider_url("INTERCOM_AUTHORIZE_URL", environ.get("INTERCOM_AUTHORIZE_URL")),
    )


def _zendesk(environ: Mapping[str, str]) -> OAuthClient:
    return OAuthClient(
        client_id=environ.get("ZENDESK_CLIENT_ID", "").strip(),
        client_secret=environ.get("ZENDESK_CLIENT_SECRET", "").strip(),
        api_url=addresses.provider_template("ZENDESK_URL_TEMPLATE", environ.get("ZENDESK_URL_TEMPLATE")),
    )


def _mail(environ: Mapping[str, str]) -> MailServer | None:
    """The mail server; ``None`` when none is set, and mails then stay in the outbox."""
    host = environ.get("SMTP_HOST", "").strip()
    if not host:
        return None
    security = environ.get("SMTP_SECURITY", "starttls").strip().lower()
    if security not in MAIL_PORTS:
        raise SettingsError(f"SMTP_SECURITY is “{security}”. Set it to starttls, tls or none.")
    if security == "none" and not addresses.is_loopback(host):
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


def _hosts(listed: str | None, public_url: str) -> tuple[str, ...]:
    hosts = [part.strip().lower() for part in (listed or "").split(",") if part.strip()]
    public = addresses.split(public_url).hostname
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


def _data_dir(environ: Mapping[str, str]) -> Path:
    return Path(environ.get("DATA_DIR") or "var").resolve()


def _kept(path: Path, make: Callable[[], str]) -> str:
    """The secret in ``path``, readable by its owner only; made by whichever process comes first, once."""
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        secret = file.read().strip()
        if not secret:
            secret = make()
            file.write(secret)
        return secret
