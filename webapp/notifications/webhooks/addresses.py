"""Which addresses a webhook may have: https, and a public network address whenever it is looked up."""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

from webapp.core.digests import short_digest

URL_MAX = 500  # characters
NAT64 = ipaddress.ip_network("64:ff9b::/96")
GLOBAL_UNICAST = ipaddress.ip_network(
    "2000::/3"
)  # every public IPv6 address; the rest is old, local or not given out

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class AddressRefused(Exception):
    """Nothing is sent to such an address; the text says why and what to do."""


@dataclass(frozen=True)
class Target:
    """A webhook's address in parts. ``path`` includes the query."""

    secure: bool
    host: str
    port: int
    path: str

    @property
    def host_header(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.secure else 80) else f"{host}:{self.port}"


def parse(url: str, *, loopback: bool) -> Target:
    """The parts of ``url``. Raises :class:`AddressRefused`. ``loopback`` lets http to this machine pass."""
    if len(url) > URL_MAX or not url.isascii() or any(ord(char) <= 32 or ord(char) == 127 for char in url):
        raise AddressRefused(f"Enter an address of at most {URL_MAX} letters and digits without spaces.")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise AddressRefused("Enter a whole address, such as https://example.com/hooks/rollcall.") from error
    if not host or parts.scheme not in ("https", "http") or "\\" in url or port == 0:
        raise AddressRefused("Enter a whole address, such as https://example.com/hooks/rollcall.")
    if parts.username is not None or parts.password is not None:
        raise AddressRefused(
            "Take the user name and password out of the address; the signature proves who sends."
        )
    if parts.fragment:
        raise AddressRefused("Take the part after # out of the address; it is never sent.")
    secure = parts.scheme == "https"
    if not secure and not (loopback and _names_this_machine(host)):
        raise AddressRefused("The address must start with https://.")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(secure, host, port or (443 if secure else 80), path)


def named(url: str) -> str:
    """What is written down of ``url``: its host, and a digest that tells two addresses there apart.

    Path and query are left out, as receivers often have a secret there.
    """
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]} (address {short_digest('webhook', url)})"


def resolve(target: Target, *, loopback: bool) -> str:
    """The network address to connect to now. Raises :class:`AddressRefused`.

    One address that is not public refuses them all, since whoever answers for the name decides the order.
    """
    try:
        found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise AddressRefused(f"There is no such host as {target.host}.") from error
    addresses = [str(entry[4][0]) for entry in found]
    for address in addresses:
        if not _allowed(ipaddress.ip_address(address.partition("%")[0]), loopback):
            raise AddressRefused(
                f"{target.host} is inside a private network, and nothing is sent there. Use a public address."
            )
    return addresses[0]


def _allowed(address: Address, loopback: bool) -> bool:
    inner = _embedded(address)
    if inner is not None:
        return _allowed(inner, loopback)
    if address.is_loopback:
        return loopback
    if isinstance(address, ipaddress.IPv6Address) and address not in GLOBAL_UNICAST:
        return False
    return address.is_global and not address.is_multicast


def _embedded(address: Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that an IPv6 address stands for."""
    if isinstance(address, ipaddress.IPv4Address):
        return None
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address in NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return None


def _names_this_machine(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
