"""Which programs Rollcall consists of on one machine, in the order in which they are started."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import config
from config import Settings
from launch.errors import LaunchError
from launch.keeper import Service
from launch.probes import http_ok, redis_answers, scheduler_registered, workers_registered
from launch.redis_server import find_redis_server, private_folder, redis_command


@dataclass(frozen=True)
class SandboxPlan:
    """A local stand-in for a platform: it listens ``offset`` above PORT, where ``wanted`` by the settings."""

    platform: str
    offset: int
    wanted: Callable[[Settings], bool]


SANDBOXES = (
    SandboxPlan("intercom", 1, lambda settings: settings.intercom.sandbox),
    SandboxPlan("zendesk", 2, lambda settings: settings.zendesk.sandbox),
)

# What is run once, after Redis is up and before the web is started.
STEPS = (
    (
        "the database and the demo contract",
        ("launch.prepare", "demo check", "db upgrade", "demo seed"),
    ),
)


@dataclass(frozen=True)
class Step:
    """A command that must end well before the services are started."""

    name: str
    command: tuple[str, ...]
    environ: Mapping[str, str]


@dataclass(frozen=True)
class Plan:
    """Everything to start. ``ports`` are (port, offset from PORT, its user); ``remarks`` are for the terminal."""

    settings: Settings
    redis: Service | None
    steps: tuple[Step, ...]
    sandboxes: tuple[Service, ...]
    services: tuple[Service, ...]
    ports: tuple[tuple[int, int, str], ...] = field(default=())
    remarks: tuple[str, ...] = ()


def make_plan(settings: Settings, environ: Mapping[str, str]) -> Plan:
    """Decide what to start. Raises :class:`LaunchError` when no Redis can be found."""
    given_redis = environ.get("REDIS_URL")
    redis_url = given_redis or config.redis_socket_url(settings.data_dir)
    child = child_environ(settings, environ, redis_url)
    python = sys.executable
    sandboxes = [plan for plan in SANDBOXES if plan.wanted(settings)]
    remarks: list[str] = []
    socket = config.redis_socket(settings.data_dir)
    redis = None if given_redis else embedded_redis(socket, child, remarks.append)
    return Plan(
        settings=settings,
        redis=redis,
        steps=tuple(Step(name, (python, "-m", *command), child) for name, command in STEPS),
        sandboxes=tuple(sandbox_service(plan, settings, child) for plan in sandboxes),
        services=(
            Service(
                "web",
                (python, "-m", "gunicorn", "--config", "gunicorn.conf.py", "wsgi:serving()"),
                http_ok(settings.port),
                # A browser keeps idle connections open; an end of the demo should not wait for them.
                environ={"WEB_KEEPALIVE": "1", **child},
            ),
            Service(
                "worker",
                (python, "worker.py"),
                workers_registered(redis_url, worker_names(settings)),
                environ=child,
            ),
            Service(
                "scheduler", (python, "worker.py", "schedule"), scheduler_registered(redis_url), environ=child
            ),
        ),
        ports=(
            (settings.port, 0, "the web"),
            *(
                (settings.port + plan.offset, plan.offset, f"the sandbox of {plan.platform.capitalize()}")
                for plan in sandboxes
            ),
        ),
        remarks=tuple(remarks),
    )


def worker_names(settings: Settings) -> list[str]:
    """The workers that one ``worker.py`` consists of."""
    return ["control", "chores", *(f"sync-{number + 1}" for number in range(settings.worker_runs))]


def child_environ(settings: Settings, environ: Mapping[str, str], redis_url: str) -> dict[str, str]:
    """The environment of every program: ours, with what has been decided here spelled out."""
    return {
        **environ,
        "ROLLCALL_MODE": "demo",
        "PORT": str(settings.port),
        "DATA_DIR": str(settings.data_dir),
        "REDIS_URL": redis_url,
        "PYTHONUNBUFFERED": "1",
    }


def embedded_redis(socket: Path, environ: Mapping[str, str], tell: Callable[[str], object]) -> Service:
    """Our own Redis, on a socket in a folder that only we can enter. ``tell`` hears of programs passed over."""
    program = find_redis_server(environ, tell)
    try:
        private_folder(socket.parent)
    except OSError as error:
        raise LaunchError(f"the folder {socket.parent} cannot be made ({error.strerror}).") from error
    return Service(
        "redis",
        tuple(redis_command(program, socket)),
        redis_answers(f"unix://{socket}"),
        environ=environ,
        loud=False,
    )


def sandbox_service(plan: SandboxPlan, settings: Settings, environ: Mapping[str, str]) -> Service:
    """The sandbox of one platform; its data are kept in a folder beside ours."""
    port = settings.port + plan.offset
    return Service(
        f"sandbox-{plan.platform}",
        (
            *(sys.executable, "-m", "sandbox", plan.platform),
            *("--port", str(port), "--data-dir", str(settings.data_dir / "sandbox" / plan.platform)),
        ),
        http_ok(port),
        environ=environ,
    )
