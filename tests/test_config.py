"""Settings: what the environment says, what demo mode makes up, and what production refuses."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from pathlib import Path

import pytest

import config
from config import OAuthClient, SettingsError
from launch.checks import lock_data_dir
from settings_rules import keys
from tests.servers.processes import ROOT
from tests.settings_rules.environ import KEY, OLD_KEY, SECRET, demo, production


# ------------------------------------------------------------------ production
def test_production_starts_with_all_that_it_needs() -> None:
    settings = production(ALLOWED_HOSTS="rollcall.internal, 10.0.0.5", PORT="9000", PRODUCT_NAME="People")
    assert settings.mode == "production"
    assert settings.secure_cookies
    assert not settings.demo
    assert (
        settings.database_url == "postgresql+psycopg://rollcall:quite-secret@db/rollcall?sslmode=verify-full"
    )
    assert settings.allowed_hosts == ("rollcall.internal", "10.0.0.5", "rollcall.example.com")
    assert (settings.port, settings.product_name) == (9000, "People")
    assert not settings.intercom.configured
    assert not settings.intercom.sandbox


def test_production_knows_both_platforms_and_the_mail_server() -> None:
    settings = production(
        INTERCOM_CLIENT_ID="i",
        INTERCOM_CLIENT_SECRET="i-secret",
        ZENDESK_CLIENT_ID="z",
        ZENDESK_CLIENT_SECRET="z-secret",
        SMTP_HOST="smtp.example.com",
        MAIL_FROM="rollcall@example.com",
    )
    assert (settings.intercom.configured, settings.zendesk.configured) == (True, True)
    assert settings.mail is not None
    assert not settings.webhook_loopback


@pytest.mark.parametrize(
    "name", ["PUBLIC_URL", "SECRET_KEY", "CREDENTIAL_KEYS", "DATABASE_URL", "REDIS_URL", "TRUSTED_PROXIES"]
)
@pytest.mark.parametrize("value", [None, ""])
def test_production_makes_nothing_up(name: str, value: str | None) -> None:
    with pytest.raises(SettingsError, match=f"^{name} "):
        production(**{name: value})


@pytest.mark.parametrize(
    "text", ["nonsense", KEY[:-2], f"{KEY},nonsense", " , "], ids=["word", "cut", "with a word", "empty"]
)
def test_production_refuses_credential_keys_that_are_none(text: str) -> None:
    with pytest.raises(SettingsError, match=r"^CREDENTIAL_KEYS is missing or not") as refused:
        production(CREDENTIAL_KEYS=text)
    assert KEY[:10] not in str(refused.value)


def test_several_credential_keys_are_kept_in_their_order() -> None:
    assert production(CREDENTIAL_KEYS=f" {KEY} , {OLD_KEY},").credential_keys == (KEY, OLD_KEY)


@pytest.mark.parametrize("text", [KEY, f"{OLD_KEY},{KEY}"], ids=["the newest", "an older one"])
def test_one_key_cannot_serve_for_both(text: str) -> None:
    with pytest.raises(SettingsError, match="must differ"):
        production(SECRET_KEY=KEY, CREDENTIAL_KEYS=text)


@pytest.mark.parametrize("debug", ["1", "true", "True", "on", "yes"])
def test_production_refuses_the_debugger(debug: str) -> None:
    with pytest.raises(SettingsError, match=r"^FLASK_DEBUG is on"):
        production(FLASK_DEBUG=debug)


@pytest.mark.parametrize("debug", ["", "0", "false"])
def test_production_starts_when_the_debugger_is_off(debug: str) -> None:
    assert production(FLASK_DEBUG=debug).mode == "production"


@pytest.mark.parametrize(
    "url",
    [
        "http://rollcall.example.com",
        "rollcall.example.com",
        "https://",
        "https:rollcall",
        "https://[::1",
        "ftp://x",
    ],
)
def test_production_is_reached_by_https_alone(url: str) -> None:
    with pytest.raises(SettingsError, match=r"^PUBLIC_URL must be the https address"):
        production(PUBLIC_URL=url)


@pytest.mark.parametrize(
    "url",
    ["redis://queue:6379/0", "redis://user@queue/0", "http://:secret@queue", "queue:6379", "redis://[::1"],
)
def test_production_refuses_a_redis_that_asks_nobody(url: str) -> None:
    with pytest.raises(SettingsError, match=r"^REDIS_URL is missing or has no password"):
        production(REDIS_URL=url)


def test_a_private_socket_needs_no_password() -> None:
    assert production(REDIS_URL="unix:///run/redis/redis.sock").redis_url == "unix:///run/redis/redis.sock"


@pytest.mark.parametrize("url", ["mysql://db/rollcall", "postgres", "sqlite:relative"])
def test_only_the_two_databases_are_known(url: str) -> None:
    with pytest.raises(SettingsError, match=r"^DATABASE_URL must start with"):
        production(DATABASE_URL=url)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_each_way_to_name_postgres_means_the_same_driver(scheme: str) -> None:
    assert (
        production(DATABASE_URL=f"{scheme}://localhost/rollcall").database_url
        == "postgresql+psycopg://localhost/rollcall"
    )


@pytest.mark.parametrize("mode", ["prod", "test", "debug", ""])
def test_an_unknown_mode_is_refused(mode: str) -> None:
    with pytest.raises(
        SettingsError, match=r"^ROLLCALL_MODE is (“.*”|not set). Set it to production .* or to demo"
    ):
        production(ROLLCALL_MODE=mode)


@pytest.mark.parametrize("port", ["0", "-1", "65534", "99999", "eighty", "8 0", "٨"])
def test_a_port_is_a_number_that_leaves_room_for_its_neighbours(port: str) -> None:
    with pytest.raises(SettingsError, match=r"^PORT is “"):
        production(PORT=port)


@pytest.mark.parametrize("name", ["INTERCOM_API_URL", "INTERCOM_AUTHORIZE_URL"])
@pytest.mark.parametrize(
    "url",
    [
        "http://api.example.com",
        "ftp://127.0.0.1",
        "//127.0.0.1",
        "http://127.0.0.1.evil.example",
        "https://[::1",
    ],
)
def test_a_token_goes_over_https_or_stays_on_this_machine(name: str, url: str) -> None:
    with pytest.raises(SettingsError, match=f"^{name} must be an https address"):
        production(**{name: url})


def test_a_providers_address_may_be_replaced() -> None:
    client = production(
        INTERCOM_CLIENT_ID=" id ",
        INTERCOM_CLIENT_SECRET="provider-secret",
        INTERCOM_API_URL="https://api.example.com/",
        INTERCOM_AUTHORIZE_URL="http://127.0.0.1:8001/oauth",
    ).intercom
    assert client == OAuthClient(
        "id", "provider-secret", "https://api.example.com", "http://127.0.0.1:8001/oauth"
    )
    assert client.configured


def test_each_platform_has_a_client_of_its_own() -> None:
    settings = production(ZENDESK_CLIENT_ID="zd", ZENDESK_CLIENT_SECRET="provider-secret")
    assert settings.zendesk.configured
    assert settings.zendesk.client_id == "zd"
    assert not settings.intercom.configured


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("TRUSTED_PROXIES", "2", ["-1", "11", "one", "1.0"]),
        ("SYNC_LEASE_SECONDS", "90", ["1", "601", "1 min"]),
        ("SYNC_TICK_SECONDS", "10", ["0", "61", "٣"]),
        ("SYNC_BATCH_SIZE", "500", ["0", "10001", "1e3"]),
        ("SYNC_HISTORY_DAYS", "30", ["6", "36501", "a year"]),
    ],
)
def test_a_number_is_taken_when_it_makes_sense(name: str, good: str, bad: list[str]) -> None:
    settings = production(**{name: good})
    numbers = (
        *(settings.proxies, settings.lease.total_seconds(), settings.tick_seconds, settings.batch_size),
        settings.keep_lines.days,
    )
    assert int(good) in numbers
    for text in bad:
        with pytest.raises(SettingsError, match=rf"^{name} is “{text}”. Set it to a whole number from"):
            production(**{name: text})


def test_no_secret_is_shown_with_the_settings() -> None:
    settings = production(INTERCOM_CLIENT_ID="id", INTERCOM_CLIENT_SECRET="provider-secret")
    shown = repr(settings)
    for secret in (SECRET, KEY, "provider-secret", "quite-secret"):
        assert secret not in shown


def test_the_web_ends_with_one_sentence_when_it_may_not_start() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", "import wsgi; wsgi.serving()"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "ROLLCALL_MODE": "production", "SECRET_KEY": "changeme"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert ended.returncode == 1
    assert ended.stderr.startswith("PUBLIC_URL must be the https address people use and nothing more")
    assert ended.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("DATABASE_URL", "postgresql://rollcall:secret@db/rollcall"),
        ("DATABASE_URL", "postgresql://rollcall:secret@db/rollcall?sslmode=require"),
        ("DATABASE_URL", "postgresql://rollcall:secret@127.0.0.1/rollcall?host=db"),
        ("MIGRATIONS_DATABASE_URL", "postgresql://owner:secret@db/rollcall"),
        ("REDIS_URL", "redis://:secret@queue/0"),
        ("REDIS_URL", "rediss://:secret@queue/0?ssl_cert_reqs=none"),
    ],
)
def test_nothing_crosses_a_network_in_the_clear_unless_it_is_said_to_be_private(name: str, url: str) -> None:
    with pytest.raises(SettingsError, match=f"^{name} names another machine"):
        production(**{name: url})
    assert production(PRIVATE_NETWORK="yes", **{name: url}).mode == "production"


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("DATABASE_URL", "postgresql://rollcall:secret@127.0.0.1/rollcall"),
        ("DATABASE_URL", "postgresql://rollcall@/rollcall?host=/run/postgresql"),
        ("REDIS_URL", "redis://:secret@localhost/0"),
    ],
)
def test_on_one_machine_nothing_has_to_be_encrypted(name: str, url: str) -> None:
    assert production(**{name: url}).mode == "production"


def test_migrations_may_sign_in_as_another_role_of_the_same_postgres() -> None:
    assert production().migrations_database_url == ""
    settings = production(MIGRATIONS_DATABASE_URL="postgres://owner:owners-secret@localhost/rollcall")
    assert settings.migrations_database_url == "postgresql+psycopg://owner:owners-secret@localhost/rollcall"
    assert "owners-secret" not in repr(settings)
    for changes in (
        {"MIGRATIONS_DATABASE_URL": "sqlite:///owner.db"},
        {"MIGRATIONS_DATABASE_URL": "postgresql://owner@localhost/x", "DATABASE_URL": "sqlite:///x.db"},
    ):
        with pytest.raises(
            SettingsError, match=r"^MIGRATIONS_DATABASE_URL names another role of the Postgres"
        ):
            production(**changes)


# ------------------------------------------------------------------ demo
def test_demo_makes_up_what_is_missing(tmp_path: Path) -> None:
    settings = demo(tmp_path / "var")
    assert settings.demo
    assert settings.data_dir == tmp_path / "var"
    assert settings.database_url == f"sqlite:///{tmp_path}/var/rollcall.db"
    assert settings.redis_url == f"unix://{tmp_path}/var/redis/redis.sock"
    assert (settings.port, settings.public_url) == (8000, "http://127.0.0.1:8000")
    assert not settings.secure_cookies
    assert len(settings.secret_key) >= keys.MIN_LENGTH
    assert settings.secret_key not in settings.credential_keys


def test_its_secrets_are_kept_for_the_next_start_and_for_their_owner_alone(tmp_path: Path) -> None:
    first, second = demo(tmp_path), demo(tmp_path)
    assert (first.secret_key, first.credential_keys) == (second.secret_key, second.credential_keys)
    for name in ("secret_key", "credential_keys"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
    assert demo(tmp_path / "other").secret_key != first.secret_key


def test_processes_that_start_together_agree_on_the_secrets(tmp_path: Path) -> None:
    for round_ in range(20):
        with ThreadPoolExecutor(8) as pool:
            found = set(pool.map(lambda folder: demo(folder).secret_key, [tmp_path / str(round_)] * 8))
        assert len(found) == 1
        assert len(found.pop()) >= keys.MIN_LENGTH


def test_the_environment_comes_before_what_demo_makes_up(tmp_path: Path) -> None:
    settings = demo(
        tmp_path,
        SECRET_KEY=SECRET,
        CREDENTIAL_KEYS=KEY,
        DATABASE_URL="postgres://localhost/demo",
        REDIS_URL="redis://localhost/0",
        PUBLIC_URL="https://localhost:8443/",
        PORT="8123",
    )
    assert (settings.secret_key, settings.credential_keys) == (SECRET, (KEY,))
    assert settings.database_url == "postgresql+psycopg://localhost/demo"
    assert settings.redis_url == "redis://localhost/0"
    assert settings.public_url == "https://localhost:8443"
    assert settings.secure_cookies
    assert settings.allowed_hosts == ("localhost", "127.0.0.1")
    assert list(tmp_path.iterdir()) == []


def test_commands_find_what_a_running_demo_uses(tmp_path: Path) -> None:
    (tmp_path / "running.json").write_text(
        '{"port": 8400, "database_url": "sqlite:////elsewhere.db", "redis_url": "unix:///elsewhere.sock"}'
    )
    with lock_data_dir(tmp_path):
        settings = demo(tmp_path)
    assert settings.port == 8400
    assert settings.database_url == "sqlite:////elsewhere.db"
    assert settings.redis_url == "unix:///elsewhere.sock"


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '"text"'])
def test_a_broken_note_of_a_running_demo_is_passed_over(tmp_path: Path, content: str) -> None:
    (tmp_path / "running.json").write_text(content)
    with lock_data_dir(tmp_path):
        assert demo(tmp_path).port == 8000


def test_demo_talks_to_the_sandbox_beside_it_until_it_has_a_client_of_its_own(tmp_path: Path) -> None:
    sandbox = demo(tmp_path, PORT="8100").intercom
    assert sandbox.sandbox
    assert (sandbox.api_url, sandbox.authorize_url) == (
        "http://127.0.0.1:8101",
        "http://127.0.0.1:8101/oauth",
    )

    own = demo(tmp_path, INTERCOM_CLIENT_ID="id", INTERCOM_CLIENT_SECRET="provider-secret").intercom
    assert not own.sandbox
    assert (own.api_url, own.authorize_url) == (None, None)


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match=r"^DATA_DIR .*/file/below cannot be written"):
        demo(tmp_path / "file" / "below")


def test_a_socket_path_is_never_longer_than_a_socket_may_have(tmp_path: Path) -> None:
    long = tmp_path / ("deep" * 30)
    socket = config.redis_socket(long)
    assert len(os.fsencode(socket)) < 104
    assert socket == config.redis_socket(long)
    assert socket != config.redis_socket(long.with_name("deep" * 31))


# ------------------------------------------------------------------ test
def test_a_test_reads_neither_environment_nor_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("SECRET_KEY", "CREDENTIAL_KEYS", "DATABASE_URL", "PUBLIC_URL", "INTERCOM_CLIENT_ID"):
        monkeypatch.setenv(name, "from the environment")
    settings = config.test_settings(
        database_url="sqlite:///x.db", redis_url="unix:///x", data_dir=tmp_path, max_body=5
    )
    assert settings.mode == "test"
    assert settings.max_body == 5
    assert "from the environment" not in [getattr(settings, field.name) for field in fields(settings)]
    assert list(tmp_path.iterdir()) == []
