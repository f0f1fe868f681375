"""The platforms whose people are read: what each is called, how it is connected, and how its people are fetched.

One folder a platform; the registry alone names them.
It may import: core.
"""
