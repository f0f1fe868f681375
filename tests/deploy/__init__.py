"""The files in deploy/, judged and run by the programs that they are for."""
