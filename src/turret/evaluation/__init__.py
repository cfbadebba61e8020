"""Evaluation: metrics, ties, protocols, intervals, significance."""
