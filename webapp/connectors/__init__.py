"""Platforms, read over HTTP. Each yields the same plain values; none of them can write."""
