"""nginx and Caddy on this machine with the files of deploy/.

What is changed is what somebody has to change anyway (name, certificate), the ports, and where logs go.
"""

from __future__ import annotations

import os
import re
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.servers.certificate import make_certificate
from tests.servers.ports import answers
from tests.servers.processes import ROOT, running
from tests.servers.web import everything

NGINX = ROOT / "deploy/nginx.conf"
CADDY = ROOT / "deploy/Caddyfile"
PATH = f"{os.environ['PATH']}:/usr/sbin"
# What a distribution's own nginx.conf holds around a site.
AROUND_THE_SITE = """
user {user};
pid {folder}/nginx.pid;
error_log {folder}/error.log;
worker_processes 1;
events {{ worker_connections 512; }}
http {{
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/site.conf;
}}
"""


@dataclass
class Front:
    """A proxy that speaks https on ``port`` and http on the next one."""

    port: int
    certificate: Path

    def connect(self, sent: bytes = b"") -> ssl.SSLSocket:
        """A connection on which ``sent`` was sent."""
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=60)
        context = ssl.create_default_context(cafile=str(self.certificate))
        client = context.wrap_socket(plain, server_hostname="127.0.0.1")
        client.sendall(sent)
        return client

    def ask(self, sent: bytes) -> bytes:
        """The answer to ``sent``, up to where the proxy closes the connection."""
        with self.connect(sent) as client:
            return everything(client)


def replaced(text: str, changes: dict[str, str]) -> str:
    """``text`` with each key, which must be there, in place of which its value stands."""
    for old, new in changes.items():
        assert old in text, old
        text = text.replace(old, new)
    return text


@contextmanager
def nginx(folder: Path, port: int, upstream: int) -> Iterator[Front]:
    """nginx in front of the web on the port ``upstream``."""
    command = ["nginx", "-c", nginx_files(folder, port, upstream), "-g", "daemon off;"]
    with _front(command, folder, port) as front:
        yield front


def nginx_files(folder: Path, port: int, upstream: int) -> Path:
    """The configuration in ``folder``."""
    certificate, key = make_certificate(folder)
    site = replaced(
        NGINX.read_text(),
        {
            "listen 443 ssl;": f"listen 127.0.0.1:{port} ssl;",
            "listen 80;": f"listen 127.0.0.1:{port + 1};",
            "127.0.0.1:8000": f"127.0.0.1:{upstream}",
            "rollcall.example.com": "127.0.0.1",
            "/etc/ssl/rollcall/fullchain.pem": str(certificate),
            "/etc/ssl/rollcall/privkey.pem": str(key),
            "/var/log/nginx": str(folder),
        },
    )
    (folder / "site.conf").write_text(site)
    user = "root" if os.geteuid() == 0 else "nobody"
    (folder / "nginx.conf").write_text(AROUND_THE_SITE.format(folder=folder, user=user))
    return folder / "nginx.conf"


@contextmanager
def caddy(folder: Path, port: int, upstream: int) -> Iterator[Front]:
    """Caddy in front of the web on the port ``upstream``."""
    certificate, key = make_certificate(folder)
    text = re.sub(r"# (tls /etc)", r"\1", CADDY.read_text())
    text = replaced(
        text,
        {
            "{\n\tservers {": f"{{\n\tadmin off\n\thttp_port {port + 1}\n\tservers {{",
            "rollcall.example.com {": f"https://127.0.0.1:{port} {{",
            "127.0.0.1:8000": f"127.0.0.1:{upstream}",
            "tls /etc/ssl/rollcall/fullchain.pem /etc/ssl/rollcall/privkey.pem": f"tls {certificate} {key}",
        },
    )
    (folder / "Caddyfile").write_text(text)
    with _front(["caddy", "run", "--config", folder / "Caddyfile"], folder, port) as front:
        yield front


@contextmanager
def _front(command: list[str | Path], folder: Path, port: int) -> Iterator[Front]:
    environ = {"PATH": PATH, "HOME": str(folder)}
    with running(command, folder / "proxy.log", lambda: answers(port), environ=environ, cwd=folder):
        yield Front(port, folder / "fullchain.pem")


FRONTS = {"nginx": nginx, "caddy": caddy}
