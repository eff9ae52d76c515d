"""An agent for the tests that leaves one process of every kind that is hard to find again.

    forest.py FIFO [KIND...]    start the kinds (default: all), exit with 0 once FIFO was written to and closed

A SIGINT it takes as an agent does, by exiting with 130. Each kind ends up as `sleep` with a number of its own, so it
can be told from its command line; the re-forker has its name there. All end by themselves after five minutes.
"""

import os
import signal
import sys
import time

SECONDS = {"plain": 301, "setsid": 302, "daemon": 303, "deaf": 304, "bare": 305, "closed": 306, "nested": 307}
KINDS = (*SECONDS, "refork")


def sleep(kind, environment=os.environ):
    os.execvpe("sleep", ["sleep", str(SECONDS[kind])], environment)


def plain():
    sleep("plain")


def setsid():
    os.setsid()
    sleep("setsid")


def daemon():
    os.setsid()
    if os.fork() == 0:
        sleep("daemon")


def deaf():
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    sleep("deaf")


def bare():
    os.execvp("env", ["env", "-i", "setsid", "sleep", str(SECONDS["bare"])])


def closed():
    os.setsid()
    if os.fork() == 0:
        os.closerange(0, 256)
        sleep("closed", {"PATH": os.defpath})


def nested():
    program = f"import os; os.setsid(); os.execlp('sleep', 'sleep', '{SECONDS['nested']}')"
    os.execvp("sh", ["sh", "-c", '"$0" -I -S -c "$1" & wait', sys.executable, program])


def refork():
    os.execv(sys.executable, [sys.executable, "-I", "-S", __file__, "refork"])


def refork_for_ever():
    os.setsid()
    end = time.monotonic() + 300
    while time.monotonic() < end:
        if os.fork():
            os._exit(0)
        time.sleep(0.001)


def start(kind):
    if os.fork() == 0:
        try:
            globals()[kind]()
        finally:
            os._exit(0)


def main():
    fifo, *kinds = sys.argv[1:]
    signal.signal(signal.SIGINT, lambda *_: os._exit(130))
    for kind in kinds or KINDS:
        start(kind)
    with open(fifo) as orders:
        orders.read()


if __name__ == "__main__":
    if sys.argv[1:] == ["refork"]:
        refork_for_ever()
    else:
        main()
