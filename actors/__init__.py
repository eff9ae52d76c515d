"""The sprint, done concurrently: supervisors, actors and the memory channels between them."""
