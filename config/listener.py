"""How the web process takes connections, and how it stops: what has connected is answered.

Imported only in gunicorn's worker, after gevent has patched the standard library.
"""

from __future__ import annotations

import contextlib
from functools import partial
from typing import Any

from gevent.server import StreamServer


class Listener(StreamServer):  # type: ignore[misc]  # the package has no types
    """gunicorn's listener, which answers what connected before it closed.

    Gunicorn closes it first, and the kernel would then reset the connections that it established
    and nobody took yet.
    """

    def __init__(self, worker: Any, listener: Any, *, spawn: Any, **_: Any) -> None:
        named = _Named(listener.getsockname())
        super().__init__(listener, handle=partial(worker.handle, named), spawn=spawn)

    def close(self) -> None:
        """Takes what is established, then closes."""
        if not self.closed:
            with contextlib.suppress(OSError):
                self._take_the_rest()
        super().close()

    def _take_the_rest(self) -> None:
        while not self.full() and (connection := self.do_read()):
            self.do_handle(*connection)


class _Named:
    """Stands for the listener where gunicorn asks its name, which is after it closed at times."""

    def __init__(self, name: Any) -> None:
        self._name = name

    def getsockname(self) -> Any:
        """The address that the listener was bound to."""
        return self._name
