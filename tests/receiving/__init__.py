"""How the web receives requests from whoever sends them, however slowly."""
