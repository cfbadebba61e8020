"""Optimizers: torch's own for dense parameters, row-wise ones for tables of which a step touches a few rows."""
