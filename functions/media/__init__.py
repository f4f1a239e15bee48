"""Takes uploads of pictures, works on them, fetches those that lie elsewhere, and removes what was deleted."""
