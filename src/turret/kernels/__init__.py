"""Loops that arrays cannot express, compiled by numba. Each module is imported where it is used, so that nothing else pays for it."""
