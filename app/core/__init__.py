"""Words of the house: states, events, ids, times, errors, JSON.

No I/O, no framework, no system clock outside `clock`.
"""
