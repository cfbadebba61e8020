"""Layers: one a file, flat arguments, no config objects."""
