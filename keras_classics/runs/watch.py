"""A small process that watches the connections between the processes of a run.

It runs this file alone, which therefore imports nothing of ours; `peers.Meeting` starts it.
"""

import contextlib
import json
import os
import select
import selectors
import signal
import socket
import sys

_GRACE = 5  # seconds from asking a process to end to ending it
_NEWS = 0.5  # seconds that the end of one process takes to be known to another


def _watch(parent, names):
    """The process that watches; `names` is {file descriptor of a connection: what to call it}."""
    waiting = selectors.DefaultSelector()
    waiting.register(0, selectors.EVENT_READ)
    connections = {number: socket.socket(fileno=number) for number in names}
    for number in names:
        waiting.register(number, selectors.EVENT_READ)
    while True:
        for key, _ in waiting.select():
            if key.fd == 0:
                if os.read(0, 1):  # a goodbye
                    for connection in connections.values():
                        with contextlib.suppress(OSError):
                            connection.sendall(b".")
                    return
                # The process died: because another did, or all by itself?
                if lost := _lost(connections, names, _NEWS):
                    _report(lost)
                return
            if lost := _lost(connections, names, 0.0):
                _report(lost)
                with contextlib.suppress(ProcessLookupError):
                    os.kill(parent, signal.SIGTERM)
                    if not select.select([0], [], [], _GRACE)[0]:  # its end is the end of that pipe
                        os.kill(parent, signal.SIGKILL)
                return
            for number in set(waiting.get_map()) - {0} - set(connections):
                waiting.unregister(number)


def _lost(connections, names, seconds):
    """Returns the name of a process that ended without a goodbye, waiting for it so long."""
    readable, _, _ = select.select(list(connections), [], [], seconds)
    for number in readable:
        try:
            goodbye = connections[number].recv(1)
        except OSError:
            goodbye = b""
        if not goodbye:
            return names[number]
        del connections[number]
    return None


def _report(name):
    print(
        f"error: {name} of this run has ended; start all processes again with the same commands "
        "to continue from the last checkpoint.",
        file=sys.stderr,
        flush=True,
    )


if __name__ == "__main__":
    _watch(
        int(sys.argv[1]), {int(number): name for number, name in json.loads(sys.argv[2]).items()}
    )
