"""Watching runs live: one subscription per process, one session per client.

Knows the talk of contract 04 and the bus; what it asks of the house is handed in by the door.
"""
