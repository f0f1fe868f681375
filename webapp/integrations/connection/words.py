"""What is said, and how, when a round at a platform did not end with a connection just now."""

from __future__ import annotations

from webapp.integrations.connection.repeated import Outcome
from webapp.platforms.platform import Platform


def without_a_code(platform: Platform, error: str | None) -> tuple[str, str]:
    """What to say, and how, when the platform sent the browser back with ``error`` in place of a code."""
    label = platform.label
    if error == "access_denied":
        again = "Connect again when you are ready."
        return (
            f"{label} was not connected because access was denied there. Nothing was changed. {again}",
            "warning",
        )
    if error == "invalid_scope":
        needed = ", ".join(platform.permissions_needed)
        again = f"Allow it in the settings of the client at {label}, then press Connect again."
        return (
            f"{label} does not let this server’s client ask for {needed}. Nothing was changed. {again}",
            "error",
        )
    return (
        f"{label} sent you back without a confirmation. Nothing was changed. Press Connect to try again.",
        "error",
    )


def no_such_round(label: str) -> tuple[str, str]:
    """Title and text of the page for a round that is none of this browser's, or too old."""
    return (
        "This connection attempt is not valid any more",
        (
            f"It was used already, is older than ten minutes, or was started in another browser. "
            f"Nothing was changed. Go back to Platforms and connect {label} again."
        ),
    )


def once_more(label: str, outcome: Outcome) -> tuple[str, str]:
    """What to say, and how, when the same answer of a platform came once more."""
    if outcome is Outcome.CONNECTED:
        return f"{label} is connected already, so nothing more was changed.", "info"
    if outcome is Outcome.GOING_ON:
        return f"{label} is being connected by your first press. Reload this page in a moment.", "info"
    return (
        (
            f"That confirmation of {label} was used already, and {label} is not connected by it. "
            "Nothing was changed. Press Connect to try again."
        ),
        "warning",
    )
