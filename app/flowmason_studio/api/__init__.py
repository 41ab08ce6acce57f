"""The import path of the API."""
