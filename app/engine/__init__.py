"""The interpreter: a document and facts in, decisions and records out.

Rule: it would run on a desert island: no table, socket, thread, file or clock. Time is an input.

The words: `document` (a pipeline as written), `component` (how a kind of stage declares itself),
`owner` (one that runs other stages, and its moves), `context` (what a component may touch),
`instance` (a stage run, calls, outcomes), `paths` (into JSON).
The work, in the order of a pipeline's life: `inheritance`, `validation`, `planner`, `coordinator`;
for these `expressions`, `coercion` and `schema`. The pure components: `operators`, and `owners`,
which run other stages.
"""
