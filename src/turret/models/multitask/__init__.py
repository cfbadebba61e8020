"""Models that predict several things of an impression at once."""
