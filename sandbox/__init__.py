"""Local stand-ins for the platforms: ``python -m sandbox intercom``. A program of its own."""
