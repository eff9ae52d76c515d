"""SQLite: schema, the single writer, read-only queries."""
