"""The command `export`: the shelf as a Markdown table."""

from paperback import store


def register(commands) -> None:
    commands.add_parser("export", help="print the shelf as Markdown").set_defaults(run=run)


def run(options) -> None:
    print(as_markdown(store.load(options.shelf)))


def as_markdown(shelf) -> str:
    lines = ["| Title | Author | Pages | Finished |", "|---|---|---:|---|"]
    for book in shelf:
        finished = book.finished.isoformat() if book.finished else ""
        lines.append(f"| {book.title} | {book.author} | {book.pages} | {finished} |")
    return "\n".join(lines)
