"""This office in federations: what it says of itself and, where the setting ``superior`` is on, of those below it."""
