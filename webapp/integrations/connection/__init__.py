"""The Platforms screens: which platforms there are, connecting, reconnecting and disconnecting."""
