"""Models that read user, item and surroundings together."""
