"""Notices that platforms send to us. They never change anything but when the next normal run is."""
