"""Proves what the runner promises: `scripts/prove [NAME [OPTIONS]]`; without a name, all but the soak."""

import importlib
import sys

PROOFS = ("starts", "orphans", "stops", "kills")
"""In the order in which they are run; the longest last."""
USAGE = """\
usage: scripts/prove [NAME [OPTIONS]]

Proves what the runner promises, and prints the figures. Exit code 1 when anything is wrong.

  starts    many runners at the same moment on one project
  orphans   every kind of process that an agent can leave, against every end of its command
  stops     how long a stop takes, at every phase
  kills     kill -9 at every crash point, and a resume
  soak      endless sprints under kills, with memory and open files measured
  all       all but the soak, about an hour on two cores: the default

scripts/prove NAME --help tells the options of one."""


def main() -> int:
    """Run one proof with its options, or all of them; 0 when everything holds."""
    name = sys.argv[1] if len(sys.argv) > 1 else "all"
    if name in ("-h", "--help"):
        print(USAGE)
        return 0
    if name not in (*PROOFS, "soak", "all"):
        print(f"there is no proof {name!r}; there are {', '.join(PROOFS)}, soak and all", file=sys.stderr)
        return 2
    chosen = PROOFS if name == "all" else (name,)
    sys.argv[:] = sys.argv[:1] + sys.argv[2:]
    codes = [run(proof) for proof in chosen]
    return max(codes)


def run(name: str) -> int:
    """One proof."""
    print(f"=== {name}", flush=True)
    code = importlib.import_module(f"tests.proof.{name}").main()
    return int(code)


if __name__ == "__main__":
    sys.exit(main())
