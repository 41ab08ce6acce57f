"""Random documents and expressions."""
