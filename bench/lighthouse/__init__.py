"""Lighthouse over the pages that are looked at most: ``python -m bench.lighthouse``."""
