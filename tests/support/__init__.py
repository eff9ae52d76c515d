"""What several tests need: small projects, real runners, and the checker of what they leave behind."""
