"""``python -m launch.prepare "demo check" "db upgrade" "demo seed"``: several ``flask`` commands, one after the other.

They share one process because loading the application takes longer than each of them. The first that fails
ends it, with that command's exit code.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from flask.cli import cli

from launch.errors import TOLD


def main(commands: Sequence[str]) -> int:
    """Run the commands; words are separated by single spaces. 0 when all have succeeded.

    :data:`~launch.errors.TOLD` when one has said in its last line all there is to say.
    """
    for command in commands:
        try:
            cli.main(args=command.split(" "), prog_name="flask")
        except SystemExit as end:  # click ends every command this way
            if end.code == TOLD:
                return TOLD
            if end.code:
                print(f"flask {command} failed", flush=True)
                return end.code if isinstance(end.code, int) else 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
