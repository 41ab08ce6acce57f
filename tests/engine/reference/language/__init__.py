"""The expression language: text to trees, trees to values."""
