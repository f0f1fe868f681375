"""``python -m sandbox intercom --port 8001 --data-dir DIR``: the command line."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from flask import Flask

import sandbox.intercom
import sandbox.zendesk
from sandbox.options import HOST, Options, StartError
from sandbox.parts import Parts
from sandbox.server import Server, listen

PLATFORMS: dict[str, Callable[[Parts], Flask]] = {
    "intercom": sandbox.intercom.create_app,
    "zendesk": sandbox.zendesk.create_app,
}
CLIENT_ID = "rollcall-sandbox"
CLIENT_SECRET = "rollcall-sandbox-secret"  # noqa: S105 - published in the README, opens only this program


def main(arguments: Sequence[str]) -> int:
    """Serve until SIGTERM or SIGINT. 0 after that, 1 when it cannot start, 2 for a wrong command line."""
    platform, options = parse(arguments)
    try:
        listener = listen(options.port)
        with Parts.open(options) as parts:
            server = Server(listener, PLATFORMS[platform](parts), parts.stopping)
            print(f"The sandbox of {platform.capitalize()} listens at {options.public_url}", flush=True)
            server.run()
    except StartError as error:
        print(f"sandbox: {error}", file=sys.stderr)
        return 1
    return 0


def parse(arguments: Sequence[str]) -> tuple[str, Options]:
    """The platform and its options; exits with a usage line when they make no sense."""
    parser = argparse.ArgumentParser(
        prog="python -m sandbox", description="A local stand-in for a platform, for trying and testing."
    )
    parser.add_argument("platform", choices=sorted(PLATFORMS))
    parser.add_argument("--port", type=int, required=True, help="port on 127.0.0.1")
    parser.add_argument("--data-dir", type=Path, required=True, help="folder for what survives a restart")
    parser.add_argument("--seed", type=int, default=1, help="makes the default data (default 1)")
    parser.add_argument("--client-id", help=f"the one known OAuth client (default {CLIENT_ID})")
    parser.add_argument("--client-secret", help="its secret; give both or neither")
    parser.add_argument("--public-url", help=f"how clients reach it (default http://{HOST}:PORT)")
    parser.add_argument("--default-version", help="API version of a request that names none (default newest)")
    given = parser.parse_args(arguments)
    if (given.client_id is None) != (given.client_secret is None):
        parser.error("give both --client-id and --client-secret, or neither")
    if not 1 <= given.port <= 65535:
        parser.error("--port must be from 1 to 65535")
    return given.platform, Options(
        port=given.port,
        data_dir=given.data_dir,
        seed=given.seed,
        client_id=given.client_id or CLIENT_ID,
        client_secret=given.client_secret or CLIENT_SECRET,
        public_url=(given.public_url or f"http://{HOST}:{given.port}").rstrip("/"),
        default_version=given.default_version,
    )


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    # Threads may still be serving somebody. An ordinary exit would take the interpreter apart under their feet.
    os._exit(code)
