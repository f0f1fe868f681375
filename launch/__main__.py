"""``python -m launch [--with-parent]``: what ``make run`` calls."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import config
from launch.checks import check_port, check_redis, lock_data_dir, prepare_data_dir
from launch.errors import LaunchError
from launch.guard import Guard
from launch.launcher import Launcher
from launch.processes import end_with_parent
from launch.services import make_plan
from launch.terminal import complain, let_go, say
from settings_rules import private_data
from settings_rules.running import NOTE


def main(arguments: list[str]) -> int:
    """Start everything and stay until it is stopped. 0 after a wanted stop, 1 after a failure."""
    if arguments not in ([], ["--with-parent"]):
        complain("usage: python -m launch [--with-parent]")
        return 2
    os.umask(private_data.UMASK)
    parent = end_with_parent() if arguments else None
    try:
        launch(parent)
    except (LaunchError, config.SettingsError) as error:
        complain(str(error))
        return 1
    except KeyboardInterrupt:  # before anything was started
        return 130
    return 0


def launch(parent: int | None) -> None:
    """Check, start, watch, stop. Raises :class:`LaunchError` or ``config.SettingsError``."""
    environ = dict(os.environ)
    if environ.setdefault("ROLLCALL_MODE", "demo").strip().lower() != "demo":
        raise LaunchError(
            "make run is the demo; unset ROLLCALL_MODE. The README says how to run Rollcall for real."
        )
    data_dir = Path(environ.get("DATA_DIR") or "var").resolve()
    running = data_dir / NOTE
    prepare_data_dir(data_dir)
    with lock_data_dir(data_dir):
        running.unlink(missing_ok=True)  # left by a launcher that was killed together with its guard
        settings = config.load_settings(environ)
        plan = make_plan(settings, environ)
        for port, offset, user in plan.ports:
            check_port(port, offset, user)
        say(f"Starting Rollcall; data and logs are in {data_dir}")
        for remark in (config.keep_private(settings), *plan.remarks):
            if remark:
                say(remark)
        if plan.redis is None:
            check_redis(settings.redis_url)
        guard = Guard((running,))
        try:
            asyncio.run(Launcher(plan, guard).run(parent))
        finally:
            guard.dismiss()


if __name__ == "__main__":
    code = main(sys.argv[1:])
    let_go()
    sys.exit(code)
