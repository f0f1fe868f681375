"""OAuth rounds with the platforms: the only calls to them that are not GET."""
