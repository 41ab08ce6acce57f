"""All problems of a pipeline document at once (contract 01). Rule: any JSON is judged, none raises.

`validator` goes through the document: `shape` says which members its objects have and `checks` what
each may hold; `written_stage` is one stage as its author wrote it, `config` holds its constants
against the fields of its component. Names, bodies and cycles are the planner's readings.
`warnings` says what never blocks; of those, `idle_stages` finds what the plan tells. `judgement` is
all of it together. `findings` puts everything into document order.
"""

from app.engine.validation.findings import in_document_order
from app.engine.validation.judgement import Judgement, judge_document
from app.engine.validation.validator import validate_document
from app.engine.validation.warnings import warnings_of

__all__ = [
    "Judgement",
    "in_document_order",
    "judge_document",
    "validate_document",
    "warnings_of",
]
