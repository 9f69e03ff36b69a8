"""Cameras and rigid motions: what matched pixels say about depth and movement."""
