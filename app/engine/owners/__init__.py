"""Owners: reducers that run other stages. They are told facts in order and answer with moves."""
