"""The workflow as pure values and functions: no clock, no files, no processes, no Trio."""
