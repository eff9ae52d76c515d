"""The sprint, shown and controlled from a browser."""
