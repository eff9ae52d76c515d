"""Proves what the runner promises: `scripts/prove [NAME [OPTIONS]]`; without a name, all but the soak."""

import importlib
import sys

PROOFS = ("starts", "orphans", "stops", "kills")
"""In the order in which they are run; the longest last."""


def main() -> int:
    """Run one proof with its options, or all of them; 0 when everything holds."""
    name = sys.argv[1] if len(sys.argv) > 1 else "all"
    if name not in (*PROOFS, "soak", "all"):
        sys.exit(f"there is no proof {name!r}; there are {', '.join(PROOFS)}, soak and all")
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
