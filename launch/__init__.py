"""Starts, watches and stops everything that ``make run`` needs: ``python -m launch``."""
