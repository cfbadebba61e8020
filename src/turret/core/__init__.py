"""The nouns and the contracts; imports nothing of the other layers."""
