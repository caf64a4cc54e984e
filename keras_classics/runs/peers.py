"""The processes of one run on several machines: they meet before they train, and watch each other.

JAX aborts a process, or lets it wait for half a minute, where another is missing, runs something
else, or dies (benchmarks/results/scaling.md). So all processes first meet at the address of process
0, compare what they are about to do, and keep the connections open: when one breaks, every process
ends at once with a sentence that names the lost one. `watch` is what does it.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from keras_classics import compat
from keras_classics.errors import UserError
from keras_classics.runs.watch import SECRET, is_here, where_to_listen

_WATCH = Path(__file__).with_name("watch.py")
_SHORTEST = 16  # characters of a secret


def is_address(text: str, highest: int = 2**16 - 1) -> bool:
    """Whether a text is host:port or [IPv6]:port, with a port from 1 to the highest.

    Example:
        >>> from keras_classics.runs.peers import is_address
        >>> is_address("10.0.0.1:8476"), is_address("http://10.0.0.1:8476")
        (True, False)
    """
    found = re.fullmatch(r"(\[[^\s/\[\]]+\]|[^\s/:\[\]]+):([0-9]{1,5})", str(text))
    if found is None or not 0 < int(found[2]) <= highest:
        return False
    try:
        found[1].encode("idna")  # as whoever looks for the host does
    except UnicodeError:
        return False
    return "\0" not in found[1]


class PeerError(UserError):
    """Processes that cannot train together; the message is one sentence for the user."""


@dataclass(frozen=True)
class Peers:
    """Which of how many processes this one is, and where they meet.

    Args:
        coordinator: "host:port" of process 0, as the others reach it; the port and the next one
            must be free there. Process 0 listens at this address and at no other, or at all of its
            own where its machine knows the name as loopback only.
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

    @classmethod
    def found(cls) -> Peers:
        """Returns what SLURM, Open MPI or another cluster that JAX knows says of this process.

        Raises:
            PeerError: if none says anything, or that there is one process only.
        """
        try:
            cluster = compat.cluster()
        except (ValueError, RuntimeError, LookupError) as error:
            raise PeerError(
                f"The cluster's variables cannot be read ({error}); give --coordinator, "
                "--processes and --process."
            ) from error
        if cluster is None:
            raise PeerError(
                "`strategy` multi_machine needs --coordinator, --processes and --process, or to be "
                "started by SLURM's srun or Open MPI's mpirun, of which nothing is seen here."
            )
        host, port, processes, process = cluster
        if processes == 1:
            raise PeerError(
                "The cluster says that this job has one process, and `strategy` multi_machine is "
                "for several; start more (srun -N 2 …), or leave it out."
            )
        host = f"[{host}]" if ":" in host and "[" not in host else host
        return cls(f"{host}:{min(port, 2**16 - 2)}", processes, process)

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

    @property
    def listening(self) -> str:
        """Host and port at which process 0 listens for that library: where the others come."""
        host = where_to_listen(self.address[0])
        return self.service if host is not None else f"[::]:{self.address[1] + 1}"

    def meet(self, facts: Mapping[str, str], timeout: float = 120.0) -> Meeting:
        """Waits for the others and compares notes; returns the `Meeting`.

        The environment variable KERAS_CLASSICS_SECRET holds what all processes know and strangers
        do not; it may be missing where the address is one of this machine alone (127.0.0.1).

        Args:
            facts: {name: text}, which must be the same in all processes, e.g. versions.
            timeout: seconds to wait.

        Raises:
            PeerError: in every process that has come, if one is missing after that time, comes
                twice, or has other facts; if the secret is missing or another; or if the port is in
                use.
        """
        host, port = self.address
        secret = os.environ.get(SECRET, "")
        if len(secret) < _SHORTEST and (secret or not is_here(host)):
            raise PeerError(
                f"Set {SECRET} to a text of {_SHORTEST} characters or more, the same in all "
                f"processes: {host} can be reached from other machines, and strangers must not "
                "take part."
            )
        plan = {"coordinator": self.coordinator, "host": host, "port": port, "secret": secret}
        plan |= {"processes": self.processes, "process": self.process}
        return Meeting(
            {**plan, "facts": dict(facts), "timeout": timeout, "own_host": socket.gethostname()}
        )


class Meeting:
    """What keeps the processes of a run together until they end.

    A small process of its own holds the connections. When another process is gone, it says so and
    ends this one: nothing it holds is half written, and the computation it waits for would never
    come.

    Args:
        plan: what `watch` needs to know.

    Attributes:
        neighbours: how many of the processes are on this machine, this one among them.
    """

    def __init__(self, plan: Mapping[str, object]) -> None:
        self._watch = subprocess.Popen(
            # Alone (-I): no module of ours or of the user's takes the place of Python's own.
            [sys.executable, "-I", str(_WATCH), str(os.getpid())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        try:
            self._write(json.dumps(plan).encode() + b"\n")
            outcome = self._read() or {"error": "The process that meets the others was ended."}
            if outcome["error"] is not None:
                raise PeerError(outcome["error"])
        except BaseException:  # Ctrl-C, too: a notebook lives on
            self.close(goodbye=False)
            raise
        self.neighbours: int = outcome["neighbours"]

    def _write(self, line):
        pipe = self._watch.stdin
        assert pipe is not None  # it was asked for
        with contextlib.suppress(BrokenPipeError):
            pipe.write(line)
            pipe.flush()

    def _read(self):
        assert self._watch.stdout is not None
        return json.loads(self._watch.stdout.readline() or "null")

    def fails(self) -> bool:
        """Whether all processes fail, as this one does: they have seconds to say so.

        Where another one was lost, and this one fails for that, it is ended meanwhile.
        """
        self._write(b"!")
        outcome = self._read()
        return outcome is not None and outcome["all_failed"]

    def close(self, goodbye: bool) -> None:
        """Ends the connections; without a goodbye the other processes end as well."""
        if goodbye:
            self._write(b".")
        else:
            self._watch.terminate()
        with contextlib.suppress(BrokenPipeError):
            self._watch.communicate()
