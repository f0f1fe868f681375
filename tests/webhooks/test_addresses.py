"""Nothing is sent into a private network, whatever an address says and whoever answers for its name."""

from __future__ import annotations

import socket

import pytest

from webapp.notifications.webhooks.addresses import AddressRefused, Target, parse, resolve


def test_an_address_is_taken_apart() -> None:
    assert parse("https://hooks.example.com/a/b?c=d", loopback=False) == Target(
        True, "hooks.example.com", 443, "/a/b?c=d"
    )
    assert parse("https://hooks.example.com:8443", loopback=False).host_header == "hooks.example.com:8443"


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/hook",
        "ftp://example.com/hook",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "//example.com/hook",
        "example.com",
        "https://",
        "https:///hook",
        "https://user:word@example.com/",
        "https://user@example.com/",
        "https://example.com/#part",
        "https://example.com:0/",
        "https://example.com:99999/",
        "https://exa mple.com/",
        "https://example.com/\r\nX-Evil: 1",
        "https://example.com\\@evil.example/",
        "https://[::1",
        "https://exämple.com/",
        "https://example.com/" + "x" * 500,
    ],
)
def test_what_is_no_plain_https_address_is_refused(url: str) -> None:
    for loopback in (False, True):
        with pytest.raises(AddressRefused):
            parse(url, loopback=loopback)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f.0.0.1",
        "0177.0.0.1",
        "localhost",
        "0.0.0.0",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "192.0.2.1",
        "198.18.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "[::1]",
        "[::]",
        "[fe80::1]",
        "[fc00::1]",
        "[fd00:ec2::254]",
        "[ff02::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:10.0.0.1]",
        "[::ffff:a9fe:a9fe]",
        "[64:ff9b::a9fe:a9fe]",
        "[2002:7f00:1::]",
        "[2001:db8::1]",
        "[::127.0.0.1]",
        "[fec0::1]",
        "[64:ff9b:1::a9fe:a9fe]",
        "[2001:0:a9fe:a9fe::]",
        "[4000::1]",
    ],
)
def test_no_address_of_a_private_network_is_resolved(host: str) -> None:
    with pytest.raises(AddressRefused):
        resolve(parse(f"https://{host}/", loopback=False), loopback=False)


def names(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    """Every name resolves to these addresses."""

    def answer(host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", answer)


def test_a_public_address_is_what_is_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    names(monkeypatch, "93.184.215.14", "2606:2800:21f:cb07::1")
    assert resolve(parse("https://example.com/", loopback=False), loopback=False) == "93.184.215.14"


def test_one_private_address_among_public_ones_refuses_them_all(monkeypatch: pytest.MonkeyPatch) -> None:
    names(monkeypatch, "93.184.215.14", "10.0.0.7")
    with pytest.raises(AddressRefused, match="inside a private network"):
        resolve(parse("https://example.com/", loopback=False), loopback=False)


def test_a_name_that_does_not_exist_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "unknown")

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    with pytest.raises(AddressRefused, match="There is no such host"):
        resolve(parse("https://nowhere.example/", loopback=False), loopback=False)


def test_this_machine_is_for_trying_it_out_alone() -> None:
    assert resolve(parse("http://127.0.0.1:9/x", loopback=True), loopback=True) == "127.0.0.1"
    with pytest.raises(AddressRefused):
        parse("http://10.0.0.1/", loopback=True)
    with pytest.raises(AddressRefused):
        resolve(parse("https://10.0.0.1/", loopback=True), loopback=True)
