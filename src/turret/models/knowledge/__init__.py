"""Models that read a knowledge graph about the items."""
