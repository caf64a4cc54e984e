"""A page in a real browser: Chromium without a window, spoken to through two pipes.

Its protocol is JSON (https://chromedevtools.github.io/devtools-protocol/), each message followed
by a zero byte, on the file descriptors 3 and 4 of the browser.
"""

import base64
import json
import os
import select
import shutil
import subprocess

import pytest

PATIENCE = 60  # seconds that the browser may take for an answer
MESSAGES = ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded")
KEYS = {" ": ("Space", 32), "Delete": ("Delete", 46), "ArrowDown": ("ArrowDown", 40),
        "ArrowRight": ("ArrowRight", 39), "Tab": ("Tab", 9)}  # fmt: skip


def program():
    """The path of the browser; skips the test where there is none."""
    names = ("chromium", "chromium-browser", "google-chrome")
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None or shutil.which("bash") is None:
        pytest.skip("Chromium is not installed; it shows the page")
    return found


class Browser:
    """A browser with one page; to be closed at the end.

    Args:
        profile: an empty folder.
    """

    def __init__(self, profile):
        chromium = program()
        read, self.to_browser = os.pipe()
        self.from_browser, write = os.pipe()
        flags = ["--headless=new", "--remote-debugging-pipe", "--no-first-run", "--disable-gpu",
                 f"--user-data-dir={profile}"]  # fmt: skip
        if os.geteuid() == 0:
            flags.append("--no-sandbox")  # which does not start for root
        command = ["bash", "-c", f'exec "$@" 3<&{read} 4>&{write}', "bash", chromium, *flags]
        self.process = subprocess.Popen(
            command, pass_fds=(read, write), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        os.close(read)
        os.close(write)
        self.count, self.unread, self.events, self.session = 0, b"", [], None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self.session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    def close(self):
        """Ends the browser."""
        self.process.kill()
        self.process.wait()
        os.close(self.to_browser)
        os.close(self.from_browser)

    def call(self, method, **parameters):
        """Returns what the browser answers."""
        self.count += 1
        message = {"id": self.count, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.to_browser, json.dumps(message).encode() + b"\0")
        while (answer := self._read()).get("id") != self.count:
            self.events.append(answer)
        assert "error" not in answer, (method, answer)
        return answer["result"]

    def _read(self):
        while b"\0" not in self.unread:
            ready, _, _ = select.select([self.from_browser], [], [], PATIENCE)
            assert ready, "the browser says nothing"
            self.unread += os.read(self.from_browser, 2**16)
        message, _, self.unread = self.unread.partition(b"\0")
        return json.loads(message)

    def show(self, path, width=1280, dark=False, script=True, medium="screen"):
        """Opens a file as a screen of that width shows it, or paper (`medium="print"`)."""
        theme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", media=medium, features=[theme])
        self.call("Emulation.setScriptExecutionDisabled", value=not script)
        self.call("Emulation.setTouchEmulationEnabled", enabled=width < 500)
        self.call(
            "Emulation.setDeviceMetricsOverride",
            **{"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500},
        )
        self.events = []
        self.call("Page.navigate", url=path.as_uri())
        while not any(event["method"] == "Page.loadEventFired" for event in self.events):
            self.events.append(self._read())

    def value(self, expression):
        """Returns the value of an expression of JavaScript, once the page is painted."""
        painted = "new Promise((done) => requestAnimationFrame(() => setTimeout(done)))"
        code = f"{painted}.then(() => ({expression}))"
        parameters = {"expression": code, "awaitPromise": True, "returnByValue": True}
        result = self.call("Runtime.evaluate", **parameters)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def messages(self):
        """Returns what the page has written on the console."""
        return [event["params"] for event in self.events if event["method"] in MESSAGES]

    def press(self, *keys):
        """Presses keys, one after the other."""
        for key in keys:
            code, number = KEYS[key]
            names = {"key": key, "code": code, "windowsVirtualKeyCode": number}
            self.call("Input.dispatchKeyEvent", type="rawKeyDown", **names)
            self.call("Input.dispatchKeyEvent", type="keyUp", **names)

    def draw(self, strokes, selector, finger=False):
        """Draws with the mouse or a finger on an element that is all to be seen."""
        box = self.value(
            f"document.querySelector('{selector}').scrollIntoView({{block: 'center'}}),"
            f"document.querySelector('{selector}').getBoundingClientRect().toJSON()"
        )
        for stroke in strokes:
            points = [
                (box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in stroke
            ]
            (self._touch if finger else self._drag)(points)

    def _drag(self, points):
        kinds = ["mousePressed", *["mouseMoved"] * len(points), "mouseReleased"]
        for kind, (x, y) in zip(kinds, [points[0], *points, points[-1]], strict=True):
            pressed = {"button": "left", "buttons": 1, "clickCount": 1}
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, **pressed)

    def _touch(self, points):
        kinds = ["touchStart", *["touchMove"] * len(points)]
        for kind, (x, y) in zip(kinds, [points[0], *points], strict=True):
            self.call("Input.dispatchTouchEvent", type=kind, touchPoints=[{"x": x, "y": y}])
        self.call("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])

    def picture(self):
        """Returns a PNG of the whole page."""
        shot = self.call("Page.captureScreenshot", captureBeyondViewport=True)
        return base64.b64decode(shot["data"])
