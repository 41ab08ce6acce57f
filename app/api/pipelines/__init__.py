"""Routes of pipelines."""
