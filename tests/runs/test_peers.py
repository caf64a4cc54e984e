"""Processes that meet before a run: real sockets, one thread or process for each peer."""

import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

from keras_classics.runs import peers
from keras_classics.runs.peers import PeerError, Peers

FACTS = {"keras": "3.15.1", "recipe": "0123456789ab"}


@pytest.fixture
def port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def meet(port, *numbers, processes=2, facts=None, timeout=20.0):
    """Lets processes with these numbers meet; returns what each gets, an error or a meeting."""
    results = [None] * len(numbers)

    def one(place, number):
        peer = Peers(f"127.0.0.1:{port}", processes, number)
        try:
            results[place] = peer.meet((facts or {}).get(place, FACTS), timeout)
        except PeerError as error:
            results[place] = str(error)

    threads = [threading.Thread(target=one, args=pair) for pair in enumerate(numbers)]
    for thread in threads:
        thread.start()
        time.sleep(0.1)
    for thread in threads:
        thread.join()
    return results


def test_all_come_whoever_is_first(port):
    meetings = meet(port, 2, 0, 1, processes=3)
    for meeting in meetings:
        meeting.close(goodbye=True)


def test_one_alone(port):
    (meeting,) = meet(port, 0, processes=1)
    meeting.close(goodbye=True)


def test_a_peer_that_never_comes(port):
    started = time.monotonic()
    first, second = meet(port, 0, 2, processes=3, timeout=1.0)
    assert time.monotonic() - started < 10
    assert (
        first
        == second
        == (
            f"Process 1 did not come to 127.0.0.1:{port} within 1 s; start it, or repair the "
            "network between the machines."
        )
    )


def test_nobody_at_the_address(port):
    (error,) = meet(port, 1, timeout=0.5)
    assert error == (
        f"Nobody answers at 127.0.0.1:{port}, the address of process 0, since 0 s (Connection "
        "refused); start process 0 there, or correct `coordinator`."
    )


def test_something_else_at_the_address(port):
    with socket.create_server(("127.0.0.1", port)) as server:

        def page():
            connection, _ = server.accept()
            connection.recv(10)
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            connection.close()

        thread = threading.Thread(target=page)
        thread.start()
        (error,) = meet(port, 1, timeout=2.0)
        thread.join()
    assert error == (
        f"127.0.0.1:{port} does not answer as process 0 of a run would; start that first, or "
        "correct `coordinator`."
    )


def test_two_with_one_number(port):
    errors = meet(port, 0, 1, 1, processes=3)
    assert set(errors) == {"Two processes were started with `process` = 1; number them from 0."}


def test_two_first_ones(port):
    first, second, _ = meet(port, 0, 0, 1)
    assert second == (
        f"Port {port} cannot be used here (Address already in use); choose another for "
        "`coordinator`, in all processes."
    )
    first.close(goodbye=True)


def test_other_versions_or_another_recipe(port):
    errors = meet(port, 0, 1, facts={1: {**FACTS, "keras": "3.14.0", "recipe": "ba9876543210"}})
    assert set(errors) == {
        "The processes do not run the same (keras: 3.15.1 in process 0, 3.14.0 in process 1; "
        "recipe: 0123456789ab in process 0, ba9876543210 in process 1)."
    }


def test_another_number_of_processes(port):
    results = []

    def first():
        with pytest.raises(PeerError) as raised:
            Peers(f"127.0.0.1:{port}", 2, 0).meet(FACTS, 10.0)
        results.append(str(raised.value))

    thread = threading.Thread(target=first)
    thread.start()
    with pytest.raises(PeerError) as raised:
        Peers(f"127.0.0.1:{port}", 3, 2).meet(FACTS, 10.0)
    thread.join()
    assert {*results, str(raised.value)} == {
        "Process 2 was started with `processes` = 3, process 0 with `processes` = 2."
    }


def test_somebody_who_looks_for_open_ports_is_ignored(port):
    results = []
    thread = threading.Thread(target=lambda: results.extend(meet(port, 0)))
    thread.start()
    time.sleep(0.3)
    for content in (b"", b"GET / HTTP/1.1\r\n", b"[1]\n", b'{"process": 1}\n'):
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(content)
    meetings = [*meet(port, 1), *(thread.join() or results)]
    for meeting in meetings:
        meeting.close(goodbye=True)


PROCESS = """
import runpy, sys, time
# The file alone: importing the package takes seconds, and there are many processes.
Peers = runpy.run_path(sys.argv[1])["Peers"]
number, port, end = int(sys.argv[2]), sys.argv[3], sys.argv[4]
meeting = Peers(f"127.0.0.1:{port}", 3, number).meet({}, 60.0)
print("met", flush=True)
if end == "wait":
    time.sleep(60)
sys.stdin.readline()
meeting.close(goodbye=True)
time.sleep(1)
"""


def start(port, ends):
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", PROCESS, peers.__file__, str(number), str(port), end],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for number, end in enumerate(ends)
    ]  # fmt: skip
    for process in processes:
        assert process.stdout.readline() == "met\n"
    return processes


@pytest.mark.parametrize("lost", [0, 2])
def test_all_end_when_one_is_killed(port, lost):
    processes = start(port, ["wait"] * 3)
    processes[lost].kill()
    others = [process for number, process in enumerate(processes) if number != lost]
    for process in others:
        _, errors = process.communicate(timeout=30)
        assert process.returncode == -signal.SIGTERM
        assert "of this run" in errors and "has ended; start all processes again" in errors
    processes[lost].communicate()


def test_who_says_goodbye_ends_nobody(port):
    processes = start(port, ["goodbye"] * 3)
    for process in processes:
        _, errors = process.communicate("\n", timeout=30)
        assert process.returncode == 0 and "has ended" not in errors


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("localhost", 2, 0), "`coordinator` must be host:port of process 0. Received: localhost"),
        (("h:²", 2, 0), "`coordinator` must be host:port of process 0. Received: h:²"),
        (
            ("http://h:80", 2, 0),
            "`coordinator` must be host:port of process 0. Received: http://h:80",
        ),
        (("h:99999", 2, 0), "`coordinator` must be host:port of process 0. Received: h:99999"),
        (("h:80", 0, 0), "`processes` must be at least 1. Received: 0"),
        (("h:80", 2, 2), "`process` must be a number from 0 to 1. Received: 2"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(PeerError) as raised:
        Peers(*arguments)
    assert str(raised.value) == message
