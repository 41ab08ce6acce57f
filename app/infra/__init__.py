"""Wires: the database, Redis, the broker and the way out. Knows no table and no Flask."""
