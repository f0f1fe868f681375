"""A stand-in for a service: ``service.py NAME FOLDER BEHAVIOUR``. What happens to it is noted in FOLDER/events.

Behaviours: ``good`` ends on SIGTERM; ``broken`` ends at once; ``busy`` ends on the second SIGTERM only;
``stubborn`` never ends by itself; ``family`` is good and has a child in another process group; ``late`` is good, but
up only once FOLDER/go is there; ``chatty`` is good and says a numbered line whenever it has said the one before,
noting how far it is in FOLDER/said.
"""

from __future__ import annotations

import itertools
import os
import signal
import sys
import time
from pathlib import Path

name, folder, behaviour = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
terms = 0


def note(event: str) -> None:
    with (folder / "events").open("a") as file:
        file.write(f"{event} {name}\n")


def on_term(_number: int, _frame: object) -> None:
    global terms
    terms += 1
    note("term")
    if behaviour in ("good", "family", "late", "chatty") or (behaviour == "busy" and terms == 2):
        note("end")
        sys.exit(0)


if behaviour == "broken":
    print(f"{name} has nothing to live on", flush=True)
    sys.exit(3)
signal.signal(signal.SIGTERM, on_term)
if behaviour == "family" and os.fork() == 0:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.setpgrp()
    (folder / f"{name}.child").write_text(str(os.getpid()))
    while True:
        time.sleep(60)
while behaviour == "late" and not (folder / "go").exists():
    time.sleep(0.02)
note("start")
(folder / f"{name}.pid").write_text(str(os.getpid()))
print("WARNING it is quiet here", flush=True)
for number in itertools.count():
    if behaviour == "chatty":
        print(f"line {number} {'.' * 1000}", flush=True)
        (folder / "said").write_text(str(number))
        time.sleep(0.001)
    else:
        time.sleep(60)
