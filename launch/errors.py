"""What can keep Rollcall from starting."""

TOLD = 3  # the exit code of a flask command whose last line is all there is to say (webapp/core/schema_version.py)


class LaunchError(Exception):
    """A reason not to start or not to go on; its text is one line that says what to do."""
