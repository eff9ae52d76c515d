"""The project on disk: where it is, its sprint file, prompts, artifacts, git and the lock on it.

Everything in here is synchronous and may block on the disk: callers run it in a thread. This file imports
nothing, so that the project lock can be taken before anything heavy is loaded.
"""
