"""The file form of pipelines: `extends`, `overrides`, `abstract` and `$schema` (contract 01).

Rule: where parents come from is told by who asks; nothing here opens a file or a line.

`source` is one document as written, `lineage` the documents that one extends, `members` what the
members of the file form may hold; `stages` and `aliases` lay overrides over what is inherited.
`resolution` is the document that comes out, and knows where each part of it was written.
"""

from app.engine.inheritance.resolution import Resolution
from app.engine.inheritance.resolving import resolve
from app.engine.inheritance.source import Found, Source

__all__ = ["Found", "Resolution", "Source", "resolve"]
