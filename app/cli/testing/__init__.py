"""What `fm test` and `fm ci` are made of: `asking` makes the request of a file, `waiting` waits for
the end, `telling` and `junit` report.
"""
