"""The structure editor: teams in a tree of up to seven levels."""
