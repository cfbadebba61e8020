"""Models that propagate over the graph of users and items."""
