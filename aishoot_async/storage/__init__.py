"""Files: written atomically, locked, synced; and the places that bulk jobs write to."""
