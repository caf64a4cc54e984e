"""Processes that meet before a run: real sockets, one thread or process for each peer."""

import asyncio
import contextlib
import hmac
import json
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from keras_classics.runs import peers, watch
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
        f"Nobody answered at 127.0.0.1:{port}, the address of process 0, for 0 s (Connection "
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


def line(message, secret="", nonce=""):
    """A line as `watch` describes it, written a second time."""
    text = message if isinstance(message, bytes) else json.dumps(message).encode()
    signed = nonce.encode() + b"\n" + text
    return hmac.new(secret.encode(), signed, "sha256").hexdigest().encode() + b" " + text + b"\n"


OWN = {"process": 1, "processes": 2, "facts": FACTS, "nonce": "0" * 32, "host": "there"}
OTHER_SECRET = "the secret of a stranger"

# What strangers say, who do not know the secret; in the place of NONCE what they were given.
UNSIGNED = {
    "nothing": b"",
    "a browser": b"GET / HTTP/1.1\r\nHost: here\r\n\r\n",
    "a browser in secret": bytes.fromhex("16030100c8010000c40303") + bytes(190),
    "gRPC": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a list": b"[1]\n",
    "a number alone": b'{"process": 1}\n',
    "no facts": b'{"process": 1, "facts": []}\n',
    "a process too many": b'{"process": 99, "processes": 2, "facts": {}}\n',
    "another number of processes": b'{"process": 1, "processes": 9, "facts": {}}\n',
    "a goodbye": b".",
    "a loss": b"1\n",
    "an empty line": b"\n",
    "no text": b" \n",
    "half a line": b'{"process": 1',
    "twelve megabytes": b"x" * 12_000_000,
    "a long line": b"0" * 64 + b" " + b"x" * 65_536 + b"\n",
    "zeros": bytes(1000) + b"\n",
    "no UTF-8": b"\xff\xfe\xfd \xff{}\n",
    "escapes": b'\x1b[2J\x1b]0;owned\x07 {"process": "\x1b[2J"}\n',
    "a deep list": b"0 " + b"[" * 30_000 + b"\n",
    "a large number": b"0 " + b"9" * 30_000 + b"\n",
    "a signature that is a text": b"\xc3\xa9 {}\n",
    "nobody's signature": line(OWN),
    "another secret": line(OWN, OTHER_SECRET, "NONCE"),
    "a refusal": line({"error": "secret"}),
}
# What a process could say that knows the secret, and is broken.
SIGNED = {
    "no object": b"[]",
    "negative": {**OWN, "process": -1},
    "too many": {**OWN, "process": 2},
    "true": {**OWN, "process": True},
    "a text": {**OWN, "process": "1"},
    "a fraction": {**OWN, "process": 1.0},
    "endless": {**OWN, "process": 10**9, "processes": 10**9 + 1},
    "no facts": {**OWN, "facts": []},
    "facts that are no texts": {**OWN, "facts": {"keras": ["3"]}},
    "no nonce": {key: value for key, value in OWN.items() if key != "nonce"},
    "not a number": b'{"process": NaN, "processes": 2}',
}


def greeting(connection):
    """Returns the nonce that process 0 gives whoever comes."""
    return json.loads(connection.recv(1000).split(b" ", 1)[1])["nonce"]


def visit(port, content, secret=""):
    """Says something to process 0, and waits until it has heard enough or a moment has passed."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        nonce = greeting(connection)
        if not isinstance(content, bytes):
            content = line(content, secret, nonce)
        with contextlib.suppress(ConnectionError):  # it hangs up where there is too much
            connection.sendall(content.replace(b"NONCE", nonce.encode()))
            connection.shutdown(socket.SHUT_WR)
            connection.settimeout(2)
            connection.recv(1000)


@pytest.mark.parametrize("secret", ["", "sixteen characters at least"])
def test_strangers_do_no_harm(port, secret, monkeypatch):
    monkeypatch.setenv("KERAS_CLASSICS_SECRET", secret)
    results = []
    first = threading.Thread(target=lambda: results.extend(meet(port, 0, timeout=100.0)))
    first.start()
    connect(port).close()
    silent = [connect(port) for _ in range(20)]
    for name, content in UNSIGNED.items():
        print(name)
        visit(port, content)
    for name, content in SIGNED.items():
        print("signed:", name)
        visit(port, content, secret)
    aborted = connect(port)
    aborted.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    aborted.close()  # by a reset
    meetings = meet(port, 1)
    first.join()
    peak = peak_memory(results[0]._watch.pid)
    for meeting in [*meetings, *results]:
        assert meeting.neighbours == 2
        meeting.close(goodbye=True)
    for connection in silent:
        connection.close()
    # Python and asyncio have 30 MiB, and 100 connections with 128 KiB each 12 more.
    assert peak < 60 * 2**20


def connect(port):
    """A connection to process 0 as soon as it listens."""
    for _ in range(100):
        with contextlib.suppress(ConnectionRefusedError):
            return socket.create_connection(("127.0.0.1", port), timeout=20)
        time.sleep(0.1)
    raise AssertionError("process 0 does not listen")


def peak_memory(process):
    with open(f"/proc/{process}/status") as file:
        return 1024 * int(re.search(r"VmHWM:\s+(\d+) kB", file.read())[1])


def test_a_crowd_at_the_door(port):
    """Whoever belongs here comes again until there is room."""
    results = []
    first = threading.Thread(target=lambda: results.extend(meet(port, 0, timeout=60.0)))
    first.start()
    crowd = [connect(port) for _ in range(200)]
    meetings = meet(port, 1, timeout=60.0)
    first.join()
    for meeting in [*meetings, *results]:
        meeting.close(goodbye=True)
    for connection in crowd:
        connection.close()


@pytest.mark.parametrize(
    "answers",
    [
        [b"x" * 12_000_000],
        [b"\x1b[2J\n"],
        [line({"nonce": "\ud800"}), line({"error": None, "neighbours": 1}, OTHER_SECRET)],
        [line({"nonce": 1}), line({"error": "\x1b[2J", "neighbours": 0}, OTHER_SECRET)],
        [line({"nonce": "1"}), b"."],
        [line({"nonce": "1"}), b"x" * 12_000_000],
    ],
)
def test_a_stranger_in_the_place_of_process_0(port, answers):
    with socket.create_server(("127.0.0.1", port)) as server:

        def answer():
            connection, _ = server.accept()
            with connection, contextlib.suppress(ConnectionError):
                for number, content in enumerate(answers):
                    if number:
                        connection.recv(1000)
                    connection.sendall(content)

        thread = threading.Thread(target=answer)
        thread.start()
        (error,) = meet(port, 1, timeout=2.0)
        thread.join()
    assert error == (
        f"127.0.0.1:{port} does not answer as process 0 of a run would; start that first, or "
        "correct `coordinator`."
    )


def test_what_others_say_moves_no_cursor(port):
    errors = meet(port, 0, 1, facts={1: {**FACTS, "keras": "\x1b[2J" + "3" * 1000}})
    (error,) = set(errors)
    assert error == (
        "The processes do not run the same (keras: 3.15.1 in process 0, ?[2J"
        f"{'3' * 96} in process 1)."
    )


def test_another_secret(port, monkeypatch):
    monkeypatch.setenv("KERAS_CLASSICS_SECRET", "that of process zero")
    results = []
    first = threading.Thread(target=lambda: results.extend(meet(port, 0, timeout=4.0)))
    first.start()
    time.sleep(1.0)
    monkeypatch.setenv("KERAS_CLASSICS_SECRET", OTHER_SECRET)
    assert meet(port, 1) == [
        f"Process 1 has another secret than process 0 at 127.0.0.1:{port}; give all the same "
        "KERAS_CLASSICS_SECRET."
    ]
    first.join()
    assert results == [
        f"Process 1 did not come to 127.0.0.1:{port} within 4 s (1 came with another secret); "
        "start it, or repair the network between the machines."
    ]


@pytest.mark.parametrize("secret", [None, "short"])
@pytest.mark.parametrize("host", ["10.0.0.1", "somewhere", "[fe80::1]", "0.0.0.0"])
def test_several_machines_need_a_secret(host, secret, monkeypatch):
    monkeypatch.delenv("KERAS_CLASSICS_SECRET", raising=False)
    if secret is not None:
        monkeypatch.setenv("KERAS_CLASSICS_SECRET", secret)
    with pytest.raises(PeerError) as raised:
        Peers(f"{host}:8476", 2, 1).meet(FACTS)
    assert str(raised.value) == (
        "Set KERAS_CLASSICS_SECRET to a text of 16 characters or more, the same in all "
        f"processes: {host.strip('[]')} can be reached from other machines, and strangers must not "
        "take part."
    )


def test_process_0_elsewhere(monkeypatch):
    monkeypatch.setenv("KERAS_CLASSICS_SECRET", "sixteen characters at least")
    for host in ("192.0.2.1", "nowhere.invalid"):  # addresses that nobody has, RFC 5737 and 6761
        with pytest.raises(PeerError) as raised:
            Peers(f"{host}:8476", 2, 0).meet(FACTS)
        assert str(raised.value) == (
            f"{host} is no address of this machine, on which process 0 runs; correct "
            "`coordinator`, in all processes."
        )


def test_who_left_before_all_had_come_may_come_again(port):
    results = []
    first = threading.Thread(target=lambda: results.extend(meet(port, 0, processes=3)))
    first.start()
    with connect(port) as connection:
        connection.sendall(line({**OWN, "processes": 3}, "", greeting(connection)))
        time.sleep(0.5)
    meetings = meet(port, 1, 2, processes=3)
    first.join()
    for meeting in [*meetings, *results]:
        meeting.close(goodbye=True)


def plan(port, process, **changes):
    return {
        "coordinator": "there", "host": "127.0.0.1", "port": port, "secret": "", "facts": FACTS,
        "processes": 2, "process": process, "timeout": 10.0, "own_host": "here", **changes,
    }  # fmt: skip


def test_who_comes_twice_when_all_have_come_harms_nobody(port):
    async def all_and_one_more():
        first, second = watch.First(plan(port, 0)), watch.Other(plan(port, 1))
        meeting = asyncio.ensure_future(first.meet())
        await asyncio.sleep(0.2)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        nonce = json.loads((await reader.readline()).split(b" ", 1)[1])["nonce"]
        await asyncio.gather(meeting, second.meet())
        with contextlib.closing(writer):
            writer.write(line(OWN, "", nonce))
            assert await reader.read() == b""
        await asyncio.wait([first.lost, second.lost], timeout=0.5)
        assert not first.lost.done() and not second.lost.done()

    asyncio.run(all_and_one_more())


def test_process_0_may_come_late(port, monkeypatch):
    """It waits from then on, and the others as long, to learn who is missing."""
    monkeypatch.setattr(watch, "_PROOF", 0.5)

    async def both():
        changes = {"processes": 3, "timeout": 2.0}
        second = asyncio.ensure_future(watch.Other(plan(port, 1, **changes)).meet())
        await asyncio.sleep(1.5)
        first = watch.First(plan(port, 0, **changes)).meet()
        return await asyncio.gather(first, second, return_exceptions=True)

    for error in asyncio.run(both()):
        assert str(error).startswith("Process 2 did not come to there within 2 s;")


def test_names_of_machines_as_long_as_they_may_be(port):
    changes = {"processes": 3, "own_host": "x" * 60_000}

    async def three():
        watches = [
            watch.First(plan(port, 0, **changes)),
            watch.Other(plan(port, 1, **changes)),
            watch.Other(plan(port, 2, **{**changes, "own_host": "another"})),
        ]
        return await asyncio.gather(*(one.meet() for one in watches))

    assert asyncio.run(three()) == [2, 2, 1]


def test_any_secret_and_long_facts(port, monkeypatch):
    """Bytes that are no UTF-8, as of /dev/urandom, and as many as a variable may have."""
    monkeypatch.setenv("KERAS_CLASSICS_SECRET", os.fsdecode(b"\xff\xfe\x1b" * 40_000))
    facts = {"recipe": "x" * 60_000}
    meetings = meet(port, 0, 1, facts={0: facts, 1: facts})
    for meeting in meetings:
        meeting.close(goodbye=True)


def test_ctrl_c_while_waiting_leaves_nothing_behind(port):
    def interrupt(*_):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 1.0)
    try:
        with pytest.raises(KeyboardInterrupt):
            Peers(f"127.0.0.1:{port}", 2, 0).meet(FACTS)
    finally:
        signal.signal(signal.SIGALRM, before)
    socket.create_server(("127.0.0.1", port)).close()


def test_no_other_module_takes_the_place_of_pythons(port, monkeypatch, tmp_path):
    (tmp_path / "secrets.py").write_text("raise SystemExit")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (meeting,) = meet(port, 0, processes=1)
    meeting.close(goodbye=True)


SLURM = {
    "SLURM_JOB_ID": "4242",
    "SLURM_STEP_NODELIST": "node[007-009],other",
    "SLURM_NTASKS": "4",
    "SLURM_PROCID": "2",
    "SLURM_LOCALID": "0",
}
OPEN_MPI = {
    "OMPI_MCA_orte_hnp_uri": "1531576320.0;tcp://10.96.0.1,10.148.0.1:34911",
    "OMPI_COMM_WORLD_SIZE": "2",
    "OMPI_COMM_WORLD_RANK": "1",
    "OMPI_COMM_WORLD_LOCAL_RANK": "0",
}


@pytest.mark.parametrize(
    ("variables", "found"),
    [
        (SLURM, Peers("node007:61586", 4, 2)),
        ({**SLURM, "SLURM_JOB_ID": "4095"}, Peers("node007:65534", 4, 2)),  # the next is free, too
        (OPEN_MPI, Peers("10.96.0.1:62624", 2, 1)),
        (
            {**OPEN_MPI, "OMPI_MCA_orte_hnp_uri": "4096.0;tcp6://[fe80::1,fe80::2]:34911"},
            Peers("[fe80::1]:61441", 2, 1),
        ),
    ],
)
def test_a_cluster_tells(variables, found, monkeypatch):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert Peers.found() == found


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        (
            {},
            "`strategy` multi_machine needs --coordinator, --processes and --process, or to be "
            "started by SLURM's srun or Open MPI's mpirun, of which nothing is seen here.",
        ),
        (
            {**SLURM, "SLURM_NTASKS": "1", "SLURM_PROCID": "0"},
            "The cluster says that this job has one process, and `strategy` multi_machine is for "
            "several; start more (srun -N 2 …), or leave it out.",
        ),
        (
            {**SLURM, "SLURM_NTASKS": "many"},
            "The cluster's variables cannot be read (invalid literal for int() with base 10: "
            "'many'); give --coordinator, --processes and --process.",
        ),
        (
            {**SLURM, "JAX_COORDINATOR_PORT": "http"},
            "The cluster's variables cannot be read (invalid literal for int() with base 10: "
            "'http'); give --coordinator, --processes and --process.",
        ),
        ({**SLURM, "SLURM_PROCID": "7"}, "`process` must be a number from 0 to 3. Received: 7"),
    ],
)
def test_a_cluster_that_tells_nothing_of_use(variables, message, monkeypatch):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(PeerError) as raised:
        Peers.found()
    assert str(raised.value) == message


PROCESS = """
import signal, sys, time, types
# Without its package, which imports Keras: that takes seconds, and there are many processes.
package = types.ModuleType("keras_classics.runs")
package.__path__ = [sys.argv[1]]
sys.modules[package.__name__] = package
from keras_classics.runs.peers import Peers
number, port, end = int(sys.argv[2]), sys.argv[3], sys.argv[4]
meeting = Peers(f"127.0.0.1:{port}", 3, number).meet({}, 60.0)
if end == "deaf":
    signal.signal(signal.SIGTERM, lambda *_: meeting.fails())
print("met", flush=True)
if end in ("wait", "deaf"):
    time.sleep(60)
sys.stdin.readline()
if end == "fail":
    print(meeting.fails())
meeting.close(goodbye=end != "fail")
time.sleep(1)
"""


FOLDER = str(Path(peers.__file__).parent)


def start(port, ends, errors=subprocess.PIPE):
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", PROCESS, FOLDER, str(number), str(port), end],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True,
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
        name = "process 2" if lost else f"process 0 at 127.0.0.1:{port}"
        assert errors == (
            f"error: {name} of this run has ended; start all processes again with the same "
            "commands to continue from the last checkpoint.\n"
        )
    # Its own watch survives it, and takes the end of the others for no other loss.
    assert processes[lost].communicate(timeout=30) == ("", "")


def test_two_are_killed(port):
    processes = start(port, ["wait"] * 3)
    for process in processes[:2]:
        process.kill()
    for process in processes:
        _, errors = process.communicate(timeout=30)
        assert "Traceback" not in errors
    assert processes[2].returncode == -signal.SIGTERM and errors.startswith("error: process ")


def test_nobody_reads_the_sentence(port):
    read, write = os.pipe()
    os.close(read)
    processes = start(port, ["wait"] * 3, errors=write)
    os.close(write)
    processes[2].kill()
    for process in processes[:2]:
        process.communicate(timeout=30)
        assert process.returncode == -signal.SIGTERM
    processes[2].communicate()


def test_who_does_not_end_when_asked_is_ended(port):
    processes = start(port, ["wait", "deaf", "wait"])
    processes[2].kill()
    for process in processes:
        process.communicate(timeout=30)
    assert processes[1].returncode == -signal.SIGKILL


def test_who_fails_and_is_killed_meanwhile(port):
    processes = start(port, ["fail", "wait", "wait"])
    processes[0].stdin.write("\n")
    processes[0].stdin.flush()
    time.sleep(0.5)
    processes[0].kill()
    assert processes[0].communicate(timeout=30) == ("", "")
    for process in processes[1:]:
        _, errors = process.communicate(timeout=30)
        assert errors.startswith("error: process 0")


def test_two_of_three_fail(port):
    """Each of them tells its user why; none takes it for a failure of all."""
    processes = start(port, ["fail", "fail", "wait"])
    for process in processes[:2]:
        process.stdin.write("\n")
        process.stdin.flush()
    for process in processes[:2]:
        assert process.communicate(timeout=30) == ("False\n", "")
    _, errors = processes[2].communicate(timeout=30)
    assert processes[2].returncode == -signal.SIGTERM and errors.startswith("error: process ")


def test_a_failure_of_all_and_a_failure_of_one(port):
    """Of all: each tells its own user. Of one: the others end, and say whose."""
    meetings = meet(port, 0, 1, 2, processes=3)
    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(lambda meeting: meeting.fails(), meetings)) == [True] * 3
    for meeting in meetings:
        meeting.close(goodbye=True)
    (alone,) = meet(port, 0, processes=1)
    assert alone.fails()
    alone.close(goodbye=True)

    for fails in (0, 2):
        processes = start(port, ["fail" if number == fails else "wait" for number in range(3)])
        begun = time.monotonic()
        processes[fails].stdin.write("\n")
        processes[fails].stdin.flush()
        for number, process in enumerate(processes):
            output, errors = process.communicate(timeout=30)
            if number == fails:
                assert (process.returncode, output, errors) == (0, "False\n", "")
            else:
                assert process.returncode == -signal.SIGTERM
                assert errors.startswith(f"error: process {fails}")
        assert time.monotonic() - begun < 10


def test_who_says_goodbye_ends_nobody(port):
    processes = start(port, ["goodbye"] * 3)
    for process in processes:
        _, errors = process.communicate("\n", timeout=30)
        assert process.returncode == 0 and not errors


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
        *(
            (
                (f"{host}:80", 2, 0),
                f"`coordinator` must be host:port of process 0. Received: {host}:80",
            )
            for host in ("fe80::1", "a..b", "x" * 64, "\udcff", "\0", "[]", "a]")
        ),
        (("h:80", 0, 0), "`processes` must be at least 1. Received: 0"),
        (("h:80", 2, 2), "`process` must be a number from 0 to 1. Received: 2"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(PeerError) as raised:
        Peers(*arguments)
    assert str(raised.value) == message
