"""The one SQLite file of a machine: an append-only list of facts, and the tables people read, made from it."""
