"""Says what is being waited for, so that nobody looks at a silent terminal and wonders."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from launch.terminal import say

TELL_EVERY = 5.0  # seconds


@asynccontextmanager
async def telling(what: Callable[[], str]) -> AsyncIterator[None]:
    """While the block runs, say every :data:`TELL_EVERY` seconds that ``what()`` is still being waited for."""
    teller = asyncio.create_task(_tell(what))
    try:
        yield
    finally:
        teller.cancel()


async def _tell(what: Callable[[], str]) -> None:
    loop = asyncio.get_running_loop()
    started = loop.time()
    while True:
        await asyncio.sleep(TELL_EVERY)
        say(f"  still waiting for {what()} ({loop.time() - started:.0f} s)")
