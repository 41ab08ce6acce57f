"""Pipeline tests (contract 05, Tests): suites whose tests are real runs with mocks.

`asking` takes a suite, `checking` says what is wrong with it, `recording` makes one of a recorded
run, `cases` puts recorded runs into tests; `suite` is the form in which it is kept. `advancing`
starts its runs and ends it, woken whenever one of them has ended: no thread waits. `judging` says
what came of one test, by what `evidence` reads of its run; `reporting` puts the results together,
`reading` shows them.
"""
