"""The database and Redis are where their addresses say, and nobody reads on the way."""

from __future__ import annotations

import pytest

from config import SettingsError
from tests.settings_rules.environ import production


def database(query: str, place: str = "db") -> str:
    return f"postgresql://rollcall:secret@{place}/rollcall{query}"


@pytest.mark.parametrize("name", ["DATABASE_URL", "MIGRATIONS_DATABASE_URL"])
@pytest.mark.parametrize(
    "url",
    [
        database("?sslmode=verify-full&sslmode=disable"),
        database("?sslmode=disable&sslmode=verify-full"),
        database("?sslmode=verify-full,disable"),
        database("?sslmode=VERIFY-FULL"),
        database("?sslmode=verify-ca"),
        database("?sslmode=prefer"),
        database("?hostaddr=192.0.2.1", "127.0.0.1"),
        database("?sslmode=verify-full&hostaddr=192.0.2.1", "127.0.0.1"),
        database("?host=192.0.2.1", "127.0.0.1"),
        database("?host=127.0.0.1&host=192.0.2.1", ""),
        database("?host=127.0.0.1,192.0.2.1", ""),
        database("", "127.0.0.1,192.0.2.1"),
        database("", "localhost,db"),
        database("?service=elsewhere", "127.0.0.1"),
        database("?passfile=/etc/passwd", "127.0.0.1"),
        database("?dbname=other", "127.0.0.1"),
        database("", "db@127.0.0.1"),
        database("", "127.0.0.1.evil.example"),
        database("", "2130706433"),
    ],
)
def test_A10_a_database_that_could_be_read_on_the_way_starts_nothing(name: str, url: str) -> None:
    with pytest.raises(SettingsError, match=rf"^{name} ") as refused:
        production(**{name: url})
    assert "rollcall:secret" not in str(refused.value)


@pytest.mark.parametrize("variable", ["PGHOSTADDR", "PGSERVICE"])
def test_A10_a_variable_that_leads_libpq_elsewhere_starts_nothing(variable: str) -> None:
    with pytest.raises(SettingsError, match=rf"^{variable} is set beside DATABASE_URL. Unset it"):
        production(**{variable: "192.0.2.1", "DATABASE_URL": database("", "127.0.0.1")})


def test_A10_a_host_by_variable_counts_where_the_address_names_none() -> None:
    with pytest.raises(SettingsError, match=r"^PGHOST is set"):
        production(PGHOST="db", DATABASE_URL="postgresql:///rollcall")
    assert production(PGHOST="db").mode == "production"


@pytest.mark.parametrize(
    "url",
    [
        database(
            "?sslmode=verify-full&sslrootcert=/etc/ssl/ca.pem&application_name=rollcall&connect_timeout=5"
        ),
        database("?sslmode=verify-full&host=db1:5432&host=db2:5432&target_session_attrs=read-write", ""),
        database("?host=/run/postgresql", ""),
        database("", "[::1]"),
        "postgresql:///rollcall",
    ],
)
def test_what_a_real_database_needs_is_taken(url: str) -> None:
    assert production(DATABASE_URL=url).mode == "production"


FALSE = ("false", "False", "FALSE", "f", "0", "no", "No", "n")


@pytest.mark.parametrize(
    "query",
    [
        *(f"ssl_check_hostname={word}" for word in FALSE),
        "ssl_check_hostname=true&ssl_check_hostname=false",
        "ssl_cert_reqs=none",
        "ssl_cert_reqs=optional",
        "ssl_cert_reqs=None",
        "ssl_cert_reqs=required&ssl_cert_reqs=none",
        "ssl_exclude_verify_flags=VERIFY_X509_STRICT",
        "host=192.0.2.1",
        "path=/tmp/other.sock",
        "connection_class=x",
        "db=one",
    ],
)
def test_A10_a_redis_whose_certificate_nobody_checks_starts_nothing(query: str) -> None:
    with pytest.raises(SettingsError, match=r"^REDIS_URL "):
        production(REDIS_URL=f"rediss://:quite-secret@queue/0?{query}")


@pytest.mark.parametrize(
    "url", ["redis://:secret@/0?host=192.0.2.1", "redis://:secret@127.0.0.1.evil.example/0"]
)
def test_A10_a_redis_that_only_looks_near_is_far(url: str) -> None:
    with pytest.raises(SettingsError, match=r"^REDIS_URL "):
        production(REDIS_URL=url)


@pytest.mark.parametrize(
    "url",
    [
        "rediss://:quite-secret@queue/0?ssl_ca_certs=/etc/ssl/ca.pem&ssl_check_hostname=true&ssl_cert_reqs=required",
        "rediss://name:quite-secret@queue:6380/2?client_name=rollcall&health_check_interval=30",
        "unix:///run/redis/redis.sock?db=3",
    ],
)
def test_what_a_real_redis_needs_is_taken(url: str) -> None:
    assert production(REDIS_URL=url).redis_url == url


@pytest.mark.parametrize("security", ["none", " NONE ", "plain", ""])
def test_A10_a_mail_servers_password_crosses_no_network_in_the_clear(security: str) -> None:
    mail = {"SMTP_HOST": "smtp.example.com", "MAIL_FROM": "rollcall@example.com", "SMTP_USERNAME": "us"}
    with pytest.raises(SettingsError, match=r"^SMTP_SECURITY is "):
        production(SMTP_SECURITY=security, SMTP_PASSWORD="quite-secret", **mail)
