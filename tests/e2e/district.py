"""What the Python tests ask of the daemons through tkskctl, as a person would. Needs $B and $W, and
a hub that runs in a founded district (tests/lib.sh)."""
import json
import os
import subprocess
import time

B, W = os.environ["B"], os.environ["W"]


class Failed(Exception):
    pass


def say(text):
    print(text, flush=True)


def check(condition, what):
    if not condition:
        raise Failed(what)


def is_(what, got, wanted):
    check(got == wanted, f"{what}: got {got!r}, wanted {wanted!r}")


def ctl(socket, *args):
    done = subprocess.run(
        [f"{B}/tkskctl", "--socket", socket, *args],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )
    check(
        done.returncode == 0,
        f"tkskctl {' '.join(args)}: exit {done.returncode}: {done.stderr}{done.stdout}",
    )
    return done.stdout


def hub(*args):
    return ctl(f"{W}/hub/admin.sock", *args)


def hub_json(*args):
    return json.loads(hub("--json", *args))


def node(name, *args):
    return ctl(f"{W}/{name}/admin.sock", *args)


def node_json(name, *args):
    return json.loads(node(name, "--json", *args))


def shell(script):
    """Runs lines with the functions of tests/lib.sh."""
    done = subprocess.run(
        ["bash", "-c", f". tests/lib.sh\n{script}"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )
    check(done.returncode == 0, f"{script}: exit {done.returncode}: {done.stdout}{done.stderr}")


def query(sql):
    return [row["cells"] for row in hub_json("query", sql)["rows"] if "cells" in row]


def count(table):
    return int(query(f"SELECT count(*) FROM {table}")[0][0])


def until_true(seconds, what, condition):
    end = time.monotonic() + seconds
    while not condition():
        check(time.monotonic() < end, f"not within {seconds} s: {what}")
        time.sleep(0.05)


OFFICER = ("--key", f"{W}/officer.key", "--passphrase-file", f"{W}/passphrase")


def invite(name):
    path = f"{W}/{name}.invite"
    if os.path.exists(path):
        os.unlink(path)
    hub("node", "invite", name, "-o", path)
    with open(path, encoding="utf-8") as file:
        return file.read()


def approve(name, words):
    hub("node", "approve", name, "--words", words, *OFFICER)


def approve_operator(name, person, role, words, start="2026-01-01", end="2030-12-31"):
    hub(
        "operator",
        "approve",
        name,
        person,
        "--role",
        role,
        "--sk",
        f"SK/{name}/2026",
        "--from",
        start,
        "--until",
        end,
        "--words",
        words,
        *OFFICER,
    )


def join(client, name, person="Petugas", role="tksk"):
    """The whole ceremony for one office of client.py: it ends with the control feed read."""
    office = client.Office(invite(name))
    office.enrol()
    approve(name, office.words())
    office.connect()
    office.hello()
    office.states.clear()
    words = office.register(f"{person} {name}", role)
    until_true(
        10,
        f"the request of {name}'s operator",
        lambda: office.listen(0.05) or office.states,
    )
    approve_operator(name, f"{person} {name}", role, words)
    learn_number(office)
    return office


def learn_number(office, seconds=30):
    """Reads the control feed until the trust part names the office's operator."""

    def known():
        for number, entry in office.trust.operators.items():
            if entry[0] == office.author.public:
                office.author.number = number
                return True
        return False

    office.pump(seconds, known)
