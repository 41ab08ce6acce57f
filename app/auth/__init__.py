"""Crafts of identity: tokens. Pure: no tables, no HTTP."""
