"""One client for the tests' own calls to programs on this machine."""

from __future__ import annotations

import httpx

# Plain HTTP, so no certificates: reading them takes longer than all the rest of a call.
HTTP = httpx.Client(
    timeout=60,
    trust_env=False,
    verify=False,  # noqa: S501
    limits=httpx.Limits(max_keepalive_connections=0),
)
