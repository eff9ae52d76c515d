"""Plain tables: columns as wide as their widest cell, for commands that print and end."""

from collections.abc import Collection, Sequence

GAP = "  "


def table(head: Sequence[str], rows: Sequence[Sequence[str]], *, right: Collection[str] = ()) -> list[str]:
    """A headline and a line for each row; columns whose heading is in `right` are flush right. No rows: nothing."""
    if not rows:
        return []
    widths = [max(len(cells[place]) for cells in (head, *rows)) for place in range(len(head))]
    return [
        GAP.join(
            cell.rjust(width) if name in right else cell.ljust(width)
            for name, cell, width in zip(head, cells, widths, strict=True)
        ).rstrip()
        for cells in (head, *rows)
    ]
