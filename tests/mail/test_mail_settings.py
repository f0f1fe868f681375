"""Where mail is handed over is said by the environment, and nonsense there stops the start."""

from __future__ import annotations

from pathlib import Path

import pytest

import config


def environ(tmp_path: Path, **changes: str) -> dict[str, str]:
    return {"ROLLCALL_MODE": "demo", "DATA_DIR": str(tmp_path)} | changes


def test_no_mail_server_is_set_unless_one_is(tmp_path: Path) -> None:
    assert config.load_settings(environ(tmp_path)).mail is None


def test_the_mail_server_comes_from_the_environment(tmp_path: Path) -> None:
    found = config.load_settings(
        environ(
            tmp_path,
            SMTP_HOST="smtp.example.com",
            MAIL_FROM="rollcall@example.com",
            SMTP_USERNAME="rollcall",
            SMTP_PASSWORD="open sesame",
        )
    )
    assert found.mail == config.MailServer(
        "smtp.example.com", 587, "rollcall@example.com", "starttls", "rollcall", "open sesame"
    )
    assert "sesame" not in repr(found)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"MAIL_FROM": ""}, "MAIL_FROM"),
        ({"MAIL_FROM": "a@example.com\r\nBcc: b@example.com"}, "MAIL_FROM"),
        ({"SMTP_SECURITY": "some"}, "SMTP_SECURITY"),
        ({"SMTP_SECURITY": "none"}, "SMTP_SECURITY"),
        ({"SMTP_PORT": "0"}, "SMTP_PORT"),
        ({"SMTP_USERNAME": "rollcall"}, "SMTP_PASSWORD"),
    ],
)
def test_a_mail_server_that_makes_no_sense_stops_the_start(
    tmp_path: Path, changes: dict[str, str], named: str
) -> None:
    whole = {"SMTP_HOST": "smtp.example.com", "MAIL_FROM": "rollcall@example.com"} | changes
    with pytest.raises(config.SettingsError, match=named):
        config.load_settings(environ(tmp_path, **whole))
