"""The clock: says when. It sends messages and decides nothing; any number of them may run."""
