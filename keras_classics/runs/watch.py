"""The small process that meets the other processes of a run, and watches them until the end.

    python watch.py PARENT < plan, then a goodbye or a failure > outcomes

It runs this file alone, which therefore imports nothing of ours; `peers.Meeting` starts it beside
each process of the run, since a library whose peer has died may abort the process it is in before
any thread of that could say why. All connections are those of process 0 with the others. Of
strangers it takes nothing: who comes must prove within seconds, in a few kilobytes, that it has the
secret. The messages are lines of JSON, each behind the HMAC that the secret gives it together with
what the other side has drawn, so that none can be used twice:

    0 → k   {"nonce"}, which nobody can have signed yet
    k → 0   {"nonce", "process", "processes", "facts", "host"}
    0 → k   {"error", "neighbours"}, when all have come; or {"error": "secret"}, not signed

From then on a dot is a goodbye, an exclamation mark a failure of which the process tells its user
itself, from process 0 that all have failed; a line is the number of a process that is lost, and the
end of a connection the loss of the one behind it. Failures are mostly those of all, who compute the
same: a loss that is NaN, data that are not there.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import hashlib
import hmac
import ipaddress
import json
import os
import re
import secrets
import select
import signal
import socket
import sys
from typing import Any

SECRET = "KERAS_CLASSICS_SECRET"  # the environment variable
_LINE = 64 * 1024  # bytes: facts have hundreds
_PLAN = 1024 * 1024  # bytes: with a secret as long as an environment variable may be
_PROOF = 10.0  # seconds for whoever comes to show that it belongs here
_STRANGERS = 64  # at once; whoever belongs here tries again
_NEWS = 0.5  # seconds that the loss of one process takes to be known to another
_HEAD_START = 0.3  # seconds for the others to end before process 0, which JAX aborts them without
_GRACE = 1.0  # seconds from asking a process to end to ending it
_ALIKE = 3.0  # seconds from the failure of one process to that of all, if it is one
_SHOWN = 100  # characters of what another process says
_GOODBYE, _FAILURE = b".", b"!"
# A machine that vanishes closes no connection: after 5 + 3 · 2 seconds of silence it is lost.
_KEEPALIVE = {"TCP_KEEPIDLE": 5, "TCP_KEEPINTVL": 2, "TCP_KEEPCNT": 3}


class Failure(Exception):
    """A run that cannot begin; the message is one sentence for the user."""


class Stranger(Exception):
    """Somebody who is no process of this run."""


class Watch:
    """What all processes do; `plan` is what `peers.Meeting` writes."""

    def __init__(self, plan: dict[str, Any]) -> None:
        self.plan, self.process = plan, plan["process"]
        self.key = os.fsencode(plan["secret"])  # whatever bytes it has
        # {process: (writer, the nonce it has drawn, its host)}
        self.links: dict[int, tuple[asyncio.StreamWriter, Any, Any]] = {}
        loop = asyncio.get_running_loop()
        self.all_failed = loop.create_future()
        self.lost = loop.create_future()  # the number of the first

    async def meet(self) -> int:
        """Returns how many processes this machine has, once all have met; raises a `Failure`."""
        raise NotImplementedError

    def lose(self, process: int) -> None:
        """Takes note of a loss."""
        if not self.lost.done():
            self.lost.set_result(process)

    def fail(self, process: int) -> None:
        """Takes note of a failure, be it of this process or of another."""
        raise NotImplementedError

    async def run(self, parent: asyncio.StreamReader) -> int | None:
        """Meets, tells the parent, and watches; returns the process that was lost, or None."""
        meeting = asyncio.ensure_future(self.meet())
        leaving = asyncio.ensure_future(parent.read(1))
        await _first_of(leaving, meeting)
        if leaving.done():
            return None
        try:
            neighbours = meeting.result()
        except Failure as failure:
            _tell({"error": str(failure)})
            return None
        _tell({"error": None, "neighbours": neighbours})
        await _first_of(leaving, self.lost)
        if leaving.done() and leaving.result() == _FAILURE:
            leaving = await self._fails_too(parent)
        if leaving.done() and leaving.result() == _GOODBYE:
            self._say(_GOODBYE)
            return None
        if not self.lost.done():  # the parent died: because another did, or all by itself?
            self._say(b"%d\n" % self.process)
            await asyncio.wait([self.lost], timeout=_NEWS)
        lost = self.lost.result() if self.lost.done() else self.process
        if lost != self.process:
            self._say(_GOODBYE)  # that this one ends now is no other loss
        if self.process == 0 and not leaving.done():
            await asyncio.sleep(_HEAD_START)
        return None if lost == self.process else lost

    async def _fails_too(self, parent):
        """Tells the others of a failure, and the parent whether it is one of all."""
        leaving = asyncio.ensure_future(parent.read(1))
        self.fail(self.process)
        ends = [leaving, self.lost]
        await _first_of(*ends, self.all_failed, timeout=_NEWS)
        if self.lost.done():  # which is why it fails
            return leaving
        await _first_of(*ends, self.all_failed, timeout=_ALIKE)
        if not leaving.done():
            all_failed = self.all_failed.done()
            _tell({"all_failed": all_failed})
            await _first_of(*(ends if all_failed else [leaving]))  # all leave together
        return leaving

    def _say(self, word):
        for writer, _, _ in self.links.values():
            writer.write(word)

    async def follow(self, process: int, reader: asyncio.StreamReader, word: bytes = b"") -> None:
        """Reads what comes from a process after the meeting, of which `word` is the first byte."""
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            while (word := word or await reader.read(1)) == _FAILURE:
                self.fail(process)
                word = b""
            if word not in (b"", _GOODBYE):
                word += await reader.readuntil(b"\n")
        if word != _GOODBYE:
            named = self.process > 0 and re.fullmatch(rb"[0-9]{1,9}\n", word)
            self.lose(int(word) if named else process)


class First(Watch):
    """Process 0, to which the others come."""

    def __init__(self, plan: dict[str, Any]) -> None:
        super().__init__(plan)
        self.strangers = self.wrong_secrets = 0
        self.failed: set[int] = set()
        self.outcome = asyncio.get_running_loop().create_future()  # as `meet` ends

    async def meet(self) -> int:
        plan = self.plan
        server = await self._server()
        self._meet_if_complete()
        await asyncio.wait([self.outcome], timeout=plan["timeout"])
        server.close()
        if not self.outcome.done():
            missing = sorted(set(range(1, plan["processes"])) - set(self.links))
            wrong = f" ({self.wrong_secrets} came with another secret)" * bool(self.wrong_secrets)
            self._fail(
                f"Process {', '.join(map(str, missing))} did not come to {plan['coordinator']} "
                f"within {plan['timeout']:.0f} s{wrong}; start it, or repair the network between "
                "the machines."
            )
        return self.outcome.result()

    async def _server(self):
        host, port = self.plan["host"], self.plan["port"]
        try:
            return await asyncio.start_server(self._greet, where_to_listen(host), port, limit=_LINE)
        except OSError as error:
            if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
                raise Failure(
                    f"{host} is no address of this machine, on which process 0 runs; correct "
                    "`coordinator`, in all processes."
                ) from error
            raise Failure(
                f"Port {port} cannot be used here ({os.strerror(error.errno)}); choose another for "
                "`coordinator`, in all processes."
            ) from error

    async def _greet(self, reader, writer):
        """Attends to whoever comes, from the first word to the last."""
        # At the end of this process it is cancelled, of which Python 3.11 would make an error.
        with contextlib.closing(writer), contextlib.suppress(asyncio.CancelledError):
            if self.strangers == _STRANGERS or self.outcome.done():
                return
            self.strangers += 1
            try:
                async with asyncio.timeout(_PROOF):
                    theirs = await self._proof(reader, writer)
            except (Stranger, OSError, TimeoutError):
                return
            finally:
                self.strangers -= 1
            if self.outcome.done():  # meanwhile
                return
            number, link = theirs["process"], (writer, theirs["nonce"], theirs["host"])
            problem = self._problem(theirs)
            if problem is not None:
                self._fail(problem, link)
                return
            _keep_alive(writer)
            self.links[number] = link
            self._meet_if_complete()
            word = await _first_byte(reader)  # none comes before the meeting is over
            if self.outcome.done():
                await self.follow(number, reader, word)
            else:  # it went before all had come, and may come again
                del self.links[number]

    async def _proof(self, reader, writer):
        """Returns what a process says of itself; a `Stranger` where it is none."""
        nonce = secrets.token_hex(16)
        _send(writer, {"nonce": nonce})
        theirs, is_signed = await _receive(reader, self.key, nonce)
        if not is_signed:
            self.wrong_secrets += 1
            _send(writer, {"error": "secret"})
            raise Stranger
        kinds = {"process": int, "processes": int, "facts": dict, "nonce": str, "host": str}
        if (
            any(type(theirs.get(name)) is not kind for name, kind in kinds.items())
            or not 0 <= theirs["process"] < theirs["processes"] < 10**6
            or not all(isinstance(text, str) for text in theirs["facts"].values())
        ):
            raise Stranger
        return theirs

    def _problem(self, theirs):
        """Returns a sentence where a process does not fit to the others, else None."""
        number, facts, processes = theirs["process"], self.plan["facts"], self.plan["processes"]
        if theirs["processes"] != processes:
            return (
                f"Process {number} was started with `processes` = {theirs['processes']}, process 0 "
                f"with `processes` = {processes}."
            )
        if number in self.links or number == 0:
            return f"Two processes were started with `process` = {number}; number them from 0."
        details = "; ".join(
            f"{name}: {text} in process 0, {_shown(theirs['facts'].get(name))} in process {number}"
            for name, text in facts.items()
            if theirs["facts"].get(name) != text
        )
        return f"The processes do not run the same ({details})." if details else None

    def _meet_if_complete(self):
        if len(self.links) < self.plan["processes"] - 1:
            return
        hosts = [self.plan["own_host"], *(host for _, _, host in self.links.values())]
        for writer, nonce, host in self.links.values():
            _send(writer, {"error": None, "neighbours": hosts.count(host)}, self.key, nonce)
        self.outcome.set_result(hosts.count(hosts[0]))

    def _fail(self, sentence, *others):
        for writer, nonce, _ in (*self.links.values(), *others):
            _send(writer, {"error": sentence, "neighbours": 0}, self.key, nonce)
        if not self.outcome.done():
            self.outcome.set_exception(Failure(sentence))

    def lose(self, process: int) -> None:
        if not self.lost.done():
            for writer, _, _ in self.links.values():
                writer.write(b"%d\n" % process)
        super().lose(process)

    def fail(self, process: int) -> None:
        self.failed.add(process)
        if len(self.failed) == self.plan["processes"] and not self.all_failed.done():
            self._say(_FAILURE)
            self.all_failed.set_result(True)


class Other(Watch):
    """A process that goes to process 0."""

    async def meet(self) -> int:
        plan, loop = self.plan, asyncio.get_running_loop()
        deadline, where = loop.time() + plan["timeout"], plan["coordinator"]
        nothing_there = Failure(
            f"{where} does not answer as process 0 of a run would; start that first, or correct "
            "`coordinator`."
        )
        try:
            reader, writer, theirs = await self._greeted(deadline)
            nonce = secrets.token_hex(16)
            own = {name: plan[name] for name in ("process", "processes", "facts")}
            _send(writer, {**own, "nonce": nonce, "host": plan["own_host"]}, self.key, theirs)
            async with asyncio.timeout(plan["timeout"] + _PROOF):  # process 0 may just have come
                answer, is_signed = await _receive(reader, self.key, nonce)
        except (Stranger, OSError, TimeoutError) as error:
            raise nothing_there from error
        if answer == {"error": "secret"}:
            raise Failure(
                f"Process {self.process} has another secret than process 0 at {where}; give all "
                f"the same {SECRET}."
            )
        if not is_signed or answer.keys() != {"error", "neighbours"}:
            raise nothing_there
        if answer["error"] is not None:
            raise Failure(_shown(answer["error"], 10 * _SHOWN))
        _keep_alive(writer)
        self.links[0] = (writer, None, None)
        self.following = asyncio.ensure_future(self.follow(0, reader))
        return answer["neighbours"]

    def fail(self, process: int) -> None:
        if process == self.process:
            self._say(_FAILURE)
        elif not self.all_failed.done():
            self.all_failed.set_result(True)

    async def _greeted(self, deadline):
        """Goes to process 0 until it is there; returns (reader, writer, its nonce)."""
        plan, loop = self.plan, asyncio.get_running_loop()
        while True:
            writer = None
            try:
                async with asyncio.timeout(5):
                    reader, writer = await asyncio.open_connection(
                        plan["host"], plan["port"], limit=_LINE
                    )
                    greeting, _ = await _receive(reader)
                return reader, writer, str(greeting.get("nonce"))
            except (OSError, TimeoutError) as error:  # too early, or too many at the door
                if writer is not None:
                    writer.close()
                if loop.time() > deadline:
                    if writer is not None:  # something is there, and does not say what ours would
                        raise Stranger from error
                    number = getattr(error, "errno", None) or 0
                    why = os.strerror(number) if number > 0 else str(error) or "no answer"
                    raise Failure(
                        f"Nobody answered at {plan['coordinator']}, the address of process 0, for "
                        f"{plan['timeout']:.0f} s ({why}); start process 0 there, or correct "
                        "`coordinator`."
                    ) from error
            await asyncio.sleep(0.2)


def is_here(host: str) -> bool:
    """Whether an address is one that only this machine can reach."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def where_to_listen(host: str) -> str | None:
    """Returns the address that a host's name means to the others; None for all of this machine's.

    Debian's own table turns the name of a machine into one of its loopback addresses.
    """
    found = {str(entry[4][0]) for entry in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)}
    return host if is_here(host) or not all(map(is_here, found)) else None


def _signature(key, nonce, text):
    signed = nonce.encode("utf-8", "surrogatepass") + b"\n" + text
    return hmac.new(key, signed, hashlib.sha256).hexdigest().encode()


def _send(writer, message, key=b"", nonce=""):
    text = json.dumps(message).encode()
    writer.write(_signature(key, nonce, text) + b" " + text + b"\n")


async def _receive(reader, key=b"", nonce=""):
    """Returns the message on the next line, a dict, and whether it is signed as it should be."""
    try:
        signature, _, text = (await reader.readuntil(b"\n"))[:-1].partition(b" ")
        message = json.loads(text)
    except asyncio.IncompleteReadError as error:
        raise Stranger if error.partial else ConnectionResetError("it hung up") from error
    except (ValueError, RecursionError, asyncio.LimitOverrunError) as error:
        raise Stranger from error
    if not isinstance(message, dict):
        raise Stranger
    return message, hmac.compare_digest(signature, _signature(key, nonce, text))


async def _first_of(*futures, timeout=None):
    await asyncio.wait(futures, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)


async def _first_byte(reader):
    try:
        return await reader.read(1)
    except OSError:
        return b""


def _shown(text, size=_SHOWN):
    """What another process says, without what would move a terminal's cursor."""
    return "".join(c if c.isprintable() else "?" for c in str(text)[:size])


def _keep_alive(writer):
    connection = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _KEEPALIVE.items():
        if hasattr(socket, name):
            connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def _tell(outcome):
    with contextlib.suppress(BrokenPipeError):
        os.write(sys.stdout.fileno(), json.dumps(outcome).encode() + b"\n")


def _has_ended(patience):
    """Whether the parent ends, or leaves, within so many seconds; what it still says, is late."""
    while select.select([0], [], [], patience)[0]:
        if not os.read(0, 1):
            return True
    return False


async def _watch():
    loop, parent = asyncio.get_running_loop(), asyncio.StreamReader(_PLAN)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(parent), sys.stdin)
    plan = json.loads(await parent.readline())
    lost = await (First if plan["process"] == 0 else Other)(plan).run(parent)
    if lost is None:
        return
    name = f"process {lost}" + f" at {plan['coordinator']}" * (lost == 0)
    with contextlib.suppress(OSError):  # nobody reads it, or the disk is full
        print(
            f"error: {name} of this run has ended; start all processes again with the same "
            "commands to continue from the last checkpoint.",
            file=sys.stderr,
            flush=True,
        )
    # What the process waits for would never come; and its end is the end of that pipe.
    for number, patience in ((signal.SIGTERM, _GRACE), (signal.SIGKILL, 0)):
        if _has_ended(patience=0):
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(sys.argv[1]), number)
        _has_ended(patience)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it is for the process that computes
    asyncio.run(_watch())
