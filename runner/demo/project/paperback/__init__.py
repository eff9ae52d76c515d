"""A reading list for the terminal."""
