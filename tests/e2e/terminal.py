#!/usr/bin/python3
"""A terminal for the end-to-end tests.

terminal.py run COLSxROWS COMMAND…     runs it on a terminal, prints what it wrote; its exit code
terminal.py type 'PROMPT=ANSWER'… -- COMMAND…
                                       types each answer when its prompt has come (^D ends the
                                       input), prints what was seen; its exit code
terminal.py fits COLS                  standard input: no line is wider, control sequences aside
terminal.py document                   standard input: one --json document as conventions want it
terminal.py watch WORK COMMAND…        `status --watch`: repaints, follows the window, survives
                                       the daemon (WORK stop | WORK start), ends on SIGINT and
                                       leaves the terminal as it was
"""
import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
import unicodedata

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def fail(text):
    sys.exit("terminal.py: " + text)


def resize(fd, cols, rows):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))


def start(cols, rows, command):
    master, slave = pty.openpty()
    resize(slave, cols, rows)
    env = dict(os.environ)
    env.setdefault("TERM", "xterm")
    child = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, env=env,
                             start_new_session=True,
                             preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
    return master, slave, child


def read_some(master, seconds):
    ready, _, _ = select.select([master], [], [], seconds)
    return os.read(master, 65536) if ready else b""


def run(cols, rows, command):
    master, slave, child = start(cols, rows, command)
    os.close(slave)
    data = b""
    try:
        while more := os.read(master, 65536):
            data += more
    except OSError:  # nobody holds the other end any more
        pass
    sys.stdout.write(data.decode().replace("\r\n", "\n"))
    return child.wait()


def type_answers(turns, command):
    master, slave, child = start(80, 24, command)
    os.close(slave)
    turns = [turn.split("=", 1) for turn in turns]
    seen = b""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        if turns and turns[0][0].encode() in seen:
            answer = turns.pop(0)[1]
            seen = b""
            os.write(master, b"\x04" if answer == "^D" else answer.encode() + b"\n")
            continue
        try:
            part = read_some(master, 1)
        except OSError:  # nobody holds the other end any more
            break
        seen += part
        sys.stdout.write(part.decode(errors="replace").replace("\r\n", "\n"))
    if turns:
        child.kill()
        fail(f"not asked: {turns}")
    return child.wait(10)


def width_of(text):
    wide = sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)
    return wide - sum(1 for c in text if unicodedata.combining(c))


def fits(cols):
    for line in sys.stdin.read().split("\n"):
        line = ESCAPES.sub("", line)
        if width_of(line) > cols:
            fail(f"{width_of(line)} columns instead of {cols}: {line}")
        if re.search(r"[\x00-\x08\x0b-\x1f]", line):
            fail(f"a control character: {line!r}")


def check_keys(value, inside_fields=False):
    if isinstance(value, dict):
        for key, part in value.items():
            if not inside_fields and not re.fullmatch(r"[a-z][a-z0-9_]*", key):
                fail(f"key {key!r} is not snake_case")
            check_keys(part, key == "fields")
    elif isinstance(value, list):
        for part in value:
            check_keys(part)


def document():
    whole = json.load(sys.stdin)
    if whole.get("v") != 1 or not isinstance(whole.get("rows"), list):
        fail("no v or rows")
    check_keys(whole)


class Screen:
    """Reads what a watch writes until a text stands in it."""

    def __init__(self, master):
        self.master = master
        self.seen = b""

    def until(self, text, seconds=20):
        end = time.monotonic() + seconds
        while text.encode() not in self.seen:
            if time.monotonic() > end:
                fail(f"never showed {text!r}, but {self.seen[-2000:]!r}")
            self.seen += read_some(self.master, 0.2)
        self.seen = self.seen[self.seen.index(text.encode()) + len(text.encode()):]


def watch(work, command):
    master, slave, child = start(80, 24, command)
    before = termios.tcgetattr(slave)
    screen = Screen(master)
    screen.until("\x1b[?1049h")
    screen.until("Ctrl-C")
    if termios.tcgetattr(slave)[3] & termios.ECHO:
        fail("keys would spoil the picture")
    # A smaller window: what does not fit is named, and no line is wider.
    resize(slave, 50, 8)
    os.killpg(child.pid, signal.SIGWINCH)
    screen.until("baris lagi")
    read_some(master, 0.1)
    screen.seen = b""
    screen.until("\x1b[H")
    screen.until("\x1b[J")
    resize(slave, 80, 24)
    os.killpg(child.pid, signal.SIGWINCH)
    screen.until("Ctrl-C")
    subprocess.run([*work, "stop"], check=True)
    screen.until("tidak menjawab")
    subprocess.run([*work, "start"], check=True)
    screen.seen = b""
    end = time.monotonic() + 20
    while True:
        screen.seen = b""
        screen.until("\x1b[H")
        screen.until("Ctrl-C")
        os.kill(child.pid, 0)
        picture = b""
        while b"\x1b[J" not in picture and time.monotonic() < end:
            picture += read_some(master, 0.2)
        if b"tidak menjawab" not in picture:
            break
        if time.monotonic() > end:
            fail("the daemon is back and nobody says so")
    os.killpg(child.pid, signal.SIGINT)
    screen.until("\x1b[?1049l")
    code = child.wait(10)
    if code != 0:
        fail(f"exit code {code} after SIGINT")
    if termios.tcgetattr(slave) != before:
        fail("the terminal is not as it was")


def main():
    what = sys.argv[1]
    if what == "run":
        cols, rows = map(int, sys.argv[2].split("x"))
        sys.exit(run(cols, rows, sys.argv[3:]))
    if what == "type":
        split = sys.argv.index("--")
        sys.exit(type_answers(sys.argv[2:split], sys.argv[split + 1:]))
    if what == "fits":
        fits(int(sys.argv[2]))
    elif what == "document":
        document()
    elif what == "watch":
        watch(sys.argv[2].split(), sys.argv[3:])


main()
