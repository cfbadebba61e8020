"""Models that read who follows, trusts or befriends whom."""
