"""How gunicorn serves the web, in the demo and for real. What differs between machines comes from the environment.

BIND (default 127.0.0.1:PORT), WEB_WORKERS (2), WEB_THREADS (8), WEB_TIMEOUT (30 s), WEB_GRACE (8 s),
WEB_KEEPALIVE (5 s), WEB_LOG_LEVEL (info),
WEB_HEAD_SECONDS (10), WEB_BODY_SECONDS (60), WEB_SEND_SECONDS (30): how slow a client may be (webapp/web/server),
FORWARDED_ALLOW_IPS (gunicorn's own; default 127.0.0.1 and ::1: a proxy on this machine).
"""

import os
import sys
from typing import Any

bind = os.environ.get("BIND") or f"127.0.0.1:{os.environ.get('PORT') or '8000'}"
worker_class = "webapp.web.server.worker.Worker"  # threads that no slow client can keep
workers = int(os.environ.get("WEB_WORKERS") or 2)
threads = int(os.environ.get("WEB_THREADS") or 8)
timeout = int(os.environ.get("WEB_TIMEOUT") or 30)
graceful_timeout = int(os.environ.get("WEB_GRACE") or 8)
keepalive = int(os.environ.get("WEB_KEEPALIVE") or 5)  # seconds an idle browser may also delay a stop
backlog = 512
preload_app = True  # loaded once, shared by the workers; a new version needs a restart, not a HUP
reload = False

# Heartbeat files in memory: on a slow disk a worker could seem dead.
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: S108, PTH112 - a folder of memory
# gunicorn's own control interface would be one socket for every gunicorn of the same person.
control_socket_disable = True

limit_request_line = 4094  # bytes
limit_request_fields = 60
limit_request_field_size = 8190  # bytes

# gunicorn would let a proxy say where the application begins (SCRIPT_NAME) and what was asked for (PATH_INFO), and it
# takes every program on this machine for one. Ours is at the root of its address.
forwarder_headers = ""
header_map = "drop"  # X_Forwarded_For is not X-Forwarded-For

logger_class = "webapp.web.server.access_log.Logger"  # into the one log; LOG_FORMAT says how
accesslog = "-"
loglevel = os.environ.get("WEB_LOG_LEVEL") or "info"
proc_name = "rollcall-web"


def when_ready(server: Any) -> None:
    """End a demo that could be reached from elsewhere, however it was bound, before anything is answered."""
    from settings_rules.addresses import is_loopback

    names = [sock.getsockname() for sock in server.LISTENERS]
    elsewhere = [name for name in names if isinstance(name, tuple) and not is_loopback(name[0])]
    if elsewhere and server.app.wsgi().extensions["settings"].demo:
        sys.exit(
            f"The demo's passwords are public, so it listens on this machine alone and not on {elsewhere[0][0]}. "
            "Leave BIND unset, or set ROLLCALL_MODE=production to run Rollcall for real."
        )


def post_fork(_server: Any, worker: Any) -> None:
    """No worker may use a database connection that was opened before the fork; its own answers are like ours."""
    from webapp.core.models import db
    from webapp.web.headers import protection_of
    from webapp.web.server.refusals import answer_like_the_application

    app = worker.app.wsgi()
    answer_like_the_application(protection_of(app.extensions["settings"]))
    with app.app_context():
        for engine in db.engines.values():
            engine.dispose(close=False)
