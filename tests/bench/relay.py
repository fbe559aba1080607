#!/usr/bin/python3
"""Joins a node to its hub and counts what passes, both ways: the payload of the TCP connection.

relay.py LISTEN_PORT_FILE ENDPOINT_FILE LOG [PORT]

Listens on PORT or on a free port of 127.0.0.1 and writes it to LISTEN_PORT_FILE; each connection
goes on to the endpoint that ENDPOINT_FILE then names ("tcp://127.0.0.1:PORT"). Each ZMTP frame
becomes a line of LOG: "up|down bytes handshake|frame", where bytes are all of the frame on the
wire, header, encryption and content. Ends when its parent does, and after ten minutes.
"""
import os
import select
import socket
import sys
import time

GREETING_BYTES = 64
LIFE_S = 600


class Counter:
    """Cuts one direction of a connection into ZMTP frames (RFC 23) and logs their sizes."""

    def __init__(self, name, log):
        self.name, self.log = name, log
        self.held, self.greeted = b"", False

    def feed(self, data):
        self.held += data
        while True:
            whole = self.whole()
            if whole is None or len(self.held) < whole:
                return
            # A CURVE handshake is made of commands; what follows are encrypted messages.
            kind = "handshake" if not self.greeted or self.held[0] & 4 else "frame"
            self.greeted = True
            self.log.write(f"{self.name} {whole} {kind}\n")
            self.held = self.held[whole:]

    def whole(self):
        if not self.greeted:
            return GREETING_BYTES
        if not self.held:
            return None
        if self.held[0] & 2:
            return 9 + int.from_bytes(self.held[1:9], "big") if len(self.held) >= 9 else None
        return 2 + self.held[1] if len(self.held) >= 2 else None


def main():
    port_file, endpoint_file, log_file, *port = sys.argv[1:]
    log = open(log_file, "a", buffering=1, encoding="ascii")
    listener = socket.create_server(("127.0.0.1", int(port[0]) if port else 0))
    with open(port_file + ".new", "w", encoding="ascii") as out:
        out.write(str(listener.getsockname()[1]))
    os.rename(port_file + ".new", port_file)
    peers, counters = {}, {}
    parent, end = os.getppid(), time.monotonic() + LIFE_S
    while os.getppid() == parent and time.monotonic() < end:
        for sock in select.select([listener, *peers], [], [], 1)[0]:
            if sock is listener:
                near = listener.accept()[0]
                with open(endpoint_file, encoding="ascii") as file:
                    port = int(file.read().strip().rsplit(":", 1)[1])
                try:
                    far = socket.create_connection(("127.0.0.1", port))
                except OSError:
                    near.close()
                    continue
                for one, other, name in ((near, far, "up"), (far, near, "down")):
                    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    peers[one], counters[one] = other, Counter(name, log)
                continue
            if sock not in peers:
                continue
            try:
                data = sock.recv(65536)
                if data:
                    peers[sock].sendall(data)
            except OSError:
                data = b""
            if data:
                counters[sock].feed(data)
                continue
            for gone in (sock, peers[sock]):
                gone.close()
                del counters[gone], peers[gone]


main()
