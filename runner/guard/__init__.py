"""One guard process per command: it starts the agent, obeys the runner, and leaves no process behind.

`guard.py` is the script and `watch.py` its eye on the agent; `tree_linux.py` and `tree_posix.py` know its
descendants; `tags.py` is the indelible mark on every process of a command; `receipt.py` is the runner's side.
This file stays empty of imports: every guard passes through it, and may load the standard library only.
"""
