"""The end of the month (month.sh): answers, books, content, and the table."""
import collections
import concurrent.futures
import datetime
import hashlib
import json
import pathlib
import re
import sqlite3
import uuid

from district import W, hub, hub_json, is_, say
from month_people import (
    AT_ONCE,
    CUT_OFF,
    DISTRICT,
    REFUSED,
    comes_to,
    everywhere,
    fields_of_hub,
    listed,
    month,
    same,
    status,
    tksk,
    told,
)


def answers():
    """Of all that was handed in: answered, listed as unanswered, or refused; nothing besides."""
    once = hub_json("query", "SELECT count(*) FROM orang WHERE nama = 'Warga Baru 1'")["rows"]
    is_("entered while the power went", int(once[-1]["cells"][0]), len(month.offices))
    same("unanswered at the hub", listed(hub("--json", "unanswered")), month.unanswered())
    for at in month.offices:
        comes_to(
            f"unanswered, as {at} lists it",
            lambda: listed(tksk(at, "--json", "unanswered")),
            month.unanswered(at),
        )
        same(f"refused, as {at} is told", told(at), month.of(at, REFUSED))
        drafts = month.offices[at].get("drafts", 0) + len(month.of(at, REFUSED))
        is_(f"{at}: drafts", status(at)["drafts"], drafts)

    def shown(ident):
        one, here = month.handed_in[ident], hub_json("show", ident)
        is_(f"{ident}: answered", here["answered"], ident in month.answered)
        if one["fate"] == REFUSED:
            is_(f"{ident}: its state", fields_of_hub(ident)["status"], "diajukan")

    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        for done in [pool.submit(shown, ident) for ident in month.handed_in]:
            done.result()


BLOB = {"hash", "size", "type"}


def as_shown(value, text):
    """A value of the hub's table as an office shows it; `text` tells the kind of a number only."""
    if isinstance(value, bytes):
        return str(uuid.UUID(bytes=value))
    if isinstance(value, int) and text in ("ya", "tidak"):
        return ("tidak", "ya")[value]
    if isinstance(value, int) and text[-1:] == "Z":
        when = datetime.datetime.fromtimestamp(value / 1000, datetime.timezone.utc)
        return when.strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, str) and value[:1] in "[{":
        whole = json.loads(value)
        if isinstance(whole, dict) and set(whole) != BLOB:
            return "|".join(f"{k}={plain(v)}" for k, v in whole.items())
        return "|".join(map(plain, whole if isinstance(whole, list) else [whole]))
    return str(value)


def plain(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict) and set(value) == BLOB:
        return f"{value['hash']} {value['size']} {value['type']}"
    if isinstance(value, dict):
        return ";".join(f"{k}={plain(v)}" for k, v in value.items())
    return str(value)


AREA_FIELDS = ("kode_kec", "wilayah", "kode_wilayah")


def rows_of_hub(database):
    """id → (collection, area, {field: value}) of all that is not deleted."""
    database.row_factory = sqlite3.Row
    every = {}
    for (name,) in database.execute("SELECT name FROM tksk_collection").fetchall():
        for row in database.execute(f'SELECT * FROM "{name}" WHERE _deleted = 0'):
            values = {k: row[k] for k in row.keys() if k[0] != "_" and row[k] is not None}
            area = next((values[k] for k in AREA_FIELDS if k in values), DISTRICT)
            every[str(uuid.UUID(bytes=row["_id"]))] = (name, area, values)
    return every


def restricted():
    """(collection, field) of what only the office of its own area is told."""
    found = set()
    for path in sorted(pathlib.Path("hub/policy").glob("*.conf")):
        for part in re.split(r"(?m)^collection ", path.read_text(encoding="utf-8"))[1:]:
            fields = re.findall(r"(?s)\bfield (\w+) \{((?:[^{}]|\{[^{}]*\})*)\}", part)
            found |= {(part.split()[0], name) for name, text in fields if "sensitivity = R" in text}
    return found


def content():
    """What each office shows of its area, field by field, is what stands at the hub."""
    hub("snapshot", f"{W}/district.db", "--reason", "pencocokan akhir bulan")
    every = rows_of_hub(sqlite3.connect(f"{W}/district.db"))
    names = sorted({name for name, _, _ in every.values()})
    say(f"records at the hub: {len(every)} in {len(names)} collections")
    hidden = restricted()

    def agrees(at):
        wanted = {i for i, (name, area, _) in every.items() if area.startswith(at)}
        wanted |= {i for i, (name, _, _) in every.items() if name == "pengumuman"}
        got = set()
        for name in names:
            got |= listed(tksk(at, "--json", "list", name, "--max", "5000"))
        same(f"records of {at}", got, wanted)
        sides = [hashlib.sha256(), hashlib.sha256()]
        for ident in sorted(wanted):
            name, _, values = every[ident]
            here = json.loads(
                tksk(at, "--json", "show", ident, "--full", "--reason", "pencocokan")
            )["fields"]
            here = {f["name"]: f["value"] for f in here if f["value"] not in (None, "")}
            if at == DISTRICT:
                values = {k: v for k, v in values.items() if (name, k) not in hidden}
                here = {k: v for k, v in here.items() if (name, k) not in hidden}
            there = {k: as_shown(v, here.get(k, "")) for k, v in values.items()}
            is_(f"{at}: {name} {ident}", here, there)
            for side, fields in zip(sides, (here, there)):
                side.update(json.dumps([ident, sorted(fields.items())]).encode())
        is_(f"{at}: content", sides[0].hexdigest(), sides[1].hexdigest())
        month.content[at] = sides[0].hexdigest()[:12]

    everywhere(agrees, [DISTRICT, *month.offices])


FIGURES = ("entered", "accepted", "superseded", "rejected", "held", "quarantined", "pending")


def books():
    """An office's own books say what the district's say of it; one field has two values."""
    rows = hub_json("reconcile")["rows"]
    is_("offices in the books", {r["node"] for r in rows}, {DISTRICT, *month.offices})
    for row in rows:
        own = json.loads(tksk(row["node"], "--json", "reconcile"))["rows"][0]
        for figure in FIGURES:
            is_(f"{row['node']}: {figure}", own[figure], row[figure])
        is_(f"{row['node']}: waiting", row["pending"], 0)
    for at in month.offices:
        is_(f"{at}: conflicts", status(at)["conflicts"], int(at == CUT_OFF))


def table():
    """Entries, as the district's books count them; submissions, as the people do."""
    say(f"{'':8}  {'entries':>42}  {'submissions':>42}")
    titles = ("entered", "accepted", "refused", "held", "made", "answered", "sent back")
    say(f"{'office':8}" + "".join(f"{t:>11}" for t in (*titles, "unanswered")) + "  content")
    sums = collections.Counter()
    for row in hub_json("reconcile")["rows"]:
        at = row["node"]
        figures = {k: row[k] for k in ("entered", "accepted", "rejected", "held")}
        figures["made"] = len(month.of(at))
        figures["answered"] = len(month.of(at) & set(month.answered))
        figures["sent back"] = len(month.of(at, REFUSED))
        figures["unanswered"] = len(month.unanswered(at))
        is_(
            f"{at}: submissions",
            figures["answered"] + figures["sent back"] + figures["unanswered"],
            figures["made"],
        )
        sums.update(figures)
        cells = "".join(f"{c:>11}" for c in figures.values())
        say(f"{at:8}{cells}  {month.content[at]}")
    say(f"{'all':8}" + "".join(f"{c:>11}" for c in sums.values()))
