"""What `fm ci` is made of: `choosing` finds the recorded runs, `reading` reads what a run did,
`comparison` holds a recorded run against that of its test, `telling` and `results` report.
"""
