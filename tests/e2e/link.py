#!/usr/bin/python3
"""A link between office and hub that a script can cut: link.py DIRECTORY ENDPOINT_FILE.

Listens on 127.0.0.1 (the port stands in DIRECTORY/port) and joins each connection with the hub,
whose endpoint is read from ENDPOINT_FILE. DIRECTORY/mode says what passes:

    open      everything
    cut       nothing, and connections end
    up N      of each connection N bytes towards the hub, then they wait; all that comes back
    down N    the same towards the office
    but PID…  everything, but nothing of these processes: offices that are cut off, by themselves

When a connection has reached its limit, DIRECTORY/held is made. Connections end with their mode,
and what waited is lost with them. DIRECTORY/passed holds the bytes that passed since the start,
towards the hub and towards the office.
"""

import os
import select
import socket
import sys

DIRECTORY, ENDPOINT = sys.argv[1:3]
CHUNK = 4096


def read(path):
    try:
        with open(path) as file:
            return file.read().strip()
    except OSError:
        return ""


def sockets(process):
    """Those that a process holds (Linux: /proc)."""
    directory = f"/proc/{process}/fd"
    try:
        names = os.listdir(directory)
    except OSError:
        names = []
    for name in names:
        try:
            yield os.readlink(f"{directory}/{name}")
        except OSError:
            pass  # closed meanwhile


def belongs(peer, process):
    """Whether that end of a connection is this process's."""
    held = set(sockets(process))
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in read(table).splitlines()[1:]:
            fields = line.split()
            port = int(fields[1].rsplit(":", 1)[1], 16)
            if port == peer[1] and f"socket:[{fields[9]}]" in held:
                return True
    return False


class Pair:
    """A connection of an office and the one to the hub that belongs to it."""

    def __init__(self, office, left):
        self.office, self.left, self.known = office, left, False
        host, port = read(ENDPOINT).rsplit("/", 1)[-1].rsplit(":", 1)
        self.hub = socket.create_connection((host, int(port)), timeout=5)

    def close(self):
        self.office.close()
        self.hub.close()


class Link:
    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.pairs = []
        self.passed = {"up": 0, "down": 0}
        self.told = None
        self.set_mode("open")
        with open(os.path.join(DIRECTORY, "port"), "w") as file:
            file.write(str(self.listener.getsockname()[1]))

    def set_mode(self, text):
        self.mode = text
        words = text.split("#")[0].split()  # what follows makes a mode new that is set again
        self.way = words[0]
        self.limit = int(words[1]) if self.way in ("up", "down") else 0
        self.without = words[1:] if self.way == "but" else []
        for pair in self.pairs:
            pair.close()
        self.pairs = []
        try:
            os.unlink(os.path.join(DIRECTORY, "held"))
        except FileNotFoundError:
            pass

    def held(self, source, pair):
        way = "up" if source is pair.office else "down"
        return self.way == way and pair.left == 0

    def excluded(self, peer):
        return any(belongs(peer, process) for process in self.without)

    def accept(self):
        office, peer = self.listener.accept()
        if self.way == "cut" or self.excluded(peer):
            office.close()
            return
        try:
            self.pairs.append(Pair(office, self.limit))
        except (OSError, ValueError):
            office.close()

    def tell(self):
        passed = "{up} {down}\n".format(**self.passed)
        if passed != self.told:
            path = os.path.join(DIRECTORY, "passed")
            with open(path + ".new", "w") as file:
                file.write(passed)
            os.rename(path + ".new", path)
            self.told = passed

    def move(self, source, target, pair):
        way = "up" if source is pair.office else "down"
        limited = self.way == way
        size = min(CHUNK, pair.left) if limited else CHUNK
        data = source.recv(size)
        if not data:
            raise OSError("ended")
        if source is pair.office and not pair.known:
            # Asked again with its first bytes: by now its process is there to be seen.
            if self.excluded(source.getpeername()):
                raise OSError("cut off")
            pair.known = True
        target.sendall(data)
        self.passed[way] += len(data)
        if limited:
            pair.left -= len(data)
            if pair.left == 0:
                open(os.path.join(DIRECTORY, "held"), "w").close()

    def step(self):
        ways = {}
        for pair in self.pairs:
            for source, target in ((pair.office, pair.hub), (pair.hub, pair.office)):
                if not self.held(source, pair):
                    ways[source] = (source, target, pair)
        ready, _, _ = select.select([self.listener, *ways], [], [], 0.02)
        for source in ready:
            if source is self.listener:
                self.accept()
                continue
            pair = ways[source][2]
            if pair not in self.pairs:
                continue
            try:
                self.move(*ways[source])
            except OSError:
                pair.close()
                self.pairs.remove(pair)
        self.tell()

    def run(self):
        while True:
            text = read(os.path.join(DIRECTORY, "mode")) or self.mode
            if text != self.mode:
                self.set_mode(text)
            self.step()


if __name__ == "__main__":
    Link().run()
