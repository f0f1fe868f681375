"""Which Redis or Valkey is new enough to be started: one without a hole that its makers have published."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass

# The first release of each line without the known holes that a client can use to run code, as both makers fixed
# them in July 2026: Valkey 7.2.14, 8.0.10, 8.1.9, 9.0.5 and 9.1.1 on the 21st (github.com/valkey-io/valkey/releases),
# Redis 6.2.23, 7.2.15, 7.4.10, 8.2.8, 8.4.5, 8.6.5 and 8.8.1 on the 24th (github.com/redis/redis/releases). They
# contain the earlier fixes, such as those of the Lua engine in October 2025 (CVE-2025-49844). Redis's release of
# September 2026 concerns clusters and ACLs, and there are none here. Whoever hears of another hole raises this first.
FIXED = {
    "Redis": {(6, 2): 23, (7, 2): 15, (7, 4): 10, (8, 2): 8, (8, 4): 5, (8, 6): 5, (8, 8): 1},
    "Valkey": {(7, 2): 14, (8, 0): 10, (8, 1): 9, (9, 0): 5, (9, 1): 1},
}
PATIENCE = 5.0  # seconds a program may take to say its version

_SAID = re.compile(r"^(Redis|Valkey) server v=(\d+)\.(\d+)\.(\d+)\b")


@dataclass(frozen=True)
class Version:
    """What a server is, such as Redis 7.0.15; ``line`` is the pair before its last number."""

    maker: str
    line: tuple[int, int]
    patch: int

    def __str__(self) -> str:
        return f"{self.maker} {self.line[0]}.{self.line[1]}.{self.patch}"

    @property
    def new_enough(self) -> bool:
        """Whether it has the fixes: of a line in :data:`FIXED`, or of one that was begun after all of them.

        A line that is not in the list and not newer gets no fixes from its makers any more. A distribution may have
        added them under the old number; that cannot be seen from here, so such a server is not chosen unasked.
        """
        fixed = FIXED[self.maker]
        return self.line > max(fixed) or self.patch >= fixed.get(self.line, self.patch + 1)


def version_of(program: str) -> Version | None:
    """What ``program --version`` says it is; ``None`` when it says nothing that can be understood.

    The name counts that it says, not the one it is called by: ``redis-server`` may be a link to Valkey.
    """
    try:
        said = subprocess.run(
            [program, "--version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=PATIENCE,
            check=False,
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = _SAID.match(said)
    if found is None:
        return None
    maker, *numbers = found.groups()
    major, minor, patch = map(int, numbers)
    return Version(maker, (major, minor), patch)


def newest() -> str:
    """The newest line of each that has the fixes, for people: "Valkey 9.1.1 or Redis 8.8.1"."""
    names = []
    for maker in sorted(FIXED, reverse=True):
        line = max(FIXED[maker])
        names.append(str(Version(maker, line, FIXED[maker][line])))
    return " or ".join(names)
