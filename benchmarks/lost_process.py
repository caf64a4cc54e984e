"""What the other processes of a run do when one is killed: JAX alone, and with our watch.

    python -m benchmarks.lost_process                     # everything, about twenty minutes
    python -m benchmarks.lost_process --heartbeats 3      # JAX alone with this heartbeat, and ours

Two and three processes on this machine; the first or the last is killed while all
- compute a sum over all devices again and again ("in a step"),
- wait, each by itself, as for pictures ("between steps"),
- meet at a barrier of JAX's service, to which the killed one does not come ("at a barrier"),
- leave, by `jax.distributed.shutdown` ("at exit").
A row says when the last of the others had ended, with which statuses, and what they said last.
"""

import collections
import contextlib
import itertools
import os
import signal
import socket
import subprocess
import sys
import threading
import time

from benchmarks import machine

WHEN = ("in a step", "between steps", "at a barrier", "at exit")
_PATIENCE = 45.0  # seconds after which it is called endless


def _free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def work(port, processes, process, when, heartbeat, watch):
    """One process; says "ready" where it can be killed."""
    import jax
    from jax.experimental import multihost_utils

    with together(port, processes, process, heartbeat, watch):
        multihost_utils.sync_global_devices("all are here")
        print("ready", flush=True)
        if sys.stdin.readline() == "lost\n":  # only who is to be killed is told
            time.sleep(1000)
        while when == "in a step":
            multihost_utils.process_allgather(jax.numpy.ones(1000))
        if when == "at a barrier":
            multihost_utils.sync_global_devices("one will not come")
        if when == "between steps":
            time.sleep(1000)


@contextlib.contextmanager
def together(port, processes, process, heartbeat, watch):
    """Joins the other processes, by JAX alone or as a run does."""
    import jax

    address = f"127.0.0.1:{port}"
    if not watch:
        jax.distributed.initialize(address, processes, process, heartbeat_timeout_seconds=heartbeat)
        yield
        jax.distributed.shutdown()
        return
    from keras_classics.cli.recipe_files import load_recipe
    from keras_classics.runs.compute import Compute
    from keras_classics.runs.distribution import distribute
    from keras_classics.runs.peers import Peers

    peers = Peers(address, processes, process)
    recipe = load_recipe("lenet5_mnist").RECIPE
    with distribute(Compute(strategy="multi_machine", peers=peers), recipe):
        yield


def lose(processes, lost, when, heartbeat, watch):
    """Kills one of so many; returns (seconds, statuses, last lines) of the others."""
    port = _free_port()
    arguments = ("--work", port, processes)
    environment = {**os.environ, "KERAS_BACKEND": "jax", "TF_CPP_MIN_LOG_LEVEL": "3"}
    started = [
        subprocess.Popen(
            machine.command("lost_process", *arguments, number, when, heartbeat, int(watch)),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, env=environment,
        )
        for number in range(processes)
    ]  # fmt: skip
    for process in started:
        if not any(line == "ready\n" for line in process.stdout):  # the library says more
            raise RuntimeError(process.stderr.read())
    for number, process in enumerate(started):
        process.stdin.write("lost\n" if number == lost else "go\n")
        process.stdin.flush()
    time.sleep(1.0)
    started[lost].send_signal(signal.SIGKILL)
    begun = time.monotonic()
    others = [process for number, process in enumerate(started) if number != lost]
    ends, texts = {}, collections.defaultdict(str)

    def attend(process):
        try:
            _, texts[process.pid] = process.communicate(timeout=_PATIENCE)
            ends[process.pid] = time.monotonic() - begun
        except subprocess.TimeoutExpired:
            process.kill()
            _, texts[process.pid] = process.communicate()

    threads = [threading.Thread(target=attend, args=(process,)) for process in others]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    started[lost].communicate()
    seconds = max(ends.values()) if len(ends) == len(others) else None
    return seconds, [process.returncode for process in others], [texts[p.pid] for p in others]


def _told(text):
    """How many lines a process wrote, and the last that says something."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if "rror" in line] or lines or ["nothing"]
    return f"{len(lines)} lines: {errors[-1][:150]}"


def main():
    parser = machine.parser(__doc__)
    parser.add_argument("--work", nargs=6, help="one of the processes, started by the others")
    parser.add_argument("--heartbeats", type=int, nargs="*", default=[30, 10, 3])
    arguments = parser.parse_args()
    if arguments.work:
        port, processes, process, when, heartbeat, watch = arguments.work
        work(int(port), int(processes), int(process), when, int(heartbeat), watch == "1")
        return
    print(machine.described())
    print("| who watches | processes | killed | when | seconds | statuses | said |")
    print("|---|---|---|---|---|---|---|")
    watches = [*((heartbeat, False) for heartbeat in arguments.heartbeats), (30, True)]
    cases = itertools.product(watches, (2, 3), ("first", "last"), WHEN)
    for (heartbeat, watch), processes, which, when in list(cases)[-1 if arguments.smoke else 0 :]:
        lost = 0 if which == "first" else processes - 1
        seconds, statuses, texts = lose(processes, lost, when, heartbeat, watch)
        who = "ours" if watch else f"JAX, {heartbeat} s"
        time_taken = f"over {_PATIENCE:.0f}" if seconds is None else f"{seconds:.1f}"
        print(
            f"| {who} | {processes} | {which} | {when} | {time_taken} | "
            f"{', '.join(map(str, statuses))} | {' / '.join(map(_told, texts))} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
