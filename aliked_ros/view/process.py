"""The process that shows: reads items from its standard input, until that is closed."""

from __future__ import annotations

import argparse
import os
import signal
import socket
import sys
from contextlib import closing
from typing import Any
from urllib.parse import quote

from aliked_ros.view.page import Page, make_blueprint
from aliked_ros.view.wire import read_item

_PAGE_PORT, _DATA_PORT = 9090, 9876  # rerun's own
READY = "ready"  # the first word of the line that says that items may come


def main() -> None:
    """Show what comes; the first line that is printed says where."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--page", action="store_true")
    parser.add_argument("--file", default="")
    parser.add_argument("--up", choices=("z", "-y"), required=True)
    parser.add_argument("--memory", required=True)
    options = parser.parse_args()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the end is that of the input
    where = _open(options)
    page = Page(options.up)
    sys.stdout.write(f"{READY} {where}\n")
    sys.stdout.flush()
    while (item := read_item(sys.stdin.buffer)) is not None:
        page.show(item)
    import rerun as rr

    rr.disconnect()


def _open(options: argparse.Namespace) -> str:
    """Open file and page; return the address of the page, empty if there is none."""
    import rerun as rr

    rr.init("aliked_ros")
    sinks: list[Any] = [rr.FileSink(options.file)] if options.file else []
    address = ""
    if options.page:
        port, page_port = _free_port(_DATA_PORT), _free_port(_PAGE_PORT)
        sinks.append(rr.GrpcServerSink("127.0.0.1", port, server_memory_limit=options.memory))
        data = f"rerun+http://127.0.0.1:{port}/proxy"
        has_screen = any(name in os.environ for name in ("DISPLAY", "WAYLAND_DISPLAY"))
        rr.serve_web_viewer(web_port=page_port, open_browser=has_screen, connect_to=data)
        address = f"http://localhost:{page_port}/?url={quote(data, safe='')}"
    rr.set_sinks(*sinks)
    rr.send_blueprint(make_blueprint())
    return address


def _free_port(wanted: int) -> int:
    """Return this port, or any that is free where another program has it."""
    for port in (wanted, 0):
        with closing(socket.socket()) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise OSError("no port is free for the page")


if __name__ == "__main__":
    main()
