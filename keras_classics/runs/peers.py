"""The processes of one run on several machines: they meet before they train, and watch each other.

The libraries that compute together abort a process, or let it wait for ever, where another is
missing, runs something else, or dies. So all processes first meet at the address of process 0,
compare what they are about to do, and keep the connections open: when one breaks, every process
ends at once with a sentence that names the lost one.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keras_classics.errors import UserError

_WATCH = Path(__file__).with_name("watch.py")


def is_address(text: str, highest: int = 2**16 - 1) -> bool:
    """Whether a text is host:port, with a port from 1 to the highest.

    Example:
        >>> from keras_classics.runs.peers import is_address
        >>> is_address("10.0.0.1:8476"), is_address("http://10.0.0.1:8476")
        (True, False)
    """
    found = re.fullmatch(r"[^\s/]+:([0-9]{1,5})", str(text))
    return found is not None and 0 < int(found[1]) <= highest


class PeerError(UserError):
    """Processes that cannot train together; the message is one sentence for the user."""


@dataclass(frozen=True)
class Peers:
    """Which of how many processes this one is, and where they meet.

    Args:
        coordinator: "host:port" of process 0, as the others reach it; the port and the next one
            must be free there.
        processes: how many there are.
        process: number of this one, from 0.

    Raises:
        PeerError: if a value is out of range.

    Example:
        >>> from keras_classics.runs.peers import Peers
        >>> Peers("10.0.0.1:8476", processes=2, process=0).address
        ('10.0.0.1', 8476)
    """

    coordinator: str
    processes: int
    process: int

    def __post_init__(self) -> None:
        if not is_address(self.coordinator, 2**16 - 2):  # the next port is used, too
            raise PeerError(
                f"`coordinator` must be host:port of process 0. Received: {self.coordinator}"
            )
        if type(self.processes) is not int or self.processes < 1:
            raise PeerError(f"`processes` must be at least 1. Received: {self.processes}")
        if type(self.process) is not int or not 0 <= self.process < self.processes:
            raise PeerError(
                f"`process` must be a number from 0 to {self.processes - 1}. "
                f"Received: {self.process}"
            )

    @property
    def address(self) -> tuple[str, int]:
        """(host, port) of process 0, where the processes meet."""
        host, _, port = self.coordinator.rpartition(":")
        return host.strip("[]"), int(port)

    @property
    def service(self) -> str:
        """Host and port for the library that computes: the next port."""
        host, _, port = self.coordinator.rpartition(":")
        return f"{host}:{int(port) + 1}"

    def meet(self, facts: Mapping[str, str], timeout: float = 120.0) -> Meeting:
        """Waits for the others and compares notes; returns the `Meeting`.

        Args:
            facts: {name: text}, which must be the same in all processes, e.g. versions.
            timeout: seconds to wait.

        Raises:
            PeerError: in every process that has come, if one is missing after that time, comes
                twice, or has other facts; or if the port is in use.
        """
        deadline = time.monotonic() + timeout
        if self.process == 0:
            return Meeting(self, _receive(self, facts, deadline, timeout))
        return Meeting(self, {0: _present(self, facts, deadline, timeout)})


class Meeting:
    """What keeps the processes of a run together until they end.

    A small process of its own holds the connections to the others (from all but 0: to process 0
    alone). When another process is gone, it says so and ends this one: nothing it holds is half
    written, and the computation it waits for would never come. It is no thread, since a library
    whose peer has died may abort this process before any thread could say why.
    """

    def __init__(self, peers: Peers, connections: dict[int, Any]) -> None:
        names = {
            number: f"process {number}" + (f" at {peers.coordinator}" if number == 0 else "")
            for number in connections
        }
        numbers = {connection.fileno(): names[n] for n, connection in connections.items()}
        self._watch = subprocess.Popen(
            [sys.executable, str(_WATCH), str(os.getpid()), json.dumps(numbers)],
            stdin=subprocess.PIPE,
            pass_fds=list(numbers),
        )
        for connection in connections.values():
            connection.close()

    def close(self, goodbye: bool) -> None:
        """Ends the connections; without a goodbye the other processes end as well."""
        pipe = self._watch.stdin
        assert pipe is not None  # it was asked for
        if goodbye:
            with contextlib.suppress(BrokenPipeError):
                pipe.write(b".")
                pipe.flush()
        else:
            self._watch.terminate()
        pipe.close()
        self._watch.wait()


def _receive(peers, facts, deadline, timeout):
    """Process 0: returns {process: connection} of all others."""
    host, port = peers.address
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    connections = {}
    try:
        listener = socket.create_server(("", port), family=family, backlog=peers.processes)
    except OSError as error:
        raise PeerError(
            f"Port {port} cannot be used here ({os.strerror(error.errno)}); choose another for "
            "`coordinator`, in all processes."
        ) from error
    with listener:
        while len(connections) < peers.processes - 1:
            listener.settimeout(max(deadline - time.monotonic(), 0.01))
            try:
                connection, _ = listener.accept()
            except TimeoutError:
                missing = sorted(set(range(1, peers.processes)) - set(connections))
                numbers = ", ".join(map(str, missing))
                _refuse(
                    connections.values(),
                    f"Process {numbers} did not come to {peers.coordinator} within "
                    f"{timeout:.0f} s; start it, or repair the network between the machines.",
                )
            try:
                theirs = _read(connection, deadline)
                if not {"process", "processes", "facts"} <= set(theirs):
                    raise ValueError("no process of a run")
            except (OSError, ValueError):  # somebody else, who looks for open ports
                connection.close()
                continue
            problem = _problem(peers, facts, theirs, connections)
            if problem:
                _refuse([connection, *connections.values()], problem)
            connections[theirs["process"]] = connection
    for connection in connections.values():
        _send(connection, {"error": None})
    return connections


def _problem(peers, facts, theirs, connections):
    number = theirs["process"]
    if theirs["processes"] != peers.processes:
        return (
            f"Process {number} was started with `processes` = {theirs['processes']}, process 0 "
            f"with `processes` = {peers.processes}."
        )
    if number in connections:
        return f"Two processes were started with `process` = {number}; number them from 0."
    differing = [name for name in facts if theirs["facts"].get(name) != facts[name]]
    if differing:
        details = "; ".join(
            f"{name}: {facts[name]} in process 0, {theirs['facts'].get(name)} in process {number}"
            for name in differing
        )
        return f"The processes do not run the same ({details})."
    return None


def _present(peers, facts, deadline, timeout):
    """All others: returns the connection to process 0."""
    while True:
        try:
            connection = socket.create_connection(peers.address, timeout=5)
            break
        except OSError as error:
            if time.monotonic() > deadline:
                raise PeerError(
                    f"Nobody answers at {peers.coordinator}, the address of process 0, since "
                    f"{timeout:.0f} s ({error.strerror or error}); start process 0 there, or "
                    "correct `coordinator`."
                ) from error
            time.sleep(0.2)
    _send(connection, {"process": peers.process, "processes": peers.processes, "facts": facts})
    try:
        answer = _read(connection, deadline + 5)
    except (OSError, ValueError) as error:
        raise PeerError(
            f"{peers.coordinator} does not answer as process 0 of a run would; start that first, "
            "or correct `coordinator`."
        ) from error
    if answer["error"]:
        raise PeerError(answer["error"])
    # From now on silence is no news: only the end of the connection is.
    connection.settimeout(None)
    return connection


def _refuse(connections, sentence):
    for connection in connections:
        with contextlib.suppress(OSError):
            _send(connection, {"error": sentence})
            connection.close()
    raise PeerError(sentence)


def _send(connection, message):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    connection.sendall(json.dumps(message).encode() + b"\n")


def _read(connection, deadline):
    """Reads one line of JSON."""
    data = b""
    while not data.endswith(b"\n"):
        connection.settimeout(max(deadline - time.monotonic(), 0.01))
        part = connection.recv(4096)
        if not part:
            raise ValueError("the connection ended")
        data += part
    connection.settimeout(None)
    message = json.loads(data)
    if not isinstance(message, dict):
        raise ValueError("no message of a process")
    return message
