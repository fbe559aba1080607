"""How the people of month.sh type and read, and what they know of their month: what was handed in
and what has to become of it is kept in $W/month.json, and nothing there comes from the hub."""
import concurrent.futures
import json
import os
import subprocess
import threading
import time
import uuid

from district import B, W, Failed, check, hub, hub_json, node, until_true

DISTRICT, MONTH = os.environ["DISTRICT"], os.environ["MONTH"]
LATE, PASSED_ON = os.environ["LATE"], os.environ["PASSED_ON"]
CUT_OFF, POWER = os.environ["CUT_OFF"], os.environ["POWER"]
LOAD = max(9, int(os.environ.get("MONTH_LOAD", "12")))
HERE = f"{W}/month.json"
PASSPHRASE = ("--passphrase-file", f"{W}/passphrase")
AT_ONCE = 4  # offices whose people type at the same time
LIMIT_S = 90
REFUSED, TAKEN = "refused", "taken"


def day(number):
    return f"{MONTH}-{number:02}"


class Month:
    """What the people know of their month."""

    def __init__(self):
        self.offices = {}  # code → what was entered there
        self.handed_in = {}  # id → {at, kind, day, fate}
        self.answered = {}  # id → decision
        self.content = {}  # office → hash of what it shows
        self.lock = threading.Lock()

    def load(self):
        with open(HERE, encoding="utf-8") as file:
            self.offices, self.handed_in, self.answered, self.content = json.load(file)

    def save(self):
        with open(HERE + ".new", "w", encoding="utf-8") as file:
            json.dump([self.offices, self.handed_in, self.answered, self.content], file)
        os.rename(HERE + ".new", HERE)

    def hand_in(self, at, kind, date, ident, fate=TAKEN):
        with self.lock:
            self.handed_in[ident] = {"at": at, "kind": kind, "day": date, "fate": fate}

    def of(self, at, fate=None):
        return {
            ident
            for ident, one in self.handed_in.items()
            if one["at"] == at and fate in (None, one["fate"])
        }

    def unanswered(self, at=None):
        return {
            ident
            for ident, one in self.handed_in.items()
            if one["fate"] == TAKEN and ident not in self.answered and at in (None, one["at"])
        }


month = Month()


def everywhere(function, offices=None):
    """Several offices at the same time; what fails at one fails the month."""
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        for done in [pool.submit(function, at) for at in offices or month.offices]:
            done.result()


# --- how a person types --------------------------------------------------------------------------


def person(at):
    if at == DISTRICT:
        return "Kepala Bidang"
    return month.offices[at].get("tksk", f"TKSK {at}")


def tksk(at, *args):
    return node(at, "--as", person(at), *args)


def officer(*args):
    return tksk(DISTRICT, *args)


def fields_of(fields):
    return [f"{name}={value}" for name, value in fields.items()]


def enter(who, at, collection, **fields):
    """The id of a new record. When the power goes it is typed again, as the same request."""
    request = str(uuid.uuid4())
    command = [f"{B}/tkskctl", "--socket", f"{W}/{at}/admin.sock", "--as", who, "--json"]
    command += ["put", collection, "--request", request, *fields_of(fields)]
    end = time.monotonic() + LIMIT_S
    while True:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60
        )
        if done.returncode == 0:
            return json.loads(done.stdout)["id"]
        # 3: the office's daemon is away; 4: it is back, and nobody has unlocked yet
        check(
            done.returncode in (3, 4) and time.monotonic() < end,
            f"{at}: put {collection} {fields}: exit {done.returncode}: {done.stderr}{done.stdout}",
        )
        time.sleep(0.1)


def new(at, collection, **fields):
    return enter(person(at), at, collection, kode_kec=at, **fields)


def through_power_cuts(what, do):
    """Does it, and again while the office's daemon is away or locked."""

    def done():
        try:
            do()
        except Failed as failed:
            if "exit 3" in str(failed) or "exit 4" in str(failed):
                return False
            raise
        return True

    until_true(LIMIT_S, what, done)


def fields_of_record(at, ident):
    return {f["name"]: f["value"] for f in json.loads(tksk(at, "--json", "show", ident))["fields"]}


def move(at, ident, old, state):
    """Twice would be refused, so after a power cut one looks first."""

    def moves():
        if fields_of_record(at, ident)["status"] == old:
            tksk(at, "ubah", ident, f"status={state}")

    through_power_cuts(f"{at}: {ident} {state}", moves)


def status(at):
    return json.loads(tksk(at, "--json", "status"))


def sees(at, ident):
    try:
        tksk(at, "show", ident)
    except Failed:
        return False
    return True


def at_the_district(idents):
    """The records have come to the office of the district."""
    for ident in idents:
        until_true(LIMIT_S, f"{ident} at the district", lambda: sees(DISTRICT, ident))


def proof(name, text):
    path = f"{W}/{name}"
    if not os.path.exists(path):
        with open(path, "wb") as file:
            file.write(b"\xff\xd8\xff\xe0" + text.encode())
    return "@" + path


def fields_of_hub(ident):
    return {f["name"]: f["value"] for f in hub_json("show", ident)["fields"]}


def same(what, got, wanted):
    """Both ways, by name."""
    check(
        got == wanted,
        f"{what}: {len(got)}, wanted {len(wanted)};"
        + "".join(f"\n  too many: {i} {month.handed_in.get(i)}" for i in sorted(got - wanted)[:9])
        + "".join(f"\n  missing: {i} {month.handed_in.get(i)}" for i in sorted(wanted - got)[:9]),
    )


def comes_to(what, ask, wanted, seconds=30):
    """In the end it is so."""
    end = time.monotonic() + seconds
    while ask() != wanted and time.monotonic() < end:
        time.sleep(0.1)
    same(what, ask(), wanted)


def told(at):
    rows = json.loads(tksk(at, "--json", "perhatian"))["rows"]
    return {row["id"] for row in rows if row.get("origin") == "rejected"}


def listed(text):
    return {row["id"] for row in json.loads(text)["rows"]}
