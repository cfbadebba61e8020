"""The version, in a file that imports nothing, for the layers to read."""

__version__ = "0.1.0"
