"""A look at the wire between client and sandbox, and a wire that leads nowhere."""

import contextlib
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from insightframe.sandbox import Sandbox


class Tap:
    """A relay to a sandbox, which keeps what went through it and knows which connections the client holds."""

    def __init__(self, sandbox: Sandbox) -> None:
        host, _, port = sandbox.url.removeprefix("http://").partition(":")
        self.service = (host, int(port))
        self.seen = bytearray()
        self.held = 0
        self.sockets: list[socket.socket] = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = "http://{}:{}".format(*self.listener.getsockname())
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self) -> None:
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            far = socket.create_connection(self.service)
            self.held += 1
            self.sockets += [near, far]
            threading.Thread(target=self.relay, args=(near, far, 1), daemon=True).start()
            threading.Thread(target=self.relay, args=(far, near, 0), daemon=True).start()

    def relay(self, source: socket.socket, target: socket.socket, held: int) -> None:
        try:
            while piece := source.recv(1 << 16):
                self.seen += piece
                target.sendall(piece)
        except OSError:
            pass
        finally:
            self.held -= held
            self.part(source, target)

    def part(self, *sockets: socket.socket) -> None:
        for end in sockets:
            # It may have been closed by its other half.
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def close(self) -> None:
        self.part(self.listener, *self.sockets)

    def tokens(self) -> list[str]:
        """Every token that went through, in either direction."""
        forms = (rb'(?i)x-gdc-auth(?:sst|tt): ([^\r\n"]+)', rb'"token":"([^"]+)"', rb"GDCAuth(?:SST|TT)=([^;\r\n]+)")
        found = {token.decode() for form in forms for token in re.findall(form, self.seen)}
        # A cookie that is taken back has no value.
        return sorted(token for token in found if token not in ("", '""'))


@contextmanager
def unanswering() -> Iterator[str]:
    """The address of a listener whose queue is full: connecting to it hangs."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting = []
        for _ in range(4):
            connecting = socket.socket()
            connecting.setblocking(False)
            connecting.connect_ex(listener.getsockname())
            waiting.append(connecting)
        yield "http://{}:{}".format(*listener.getsockname())
        for connecting in waiting:
            connecting.close()
