"""Addresses of the web: where people reach Rollcall, and where a platform is reached. Pure."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

import idna

from settings_rules import SettingsError

DEFAULT_PORTS = {"https": 443, "http": 80}
LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


def public_url(text: str) -> str:
    """The https address that people use, in lower case, without a trailing slash and a port that is understood.

    Scheme, host and port make cookies, callbacks and links, so nothing else may stand there.
    Raises :class:`SettingsError`.
    """
    wrong = SettingsError(
        "PUBLIC_URL must be the https address people use and nothing more, such as https://rollcall.example.com or "
        "https://rollcall.example.com:8443: no name, password, path, question mark or space."
    )
    address = _bare(text.strip())
    if address is None or not address.startswith("https://"):
        raise wrong
    return address


def demo_url(text: str) -> str:
    """The address of the demo, which is on this machine. Raises :class:`SettingsError`."""
    address = _bare(text.strip())
    if address is None or not is_loopback(split(address).hostname or ""):
        raise SettingsError(
            "PUBLIC_URL names another address than this machine's own, and the demo's passwords are public. Unset it, "
            "or set ROLLCALL_MODE=production to run Rollcall for real, as the README says."
        )
    return address


def demo_hosts(listed: str) -> None:
    """Raises :class:`SettingsError` when the demo is to answer under a name that others can reach it by."""
    if not all(is_loopback(part.strip().lower()) for part in listed.split(",") if part.strip()):
        raise SettingsError(
            "ALLOWED_HOSTS names another host than this machine, and the demo's passwords are public. Unset it, or "
            "set ROLLCALL_MODE=production to run Rollcall for real, as the README says."
        )


def provider_url(name: str, value: str | None) -> str | None:
    """A provider's address; https, or http on this machine only (the sandbox). Raises :class:`SettingsError`."""
    if not value:
        return None
    text = value.strip()
    url = split(text)
    secure = url.scheme == "https" or (url.scheme == "http" and is_loopback(url.hostname or ""))
    if not secure or not url.hostname or "@" in url.netloc or set(text) & set("?#\\ ") or _port(url) is None:
        raise SettingsError(
            f"{name} must be an https address (http is allowed for 127.0.0.1 only) without a name, password or "
            "question mark in it."
        )
    return text.rstrip("/")


def provider_template(name: str, value: str | None) -> str | None:
    """An address with {subdomain} in it, like :func:`provider_url`."""
    if not value:
        return None
    if value.count("{subdomain}") != 1:
        raise SettingsError(f"{name} must hold {{subdomain}} once, as in https://{{subdomain}}.zendesk.com.")
    provider_url(name, value.replace("{subdomain}", "example"))
    return value.strip().rstrip("/")


def split(url: str) -> SplitResult:
    """The parts of ``url``, all empty when it is none."""
    try:
        return urlsplit(url)
    except ValueError:
        return SplitResult("", "", "", "", "")


def is_loopback(host: str) -> bool:
    """Whether ``host`` can only be this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _bare(text: str) -> str | None:
    """``scheme://host[:port]`` as a browser writes it; ``None`` when ``text`` is anything else or more."""
    if any(char.isspace() or not char.isprintable() or char in "\\%@?#" for char in text):
        return None  # before they are split: what urlsplit drops without a word
    url = split(text)
    host, port = _host(url.hostname or ""), _port(url)
    if "[" in url.netloc and not (host or "").startswith("["):
        return None  # an address of a kind that nobody has
    if url.scheme not in DEFAULT_PORTS or url.path not in ("", "/") or host is None or port is None:
        return None
    suffix = f":{port}" if port not in (0, DEFAULT_PORTS[url.scheme]) else ""
    return f"{url.scheme}://{host}{suffix}"


def _port(url: SplitResult) -> int | None:
    """The port of an address, 0 when it names none; ``None`` when it is no port."""
    try:
        return 0 if url.port is None and not url.netloc.endswith(":") else url.port or None
    except ValueError:
        return None


def _host(host: str) -> str | None:
    """A host name or address as it stands in a request; ``None`` when it cannot be one."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        pass
    else:
        return f"[{address}]" if address.version == 6 else str(address)
    try:
        name = host if host.isascii() else idna.encode(host, uts46=True).decode()
    except idna.IDNAError:
        return None
    labels = name.split(".")
    is_number = labels[
        -1
    ].isdigit()  # 127.1 and 2130706433 are addresses to some programs and names to others
    good = len(name) <= 253 and not is_number and all(LABEL.fullmatch(label) for label in labels)
    return name if good else None
