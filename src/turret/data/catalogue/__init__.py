"""Public datasets by name: what they are, and how they come to be on this machine."""

from turret.data.catalogue.entry import Checksum, Entry, Original
from turret.data.catalogue.lookup import Located, datasets, describe, fetch, locate, present

__all__ = ["Checksum", "Entry", "Located", "Original", "datasets", "describe", "fetch", "locate", "present"]
