"""What runs next: facts in, decisions and records out. One coordinator for each run.

Rule: no thread, clock, table or socket. Whoever drives it ticks the time, takes facts, asks for
turns and carries out the calls that a turn gives. A rebuilt run goes through the same code.

The coordinator is one class in ten floors, each file the next one up:

- `ledger`: the run's time, its records, what is under way
- `bodies`: bodies open, end and are abandoned
- `owning`: owners are told facts and their moves obeyed
- `finishing`: attempts end well, badly or for another time; stages are skipped
- `attempts`: a stage that is ready begins
- `reusing`: or is taken over from another run, which finished it
- `doubling`: or is answered for: by a given output, a mock, a recorded effect
- `replay`: stored rows are fed through the floors below
- `holding`: a run halts and goes on as people ask
- `coordinator`: turns, and facts from outside

What the floors use: `facts` (what the run is told), `scope` (one opened body), `writes` (variables
on their way), `queues` (ready stages, timers), `names` (what expressions see), `evaluating`
(expressions for components), `retries` (what follows a failure), `failures` (exceptions as authors
see them), `sealing` (outputs as text, counted), `past` (stored rows) and `ending` (the run's
output).
"""

from app.engine.coordinator.coordinator import Coordinator
from app.engine.coordinator.facts import Outputs, RunFacts

__all__ = ["Coordinator", "Outputs", "RunFacts"]
