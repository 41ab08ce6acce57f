"""Routes of runs: starting and reading them, and the socket that watches them."""
