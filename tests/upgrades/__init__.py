"""Databases of earlier versions, with people in them, brought to this one."""
