"""Runs as a terminal or a log sees them, for `fm run` and `fm demo`.

`given` reads the input, `following` asks for events until the last. `telling` makes lines of them;
`progress` is what they amount to, and `live` shows it in place on a terminal.
"""
