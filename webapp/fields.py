"""A part of WTForms that its type stubs do not know yet."""

from wtforms import SelectChoice  # type: ignore[attr-defined]

__all__ = ["SelectChoice"]
