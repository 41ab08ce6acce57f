"""Runs as a terminal or a log sees them, for the commands that start, watch and list them.

`given` reads the input, `naming` which run is meant. `following` asks for events until the last;
`telling` makes lines of them; `progress` is what they amount to, with the `shape` of the pipeline,
and `live` shows it in place on a terminal. `watching` puts these together; `logbook` is what the
stages logged.
"""
