"""People who left the platforms: the list of them, and the rule that deactivates those gone for long."""
