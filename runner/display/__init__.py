"""How a running batch is shown: NDJSON for programs, plain lines for pipes, a live picture for people."""
