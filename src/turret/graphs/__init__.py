"""Graphs as sparse matrices that vectors are propagated over."""
