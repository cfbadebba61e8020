"""Retrieval by index: exact search in blocks, and approximate search, behind one contract."""
