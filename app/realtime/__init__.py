"""Watching runs live: one subscription per process; a session for each socket, a feed for each
stream, a waiting for each request that wants to know the end.

Knows the talk of contract 04 and the bus; what it asks of the house is handed in by the door.
"""
