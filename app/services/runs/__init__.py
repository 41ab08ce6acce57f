"""A run: accepted, claimed, driven, journalled, settled, and recovered when a worker dies."""
