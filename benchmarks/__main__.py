"""`python -m benchmarks [NAME...]`: run the benchmarks from the checkout and print their table."""

import sys

from benchmarks import commands, dashboard, database, decisions, decoding, end_to_end, processes
from benchmarks.measure import table

BENCHMARKS = {
    "decisions": decisions.measure,
    "decoding": decoding.measure,
    "commands": commands.measure,
    "processes": processes.measure,
    "database": database.measure,
    "end_to_end": end_to_end.measure,
    "dashboard": dashboard.measure,
}


def main() -> int:
    names = sys.argv[1:] or list(BENCHMARKS)
    rows = [row for name in names for row in BENCHMARKS[name]()]
    print(table(rows))
    return 0 if all(row.kept for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
