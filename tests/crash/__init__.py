"""Real worker processes, killed on purpose. Run apart from the suite: `pytest tests/crash -n 0`."""
