"""The way of a record with client.py as the office, which checks every signature, hash and form."""
import os
import random

import client
import district
from client import create, update
from district import check, is_, say

NAME = "36.04.12"
OFFICE = "36.04"


def person(nama, **more):
    """The fields of an orang as an operator's form would sign them, defaults written out."""
    return {
        "kode_kec": NAME,
        "dasar_pemrosesan": "tugas_publik",
        "status_rekaman": "aktif",
        "status_hidup": "hidup",
        "nama": nama,
        "jk": "P",
        **more,
    }


def noise(n):
    """Text that no compression makes shorter, so that a bundle is several slices."""
    return "".join(chr(random.randrange(0x4E00, 0x9FFF)) for _ in range(n))


def journal_hash(entries):
    """§9, over [epoch, number, …] of every number from 1."""
    at = client.H("journal-genesis", client.enc([OFFICE]))
    for number, entry in enumerate(entries, 1):
        is_("journal number", entry[1], number)
        at = client.H("journal", at + client.enc(entry))
    return at


def entries_of(office, epoch):
    """The journal while no one else wrote: the control stream's entries, then the office's lane."""
    entries = [[epoch, *entry] for entry in office.trust.journal]
    chain = office.lanes[client.NORMAL]
    for seq, (item, leaf) in enumerate(zip(chain.items, chain.leaves), 1):
        where = [office.node, office.incarnation, client.NORMAL, seq]
        number = len(entries) + 1
        if item[0] == 1:
            entries.append([epoch, number, 1, *where, leaf, item[1], False, ""])
        else:
            entries.append([epoch, number, 5, *where, item[1:]])
    return entries


def enrol():
    office = client.Office(district.invite(NAME))
    is_("state after ENROL", office.enrol()[0], 1)
    is_("state after ENROL again", office.enrol()[0], 1)
    district.approve(NAME, office.words())
    is_("state after the approval", office.enrol()[0], 2)
    office.connect()
    is_("standing", office.hello(), client.ACTIVE)
    is_("lanes at the hub", [lane[0] for lane in office.welcome["lanes"]], [0, 0, 0])
    say("enrolled with six words")
    return office


def register(office):
    office.states.clear()
    words = office.register("Siti Aminah", "tksk")
    office.pump(30, lambda: any(s[0] == office.author.public for s in office.states))
    district.approve_operator(NAME, "Siti Aminah", "tksk", words)
    district.learn_number(office)
    roster = office.trust.operators[office.author.number]
    is_("roster: node and name", roster[1:3], [NAME, "Siti Aminah"])
    is_(
        "roster: keys of the node",
        office.trust.nodes[NAME][1:],
        [
            office.device_public,
            client.sodium.crypto_scalarmult_base(office.curve),
            bytes(office.sealing.public_key),
        ],
    )
    check(office.trust.rules_version == 1, "no rules document in the control stream")
    say(f"operator {office.author.number}, trust {office.trust.version}, rules 1")


def journal_so_far(office):
    """The hub's journal, computed here, is the one that it signs."""
    office.hello()
    number = office.welcome["number"]
    office.pump(30, lambda: office.trust.versions == office.welcome["versions"])
    entries = entries_of(office, office.welcome["epoch"])
    is_("journal numbers", len(entries), number)
    is_("journal hash", office.welcome["journal"], journal_hash(entries))
    _, at, proof = office.cursors[client.CONTROL]
    is_("journal hash of the cursor", proof, journal_hash(entries[:at]))
    office.hello()
    is_("cursors proven", office.welcome["proven"], [True, True])
    say(f"journal of {number} entries verified")


def first_push(office):
    """Two creates in one transaction, ten more behind it, in slices; twice byte for byte."""
    two = [
        create("orang", os.urandom(16), person(f"Orang {g}", ciri=noise(250)), g, g + 1)
        for g in range(2)
    ]
    office.enter(two)
    for i in range(10):
        office.enter([create("orang", os.urandom(16), person(f"Lain {i}", ciri=noise(290)))])
    lane = office.lanes[client.NORMAL]
    raw = office.push(size=4096)
    check(len(raw) > 3 * 4096, "the bundle is too short to be in slices")
    answers = dict(office.answers)
    for seq in range(1, lane.highest + 1):
        is_(f"entries of seq {seq}", answers[(client.NORMAL, seq)][1], [])
    numbers = [answers[(client.NORMAL, seq)][0] for seq in range(1, lane.highest + 1)]
    is_("journal numbers", numbers, list(range(numbers[0], numbers[0] + lane.highest)))
    is_("records", district.count("orang"), 12)

    office.push(size=4096, first=1, last=lane.highest, raw=raw)
    is_("answers to the same bundle", office.answers, answers)
    office.push(first=1, last=lane.highest, raw=raw)
    is_("answers to the same bundle in other slices", office.answers, answers)
    is_("records after the repeat", district.count("orang"), 12)

    again = lane.append(lane.items[1], lane.leaves[1])
    office.push()
    is_("answer to a known leaf at a new position", office.answers[(client.NORMAL, again)][1], [])
    is_("records after the known leaf", district.count("orang"), 12)
    say(f"{len(raw)} bytes in slices, accepted once, sent three times")
    return two[0][3], answers[(client.NORMAL, 2)][0]


def from_the_office(office):
    """A record of the district's own office comes down sealed, with its fields."""
    district.shell(f"enrol_office {OFFICE} 'Petugas {OFFICE}' tksk")
    made = district.node_json(OFFICE, "isi", "orang", "nama=Dari Dinas", "jk=L", f"kode_kec={NAME}")
    record = bytes.fromhex(made["id"].replace("-", ""))
    office.pump(60, lambda: record in office.records)
    got = office.records[record]
    is_("nama", got["fields"]["nama"], "Dari Dinas")
    is_("collection", got["collection"], "orang")
    is_("node of its author", got["origin"][0], OFFICE)
    check(any(b["sealed"] and b["stream"] == client.RECORDS for b in office.batches), "not sealed")
    say("a record of the district's office arrived sealed")


def held(office, record, rev):
    """Both edit one field; the later one at the hub is held and a person decides."""
    text = client.uuid_text(record)
    district.until_true(20, "our record at the district's office", lambda: shows(OFFICE, text))
    district.node(OFFICE, "ubah", text, "status_hidup=meninggal")
    office.pump(
        20,
        lambda: office.records.get(record, {"fields": {}})["fields"].get("status_hidup")
        == "meninggal",
    )
    epoch = office.seen[0]
    transaction, number, entries = office.put(
        update("orang", record, [epoch, rev], {"status_hidup": "pindah"})
    )
    check(len(entries) == 1, f"entries {entries}")
    is_("index and disposition", entries[0][:2], [0, client.HELD])
    is_("field of the entry", entries[0][3], "status_hidup")
    conflict = client.H("conflict", transaction.leaf + bytes(4) + b"status_hidup")[:16]
    office.pump(60, lambda: conflict in office.conflicts)
    item = office.conflicts[conflict]
    is_(
        "conflict",
        [item[k] for k in ("collection", "record", "field", "a", "b", "node_a", "node_b")],
        ["orang", record, "status_hidup", "meninggal", "pindah", OFFICE, NAME],
    )
    is_("number of the conflict", item["number"], number)
    say("an edit from an old base is held, and the conflict item names both values")

    _, _, entries = office.put(
        [0, client.RESOLVE, "orang", record, [epoch, number], {"status_hidup": "pindah"}, conflict]
    )
    is_("entries of the resolve", entries, [])
    office.pump(60, lambda: any(r[1] == conflict for r in office.resolved))
    is_(
        "at the hub",
        district.query("SELECT status_hidup FROM orang WHERE nama = 'Orang 0'"),
        [["pindah"]],
    )
    office.pump(
        20,
        lambda: any(d[1] == transaction.leaf and d[3] == client.ACCEPTED for d in office.decisions)
        or False,
    )
    say("resolved")


def shows(name, text):
    try:
        return district.node(name, "show", text)
    except district.Failed:
        return False


def main():
    office = enrol()
    register(office)
    journal_so_far(office)
    record, rev = first_push(office)
    journal_so_far(office)
    from_the_office(office)
    held(office, record, rev)
    is_("conflicts", district.hub_json("status")["conflicts"], 0)
    district.hub("verify")
    office.disconnect()


main()
