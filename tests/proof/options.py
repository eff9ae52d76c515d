"""The numbers that proofs take on their command line.

A proof that would do nothing must not say that all is well, so none of its counts may be zero.
"""

import argparse


def positive(text: str) -> int:
    """A whole number from 1; anything else ends the program with its usage and exit code 2."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"takes a whole number from 1, not {text!r}")
    return int(text)
