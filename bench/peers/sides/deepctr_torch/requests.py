"""Stands in for the package that DeepCTR-Torch asks PyPI for its newest version with, in a thread, as soon as it is imported.

A measurement should neither wait for a network nor share its processors with such a thread. The package is not among what DeepCTR-Torch
says it needs, so that its own environment lacks it anyway.
"""

from __future__ import annotations


def get(url: str) -> None:
    """Nobody is asked."""
    raise ConnectionError(url)
