"""A headless Chromium that opens a page and takes pictures of it, over its debugging pipe."""

import base64
import json
import os
import select
import shutil
import signal
import subprocess
import time  # noqa: TID251 - it waits for a browser

import cv2
import numpy as np

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
# WebGL without a GPU; nothing is fetched from outside.
FLAGS = """
--headless=new --no-sandbox --disable-dev-shm-usage --remote-debugging-pipe
--use-angle=swiftshader --enable-unsafe-swiftshader --ignore-gpu-blocklist --hide-scrollbars
--no-first-run --disable-background-networking --disable-component-update
--force-color-profile=srgb --no-proxy-server
"""


def find_browser():
    """Return the program that ALIKED_CHROMIUM names, or one on the path, or None."""
    named = os.environ.get("ALIKED_CHROMIUM")
    return named or next((path for name in NAMES if (path := shutil.which(name))), None)


class Browser:
    """One page of `width` x `height` px; use it in a `with`."""

    def __init__(self, folder, url, width=1400, height=900):
        in_read, self._out = os.pipe()
        self._in, out_write = os.pipe()

        def take_pipe():  # the browser reads from 3 and writes to 4
            kept = os.dup(in_read), os.dup(out_write)
            os.dup2(kept[0], 3)
            os.dup2(kept[1], 4)

        self._log = (folder / "chromium.log").open("wb")
        self._process = subprocess.Popen(
            [find_browser(), *FLAGS.split(), f"--user-data-dir={folder / 'profile'}",
             f"--window-size={width},{height}", "about:blank"],
            preexec_fn=take_pipe,  # noqa: PLW1509 - it calls dup alone
            close_fds=False, start_new_session=True,
            stdout=self._log, stderr=self._log,
            env={**os.environ, "HOME": str(folder)},
        )  # fmt: skip
        os.close(in_read)
        os.close(out_write)
        self._rest, self._number, self._session = b"", 0, None
        target = self.ask("Target.createTarget", url=url, width=width, height=height)["targetId"]
        attached = self.ask("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        self.ask("Page.enable")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self._out)
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        os.close(self._in)
        self._log.close()

    def ask(self, method, timeout_s=120, **parameters):
        """Return the result of a command."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        end_s = time.monotonic() + timeout_s
        while True:
            while b"\0" not in self._rest:
                left_s = end_s - time.monotonic()
                assert left_s > 0, f"{method} has no answer after {timeout_s} s"
                if select.select([self._in], [], [], left_s)[0]:
                    data = os.read(self._in, 1 << 20)
                    assert data, "the browser has ended"
                    self._rest += data
            text, _, self._rest = self._rest.partition(b"\0")
            answer = json.loads(text)
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                return answer["result"]

    def picture(self):
        """Return what the page looks like, (H, W, 3) BGR."""
        data = base64.b64decode(self.ask("Page.captureScreenshot", format="png")["data"])
        return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
