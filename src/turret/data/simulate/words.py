"""What the simulated people and things are called."""

from __future__ import annotations

GENRES = (
    *("Action", "Adventure", "Animation", "Biography", "Comedy", "Crime", "Documentary", "Drama", "Family"),
    *("Fantasy", "History", "Horror", "Musical", "Mystery", "Romance", "Science-Fiction", "Thriller", "Western"),
)
OCCUPATIONS = (
    *("architect", "artist", "baker", "carpenter", "doctor", "driver", "engineer", "farmer", "gardener", "lawyer", "librarian"),
    *("manager", "musician", "nurse", "programmer", "retired", "sailor", "scientist", "student", "teacher", "writer"),
)
FIRST_WORDS = (
    *("Amber", "Ancient", "Autumn", "Bitter", "Blue", "Borrowed", "Bright", "Broken", "Burning", "Buried", "Calm", "Careless"),
    *("Clever", "Cold", "Copper", "Crimson", "Curious", "Distant", "Double", "Early", "Electric", "Empty", "Endless", "Faded"),
    *("Fallen", "False", "Final", "First", "Forgotten", "Frozen", "Gentle", "Golden", "Green", "Grey", "Half", "Hidden"),
    *("Hollow", "Honest", "Iron", "Last", "Late", "Lonely", "Long", "Lost", "Lucky", "Midnight", "Missing", "Narrow"),
    *("New", "Northern", "Open", "Paper", "Patient", "Perfect", "Quiet", "Rising", "Second", "Secret", "Silent", "Silver"),
    *("Slow", "Southern", "Stolen", "Strange", "Summer", "Twelve", "Velvet", "Wandering", "White", "Wild", "Winter", "Wooden"),
)
SECOND_WORDS = (
    *("Anchor", "Apple", "Arrow", "Ballad", "Bell", "Bird", "Boat", "Bridge", "Candle", "Castle", "Circus", "City"),
    *("Clock", "Cloud", "Coast", "Compass", "Corner", "Crown", "Dance", "Door", "Dream", "Engine", "Feather", "Field"),
    *("Fire", "Forest", "Garden", "Ghost", "Harbour", "Harvest", "Horizon", "House", "Island", "Journey", "Key", "Kingdom"),
    *("Lake", "Lantern", "Letter", "Lighthouse", "Machine", "Map", "Market", "Mirror", "Moon", "Mountain", "Ocean", "Orchard"),
    *("Painting", "Passage", "Piano", "Promise", "Rain", "Road", "River", "School", "Shadow", "Signal", "Song", "Station"),
    *("Stone", "Storm", "Stranger", "Theatre", "Tower", "Train", "Valley", "Voyage", "Wall", "Whale", "Window", "Witness"),
)


def title(number: int) -> str:
    """A title of its own for each number 0, 1, 2, ..."""
    pairs = len(FIRST_WORDS) * len(SECOND_WORDS)
    # a stride that shares no factor with the number of pairs visits every pair, and neighbours do not sound alike
    first, second = divmod(number * 2_017 % pairs, len(SECOND_WORDS))
    part = number // pairs + 1
    return f"{FIRST_WORDS[first]} {SECOND_WORDS[second]}{f' {part}' if part > 1 else ''}"
