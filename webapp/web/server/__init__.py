"""How the web receives requests: whole ones, without a thread that waits for a slow sender."""
