"""What `fm debug` is made of: `debugged` is the run as the debugger knows it, `commands` what a
person can say, `stages` and `breaking` the words for stages and breakpoints, `printing` what
`print` finds; `showing` makes lines of it all. `session` reads, with the `prompt`, and answers.
"""
