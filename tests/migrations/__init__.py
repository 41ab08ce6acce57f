"""The schema there and back."""
