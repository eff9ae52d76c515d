"""Programs that prove what the runner promises, and print the figures; `scripts/prove` runs them."""
