"""The launcher with stand-in services: ``python -m tests.launch.stand_in FOLDER NAME=BEHAVIOUR...``."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import config
from launch import waiting
from launch.checks import prepare_data_dir
from launch.errors import LaunchError
from launch.guard import Guard
from launch.keeper import Service
from launch.launcher import Launcher
from launch.processes import end_with_parent
from launch.services import Plan
from launch.terminal import complain, let_go

SCRIPT = Path(__file__).with_name("service.py")


def up(path: Path) -> Callable[[int], Awaitable[bool]]:
    async def ask(pid: int) -> bool:
        return path.exists() and path.read_text() == str(pid)

    return ask


def plan(folder: Path, behaviours: dict[str, str]) -> Plan:
    services = tuple(
        Service(
            name,
            (sys.executable, str(SCRIPT), name, str(folder), behaviour),
            up(folder / f"{name}.pid"),
            patience=1.0,
            environ={"REDIS_URL": "unix:///nowhere", "PYTHONUNBUFFERED": "1"},
        )
        for name, behaviour in behaviours.items()
    )
    settings = config.test_settings(
        database_url="sqlite:///unused", redis_url="unix:///nowhere", data_dir=folder, port=18299
    )
    return Plan(settings, None, (), (), services)


def main() -> int:
    folder, pairs = Path(sys.argv[1]), sys.argv[2:]
    waiting.TELL_EVERY = 0.1  # seconds
    prepare_data_dir(folder)
    parent = end_with_parent()
    guard = Guard((folder / "running.json",))
    try:
        asyncio.run(Launcher(plan(folder, dict(pair.split("=") for pair in pairs)), guard).run(parent))
    except LaunchError as error:
        complain(str(error))
        return 1
    finally:
        guard.dismiss()
    return 0


if __name__ == "__main__":
    code = main()
    let_go()
    sys.exit(code)
