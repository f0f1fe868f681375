"""The address that people use: scheme, host and port, and nothing that would end in links, cookies or callbacks."""

from __future__ import annotations

import pytest

from config import SettingsError
from tests.settings_rules.environ import production


@pytest.mark.parametrize(
    "url",
    [
        "https://admin:secret@rollcall.example.com",
        "https://admin@rollcall.example.com",
        "https://@rollcall.example.com",
        "https://rollcall.example.com@evil.example",
        "https://rollcall.example.com/app",
        "https://rollcall.example.com//",
        "https://rollcall.example.com/..",
        "https://rollcall.example.com?x=1",
        "https://rollcall.example.com/?",
        "https://rollcall.example.com#top",
        "https://rollcall.example.com\\@evil.example",
        "https://rollcall example.com",
        "https://rollcall.example.com\thttps://evil.example",
        "https://rollcall.\nexample.com",
        "https://rollcall.example.com.",
        "https://rollcall..example.com",
        "https://.example.com",
        "https://*.example.com",
        "https://rollcall_.example.com",
        "https://-rollcall.example.com",
        "https://rollcall.example.com:",
        "https://rollcall.example.com:0",
        "https://rollcall.example.com:65536",
        "https://rollcall.example.com:٨",
        "https://rollcall.example.com:https",
        "https://roll%63all.example.com",
        "https://127.1",
        "https://2130706433",
        "https://[::1",
        "https://[v1.rollcall]",
        "https://[fe80::1%25eth0]",
        "https://☃.example.com",
        "https:rollcall.example.com",
        "https:///rollcall.example.com",
        "http://rollcall.example.com",
        "//rollcall.example.com",
        "https://" + "a." * 130 + "example.com",
    ],
)
def test_A17_a_public_url_is_scheme_host_and_port_alone(url: str) -> None:
    with pytest.raises(SettingsError, match=r"^PUBLIC_URL must be the https address people use") as refused:
        production(PUBLIC_URL=url)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "understood", "host"),
    [
        ("https://rollcall.example.com/", "https://rollcall.example.com", "rollcall.example.com"),
        (" https://rollcall.example.com ", "https://rollcall.example.com", "rollcall.example.com"),
        ("HTTPS://Rollcall.Example.COM", "https://rollcall.example.com", "rollcall.example.com"),
        ("https://rollcall.example.com:443", "https://rollcall.example.com", "rollcall.example.com"),
        ("https://rollcall.example.com:08443", "https://rollcall.example.com:8443", "rollcall.example.com"),
        ("https://bücher.example", "https://xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("https://BÜCHER.example:8443", "https://xn--bcher-kva.example:8443", "xn--bcher-kva.example"),
        ("https://192.0.2.1", "https://192.0.2.1", "192.0.2.1"),
        ("https://[2001:DB8::0:1]:8443", "https://[2001:db8::1]:8443", "2001:db8::1"),
        ("https://intranet", "https://intranet", "intranet"),
    ],
)
def test_A17_it_is_understood_as_a_browser_would_write_it(url: str, understood: str, host: str) -> None:
    settings = production(PUBLIC_URL=url)
    assert settings.public_url == understood
    assert host in settings.allowed_hosts


@pytest.mark.parametrize("name", ["INTERCOM_API_URL", "INTERCOM_AUTHORIZE_URL", "ZENDESK_URL_TEMPLATE"])
@pytest.mark.parametrize(
    "tail",
    ["us:secret@x.example/{}", "x.example/{}?a=b", "x.example/{}#a", "x.example:0/{}", "x .example/{}"],
)
def test_A17_neither_does_a_platforms_address_hold_more(name: str, tail: str) -> None:
    place = "{subdomain}" if name.endswith("TEMPLATE") else "v1"
    with pytest.raises(SettingsError, match=rf"^{name} must be an https address"):
        production(**{name: "https://" + tail.format(place)})
