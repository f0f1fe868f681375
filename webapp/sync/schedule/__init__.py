"""When runs are due, how an integration stands, and what is told of it."""
