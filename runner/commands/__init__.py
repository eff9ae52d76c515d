"""What the command line does beside running a batch: one module a command, each imported when it is called."""
