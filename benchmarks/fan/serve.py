"""One server of the fan-out benchmark, in a process of its own: `python -m benchmarks.fan.serve NAME`.

A server is a function that takes a `Drive`; see `desk.py` for what it is told to do.
"""

import importlib
import os
import resource
import sys

from benchmarks.fan.desk import Desk

SERVERS = {
    "ours": ("ours", "run"),
    "aiohttp": ("aiohttp_gather", "run"),
    "websockets": ("websockets_broadcast", "run"),
    "raw": ("raw_sockets", "run"),
    "flood": ("raw_sockets", "run_flood"),
}


def main() -> None:
    (name,) = sys.argv[1:]
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    # What a server prints must not get between the answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    desk = Desk(answers)
    module, function = SERVERS[name]
    try:
        run = getattr(importlib.import_module(f"benchmarks.fan.{module}"), function)
        run(desk.follow)
    except (ImportError, NotImplementedError) as error:
        desk.answer(missing=str(error))


if __name__ == "__main__":
    main()
