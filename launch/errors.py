"""What can keep Rollcall from starting."""


class LaunchError(Exception):
    """A reason not to start or not to go on; its text is one line that says what to do."""
