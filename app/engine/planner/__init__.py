"""From a document to a plan, once per saved version. Rule: knows no run and nothing of one.

`planning` makes a `plan` of three readings: `links`, what each stage says of others; `layout`,
which stage lies in which body; `dependencies`, what must be finished before what, on the sets of
`bitsets`. Validation reports its problems from the same three. `reach` tells from a plan what a
change of a run can touch, by the `influence` that stages have on each other.
"""

from app.engine.planner.plan import ROOT, Body, Plan, PlannedStage, plan_view
from app.engine.planner.planning import plan_document

__all__ = ["ROOT", "Body", "Plan", "PlannedStage", "plan_document", "plan_view"]
