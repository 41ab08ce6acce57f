"""Pipelines as files, for `fm validate`, `deploy`, `pull` and `run`.

`finding` gives the files that a person means, `reading` what is in them, `lines` where in their
text. `parents` finds what they extend; `judges` say what is wrong with a resolved document,
`checking` asks them and `report` tells. `saving` gives documents to Studio, `writing` takes them
from it.
"""
