"""`python -m app.cli` is `fm`."""

from app.cli import main

main()
