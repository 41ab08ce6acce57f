"""Pipelines: saving documents, finding versions, planning them."""
