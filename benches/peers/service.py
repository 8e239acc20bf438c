"""A service whose every report is a file of CSV: `service.py FILE… [--gzip]`.

A sandbox answers everything, and what it says goes on to the client as it is. Only within the answer that has the CSV the
chunks of the body are replaced by those of a file: so every shape can be served, and sending costs no more than a copy
from memory to the socket. With `--gzip` the sandbox compresses, and the file's chunks are compressed as well, beforehand.

It has an address for each file. Prints how they are reached as JSON, and ends with its input.
"""

from __future__ import annotations

import argparse
import dataclasses
import gzip
import json
import re
import socket
import socketserver
import sys
import threading
from io import BufferedIOBase
from pathlib import Path

from clients import Service

from insightframe.sandbox import Sandbox

# Bytes of a chunk, as the sandbox has it.
CHUNK = 64 << 10


def chunked(body: bytes) -> bytes:
    """The body of an answer of unknown length."""
    pieces = (body[at : at + CHUNK] for at in range(0, len(body), CHUNK))
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


def compressed(file: Path) -> bytes:
    """What gzip makes of a file by its defaults, which takes long enough to be kept."""
    kept = file.with_suffix(".csv.gz")
    if not kept.exists():
        kept.write_bytes(gzip.compress(file.read_bytes(), compresslevel=6, mtime=0))
    return kept.read_bytes()


def head(stream: BufferedIOBase) -> bytes:
    """A head up to its empty line; nothing when the other side has closed."""
    lines = []
    while line := stream.readline():
        lines.append(line)
        if line == b"\r\n":
            break
    return b"".join(lines)


def body(head: bytes, stream: BufferedIOBase) -> bytes:
    """The body that follows a head, framed as it is."""
    if length := re.search(rb"(?i)\r\ncontent-length: *(\d+)", head):
        return stream.read(int(length[1]))
    if not re.search(rb"(?i)\r\ntransfer-encoding: *chunked", head):
        return b""
    pieces, size = [], None
    while size != 0:
        line = stream.readline()
        size = int(line, 16)
        pieces += [line, stream.read(size + 2)]
    return b"".join(pieces)


class Relay(socketserver.ThreadingTCPServer):
    """Passes everything on to a sandbox, and its answers back, with another CSV."""

    daemon_threads = True

    def __init__(self, sandbox: Sandbox, csv: bytes) -> None:
        super().__init__(("127.0.0.1", 0), Connection)
        host, port = sandbox.url.removeprefix("http://").split(":")
        self.sandbox = (host, int(port))
        self.csv = chunked(csv)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Connection(socketserver.StreamRequestHandler):
    """One connection of a client, and one to the sandbox."""

    server: Relay
    disable_nagle_algorithm = True

    def handle(self) -> None:
        with socket.create_connection(self.server.sandbox) as sandbox, sandbox.makefile("rb") as answers:
            sandbox.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while request := head(self.rfile):
                sandbox.sendall(request + body(request, self.rfile))
                answer = head(answers)
                framed = body(answer, answers)
                if b"\r\nContent-Type: text/csv\r\n" in answer:
                    self.connection.sendall(answer)
                    self.connection.sendall(self.server.csv)
                else:
                    self.connection.sendall(answer + framed)


def main() -> None:
    """Serves until the input ends."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("files", type=Path, nargs="+")
    arguments.add_argument("--gzip", action="store_true")
    asked = arguments.parse_args()
    read = compressed if asked.gzip else Path.read_bytes
    # Without bodies its 202s don't say how long to wait, so that nobody does.
    options = {"rows": 1, "raw_202_body": "empty", "csv_gzip": "when_accepted" if asked.gzip else "never"}
    with Sandbox(**options) as sandbox:
        report = next(iter(sandbox.reports))
        services = [
            Service(Relay(sandbox, read(file)).url, sandbox.username, sandbox.password, sandbox.workspace, report)
            for file in asked.files
        ]
        print(json.dumps([dataclasses.asdict(service) for service in services]), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
