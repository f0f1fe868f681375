"""The Platforms pages: which there are, connecting, reconnecting, another account, disconnecting."""
