"""What a program needs to serve Studio."""

from app import create_app, run_server

__all__ = ["create_app", "run_server"]
