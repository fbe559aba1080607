"""An enrolled office that means harm (36.04.13), peers without keys, and a good office (36.04.12)
beside them. Written against PROTOCOL.md with client.py; each part ends with calm()."""
import copy
import os
import random
import socket
import subprocess
import time

import zstandard

import client
import district
from client import (
    ACTIVE,
    HELD,
    HELLO,
    NORMAL,
    PARKED,
    PUSH,
    QUARANTINED,
    REJECTED,
    REOPEN,
    Refused,
    Silence,
    URGENT,
    create,
    enc,
    update,
)
from district import check, is_, say

PID = int(os.environ["HUB_PID"])
GOOD, EVIL, GONE, TWIN = "36.04.12", "36.04.13", "36.04.14", "36.04.15"
# A sanitizer keeps what is freed.
RSS_GROWTH_MAX = (1024 if os.path.basename(district.B) == "san" else 64) << 20
SERVED_SECONDS = 3  # beside whatever else this machine does
ANY = None


def rss():
    with open(f"/proc/{PID}/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")


def person(area, nama="Orang", **more):
    return {
        "kode_kec": area,
        "dasar_pemrosesan": "tugas_publik",
        "status_rekaman": "aktif",
        "status_hidup": "hidup",
        "nama": nama,
        "jk": "P",
        **more,
    }


def orang(area, nama="Orang", group=0, record=None, **more):
    return create("orang", record or os.urandom(16), person(area, nama, **more), group)


class Scene:
    def __init__(self):
        self.records = 0
        self.wrong = []  # answers that are not as written; all are shown at the end
        self.good = district.join(client, GOOD)
        self.evil = district.join(client, EVIL)
        for office in (self.good, self.evil):
            is_("standing", office.hello(), ACTIVE)
        self.rss = rss()

    def expect(self, condition, what, known=None):
        """An answer as it should be. `known` says why it is not so yet: shown, no failure."""
        if condition:
            if known:
                say(f"    mended, no longer known: {what}")
        elif known:
            say(f"KNOWN {what}: {known}")
        else:
            self.wrong.append(what)
            say(f"BAD {what}")

    def calm(self, what):
        """The hub lives, is not bigger, serves the good office at once and counts right."""
        with open(f"/proc/{PID}/stat", encoding="ascii") as file:
            check(file.read().split()[2] not in "ZX", f"{what}: the hub died")
        started = time.monotonic()
        _, _, entries = self.good.put(orang(GOOD, what[:90]))
        took = time.monotonic() - started
        is_(f"{what}: the good office's entry", entries, [])
        check(took < SERVED_SECONDS, f"{what}: the good office waited {took:.1f} s")
        self.records += 1
        if district.count("orang") != self.records:
            say(f"    {sorted(district.query('SELECT nama FROM orang'))}")
        is_(f"{what}: records", district.count("orang"), self.records)
        grown = rss() - self.rss
        check(grown < RSS_GROWTH_MAX, f"{what}: the hub grew by {grown >> 20} MiB")
        say(f"ok  {what} (+{grown >> 10} KiB)")

    def refused(self, what, send, *codes, seconds=30):
        """`send` is answered by a REFUSE of one of `codes`; the connection goes on."""
        evil = self.evil
        evil.listen(0)
        evil.refusals.clear()
        send()
        try:
            evil.pump(seconds, lambda: evil.refusals, strict=False)
        except Silence:
            self.expect(False, f"{what}: no REFUSE, wanted {codes}")
            return
        got = evil.refusals[-1]
        self.expect(got.code in codes, f"{what}: REFUSE {got}, wanted {codes}")

    def again(self):
        """The evil office on a new connection, in good standing."""
        self.evil.connect()
        is_("standing of the evil office", self.evil.hello(), ACTIVE)
        versions = self.evil.welcome["versions"]
        self.evil.pump(30, lambda: self.evil.trust.versions == versions, strict=False)
        self.settle()

    def settle(self):
        """Forgets what was queued wrong: the chain goes on from what the hub has."""
        for lane, chain in enumerate(self.evil.lanes):
            keep = self.evil.welcome["lanes"][lane][0]
            del chain.items[keep:], chain.leaves[keep:], chain.heads[keep + 1 :]
            chain.acked = keep
            if keep == 0:
                self.evil.noted[lane] = None


# --- frames ---------------------------------------------------------------------------------------


def hello_frame(office, **how):
    statement = office.hello_statement(**how)
    return enc([HELLO, statement, client.sign("hello", statement, office.device)])


def mutations(frame, count):
    for _ in range(count):
        raw = bytearray(frame)
        for _ in range(random.choice([1, 1, 2, 8])):
            at = random.randrange(len(raw))
            raw[at] ^= 1 << random.randrange(8)
        if raw != frame:
            yield bytes(raw)


def frames(scene):
    evil = scene.evil
    evil.enter([orang(EVIL, "Bit")])
    push = enc(next(evil.slices(NORMAL, 1, evil.bundle(NORMAL, 1, 2))))
    hello = hello_frame(evil)
    confirm = enc([client.CONFIRM, client.RECORDS, 1, 2**40, 2**20])
    for frame in (push, hello, confirm):
        for n in [*range(0, 40), *range(40, len(frame), max(1, len(frame) // 40))]:
            evil.wire.send_frames([frame[:n]])
        for raw in mutations(frame, 150):
            evil.wire.send_frames([raw])
        evil.listen(0.1)
    scene.again()
    is_("nothing of it was taken", [lane[0] for lane in evil.welcome["lanes"]], [0, 0, 0])
    scene.calm("truncated and flipped frames")

    for what, raw in {
        "nothing": b"",
        "nil": b"\xc0",
        "a map": enc({"a": 1}),
        "an empty array": b"\x90",
        "an unknown type": enc([99, 1]),
        "a negative type": enc([-1]),
        "a type of the hub": enc([client.ACK, 1, 1, 1, 1, 1, [], bytes(64)]),
        "a type as str": enc(["1", b"", bytes(64)]),
        "one element too many": enc([*client.dec(hello), 0]),
        "one element too few": enc(client.dec(hello)[:-1]),
        "4 GiB of array": b"\xdd\xff\xff\xff\xff",
        "4 GiB of str": b"\x92\x01\xdb\xff\xff\xff\xff",
        "4 GiB of map": b"\x92\x01\xdf\xff\xff\xff\xff",
        "deep arrays": b"\x91" * 32000,
        "deep maps": b"\x81\xa1a" * 10000,
        "a float": b"\x93\x03\xcb" + bytes(8) + b"\x00",
        "an extension": b"\x92\x01\xd4\x01\x00",
        "a byte after the value": hello + b"\x00",
        "a long integer": b"\x93\xcc\x01" + hello[2:],
        "a long array head": b"\xdc\x00\x03" + hello[1:],
        "a long bin head": b"\x93\x01" + b"\xc5\x00" + hello[3:],
        "an unsigned above 2^63": enc([client.CONFIRM, 0, 0, 2**63, 0]),
        "a negative number": enc([client.CONFIRM, 0, 0, -1, 0]),
        "str that is not UTF-8": b"\x92\x01\xa2\xff\xfe",
    }.items():
        codes = ("version",) if what == "an unknown type" else ("malformed", "limit")
        scene.refused(what, lambda raw=raw: evil.wire.send_frames([raw]), *codes)
    scene.calm("forms that are not a message")

    # The hub drops several frames without a word.
    for frames_ in ([hello, hello], [b"", hello], [b"x" * 100] * 200):
        evil.welcome = None
        evil.wire.send_frames(frames_)
        evil.listen(0.3)
        is_("WELCOME to several frames", evil.welcome, None)
    evil.listen(0.2)
    for size in (client.FRAME_MAX + 1, 1 << 20, 16 << 20):
        evil.wire.send_frames([b"\xc4" * size])
        evil.listen(0.1)
    evil.wire.send_frames([bytes(30000)] * 300)
    evil.listen(0.3)
    scene.again()
    scene.calm("several frames and frames that are too long")


def statements(scene):
    """HELLOs, signatures and bundles that lie about who, where and what."""
    evil, good = scene.evil, scene.good
    wire = evil.wire

    def says(**how):
        return lambda: wire.send(hello_frame(evil, **how))

    scene.refused("another suite", says(suite=2), "version")
    scene.refused("another node's name", says(node=GOOD), "denied", "signature")
    scene.refused("a node that is none", says(node="36.04.99"), "denied", "signature")

    def by_good_device():
        statement = evil.hello_statement(node=GOOD)
        wire.send([HELLO, statement, client.sign("hello", statement, good.device)])

    scene.refused("another node's HELLO", by_good_device, "denied", "signature")

    def forged():
        wire.send([HELLO, evil.hello_statement(), os.urandom(64)])

    scene.refused("a HELLO without signature", forged, "signature")
    scene.calm("HELLOs in another's name")

    scene.again()
    chain = evil.lanes[NORMAL]
    evil.enter([orang(EVIL, "Palsu")])
    last = chain.highest

    def pushes(raw, first=1, size=client.SLICE_MAX):
        return lambda: [evil.wire.send(m) for m in evil.slices(NORMAL, first, raw, size)]

    scene.refused(
        "the device signature of another",
        pushes(evil.bundle(NORMAL, 1, last, device=good.device)),
        "signature",
    )
    scene.refused(
        "a suite in the bundle",
        pushes(evil.bundle(NORMAL, 1, last, suite=9)),
        "version",
    )
    scene.refused(
        "first that is not the bundle's",
        pushes(evil.bundle(NORMAL, 1, last), 2, 200),
        "malformed",
        "gap",
    )
    scene.refused("a gap", pushes(evil.bundle(NORMAL, 2, last), 2), "gap")
    gap = evil.refusals[-1]
    is_("the first missing position of the gap", (gap.lane, gap.seq), (NORMAL, 1))
    scene.refused("a bundle as garbage", pushes(os.urandom(5000)), "malformed")
    scene.refused(
        "an empty bundle", lambda: wire_push(evil, total=0, data=b""), "malformed", "limit"
    )
    scene.refused(
        "a bundle above 1 MiB",
        lambda: wire_push(evil, total=1 << 21, tag=bytes(8), data=bytes(4096)),
        "limit",
        "malformed",
    )
    scene.refused(
        "a slice beyond its bundle",
        lambda: wire_push(evil, total=100, offset=99, tag=bytes(8), data=bytes(50)),
        "malformed",
        "limit",
    )
    scene.refused("a lane that is none", lambda: wire_push(evil, lane=7), "malformed", "limit")
    scene.refused(
        "another tag than the bundle's",
        lambda: [
            wire_push(evil, total=8192, offset=o, tag=bytes(8), data=bytes(4096)) for o in (0, 4096)
        ],
        "malformed",
        "signature",
        "state",
    )
    scene.again()
    is_("received of all that", evil.welcome["lanes"][NORMAL][0], 0)
    scene.calm("bundles that lie")


def wire_push(office, lane=NORMAL, first=1, tag=bytes(8), total=99, offset=0, data=bytes(10)):
    office.wire.send([PUSH, lane, first, tag, total, offset, data])


# --- transactions ---------------------------------------------------------------------------------


def bomb(length, declared=None):
    """A body of a few KiB that wants to become `length` bytes."""

    def make(office, leaf):
        raw = zstandard.ZstdCompressor(write_content_size=False, write_checksum=False).compress(
            bytes(length)
        )[4:]
        key = office.keys()
        plain = declared or min(length, client.PLAIN_MAX)
        sealed_head = enc([1, office.district, leaf, key.number, 0, plain])
        return {
            "length": plain,
            "body": client.aead(raw, sealed_head, client.H("nonce", sealed_head)[:24], key.key),
        }

    return make


class Case:
    """One transaction that is wrong: `reasons` are those of PROTOCOL.md that fit."""

    def __init__(self, what, reasons, changes, sealing=None, plain=None, **how):
        self.what, self.reasons, self.changes, self.how = what, reasons, changes, how
        self.sealing, self.plain = sealing, plain

    def queue(self, office):
        transaction = office.transaction(self.changes, **self.how)
        if self.plain is not None:
            transaction.plain = self.plain
        how = (
            self.sealing(office, transaction.leaf) if callable(self.sealing) else self.sealing or {}
        )
        return transaction, office.queue(transaction, **how)


def cases(scene):
    evil, good = scene.evil, scene.good
    own = orang(EVIL)
    stranger = client.Author("Tidak Ada", "tksk")
    stranger.number = 999
    other = copy.copy(evil.author)
    other.number = good.author.number
    twice = os.urandom(16)
    yield Case(
        "an operator that is none", ["key", "signature", "authority"], [own], author=stranger
    )
    yield Case("another operator's number", ["key", "signature", "authority"], [own], author=other)
    yield Case("a signature of nobody", ["signature"], [own], sig=os.urandom(64))
    yield Case(
        "changed change bytes",
        ["signature", "malformed"],
        [own],
        sent_changes=[orang(EVIL, "Diubah")],
    )
    yield Case("wrong commitments", ["signature", "malformed"], [own], commitments=os.urandom(32))
    yield Case(
        "a body that does not open",
        ["decrypt"],
        [own],
        sealing={"body": os.urandom(300), "length": 300},
    )
    yield Case("a zstd bomb", ["malformed", "decrypt"], [own], sealing=bomb(1 << 30))
    yield Case(
        "a zstd bomb of the allowed size",
        ["malformed", "decrypt"],
        [own],
        sealing=bomb(client.PLAIN_MAX),
    )
    yield Case(
        "less than the plain length", ["malformed", "decrypt"], [own], sealing=bomb(1000, 2000)
    )
    yield Case(
        "more than the plain length", ["malformed", "decrypt"], [own], sealing=bomb(2000, 1000)
    )
    yield Case("a plain text that is no array", ["malformed"], [own], plain=enc({"a": 1}))
    yield Case("a plain text that is deep", ["malformed", "limit"], [own], plain=b"\x91" * 5000)
    yield Case("a plain text of 4 GiB", ["malformed"], [own], plain=b"\xdd\xff\xff\xff\xff")
    yield Case("a change of no record", ["malformed"], [[0, 1, "orang", b"", None, {}, 0]])
    yield Case("an op that is none", ["malformed"], [[0, 9, "orang", twice, None, {}, 0]])
    yield Case("no change", ["malformed"], [])
    yield Case("257 changes", ["malformed", "limit"], [orang(EVIL, group=g) for g in range(257)])
    yield Case(
        "a record twice",
        ["malformed"],
        [orang(EVIL, record=twice), orang(EVIL, record=twice, group=1)],
    )
    yield Case("a gap in the groups", ["malformed"], [orang(EVIL), orang(EVIL, group=2)])
    yield Case(
        "129 fields",
        ["malformed", "limit", "field"],
        [create("orang", twice, {**person(EVIL), **{f"f{i}": 1 for i in range(129)}})],
    )
    yield Case("a collection that is none", ["collection"], [create("bukan", twice, person(EVIL))])
    yield Case("a field that is none", ["field"], [orang(EVIL, bukan_isian="x")])
    yield Case("a record of another kecamatan", ["authority", "area"], [orang(GOOD)])
    yield Case("an area that is none", ["authority", "area", "area_unknown"], [orang("36.04.99")])
    yield Case(
        "a village of another kecamatan",
        ["area_child"],
        [orang(EVIL, kode_desa="36.04.12.2001")],
    )
    yield Case(
        "a field outside the authority", ["authority"], [orang(EVIL, digabung_ke=os.urandom(16))]
    )
    yield Case("a computed field", ["computed", "authority"], [orang(EVIL, nik_status="padan")])
    yield Case("a value of another type", ["value"], [orang(EVIL, nama=7)])
    yield Case("a text that is too long", ["length"], [orang(EVIL, "x" * 101)])
    yield Case("a code that is none", ["code"], [orang(EVIL, jk="X")])
    yield Case("a NIK of 15 digits", ["nik"], [orang(EVIL, nik="360413501019012")])
    yield Case("a reference to nothing", ["reference"], [orang(EVIL, keluarga=os.urandom(16))])
    yield Case(
        "no name",
        ["required"],
        [create("orang", twice, {k: v for k, v in person(EVIL).items() if k != "nama"})],
    )
    yield Case("an edit of nothing", ANY, [update("orang", os.urandom(16), [1, 1], {"nama": "x"})])
    yield Case(
        "an edit of another's record",
        ["authority", "area"],
        [update("orang", scene.victim, [1, scene.victim_rev], {"nama": "Dicuri"})],
    )
    yield Case(
        "a delete of another's record",
        ["authority", "area"],
        [[0, client.DELETE, "orang", scene.victim, [1, scene.victim_rev], {}, None]],
    )
    yield Case(
        "a record that exists", ["duplicate", "authority"], [orang(EVIL, record=scene.victim)]
    )
    yield Case(
        "an answer to no conflict",
        ANY,
        [[0, client.RESOLVE, "orang", scene.victim, [1, 1], {"nama": "x"}, os.urandom(16)]],
    )
    yield Case("versions of the future", ANY, [own], versions=(99, 99))
    yield Case("versions before the entry", ANY, [own], versions=(1, 1))
    yield Case("a version of nothing", ANY, [own], versions=(0, 0))


def wrong_one(scene, case):
    evil = scene.evil
    _, seq = case.queue(evil)
    _, after = evil.enter([orang(EVIL, case.what[:90])])
    try:
        evil.push()
    except Refused as refusal:
        scene.expect(False, f"{case.what}: the bundle was refused: {refusal}")
        evil.hello()
        scene.settle()
        return
    entries = evil.answers[(NORMAL, seq)][1]
    rejected = entries and all(e[1] == REJECTED for e in entries)
    scene.expect(rejected, f"{case.what}: answered {entries}")
    if rejected and case.reasons is not ANY:
        scene.expect(
            entries[0][2] in case.reasons, f"{case.what}: {entries}, wanted {case.reasons}"
        )
    is_(f"{case.what}: the next one", evil.answers[(NORMAL, after)][1], [])
    scene.records += 1 if entries else 2
    say(f"    {case.what}: {entries}")


def transactions(scene):
    """Each takes its position, is rejected with its reason, and the next one merges."""
    evil, good = scene.evil, scene.good
    scene.again()
    scene.victim = os.urandom(16)
    _, scene.victim_rev, entries = good.put(orang(GOOD, "Korban", record=scene.victim))
    is_("the victim", entries, [])
    scene.records += 1
    for case in list(cases(scene)):
        wrong_one(scene, case)
    is_("the victim's name", district.query("SELECT nama FROM orang WHERE nama = 'Dicuri'"), [])
    check(evil.records.keys().isdisjoint([scene.victim]), "the evil office reads another's record")
    scene.calm("transactions that are wrong")

    # One group falls, the other stands; what waits for what never comes parks and blocks nothing.
    record = os.urandom(16)
    _, _, entries = evil.put(orang(GOOD), orang(EVIL, "Berdiri", group=1, record=record))
    scene.records += 1
    is_("a group falls alone", [[e[0], e[1]] for e in entries], [[0, REJECTED]])
    waiting = evil.transaction([orang(EVIL, "Menunggu")])
    seq = evil.queue(waiting, after=[URGENT, 4711])
    _, following = evil.enter([orang(EVIL, "Sesudah")])
    evil.push()
    scene.records += 1
    is_("after what never comes", [e[1] for e in evil.answers[(NORMAL, seq)][1]], [PARKED])
    is_("the one behind it", evil.answers[(NORMAL, following)][1], [])
    scene.calm("groups and parking")


def items(scene):
    """Bundles that the device signed over items and keys that are none."""
    evil, good = scene.evil, scene.good
    scene.again()
    evil.put(orang(EVIL, "Barang"))
    scene.records += 1
    chain, key = evil.lanes[NORMAL], evil.data_key
    leaf, body = os.urandom(32), os.urandom(40)
    form = [1, [], leaf, 1, 0, 10, body]
    for what, codes, bad, keys in (
        ("an item type that is none", ("version",), [[3, 1, 2, 3]], []),
        ("an item of nothing", ("malformed",), [[]], []),
        ("an item that is no array", ("malformed",), [7], []),
        ("half a pair in after", ("malformed",), [[1, [0], *form[2:]]], []),
        ("a lane that is none in after", ("malformed",), [[1, [9, 1], *form[2:]]], []),
        ("a wait for its own lane", ("malformed",), [[1, [NORMAL, 9**9], *form[2:]]], []),
        ("a plain length of 1 TiB", ("malformed", "limit"), [[*form[:5], 1 << 40, body]], []),
        ("a plain length of nothing", ("malformed",), [[*form[:5], 0, body]], []),
        ("no body", ("malformed",), [[*form[:6], b""]], []),
        ("a key number that never came", ("key",), [[*form[:3], 777, *form[4:]]], []),
        ("a dictionary that never came", ("dictionary",), [[*form[:4], 777, *form[5:]]], []),
        ("513 items", ("limit",), [form] * 513, []),
        ("no items", ("malformed", "limit"), [], []),
        ("17 keys", ("limit",), [form], [[n, key.sealed] for n in range(2, 19)]),
        ("a key twice", ("malformed",), [form], [[1, key.sealed]] * 2),
    ):
        first = chain.highest + 1
        liar = copy.deepcopy(chain)
        for item in bad:
            liar.append(item, leaf)
        raw = evil.bundle(NORMAL, first, first + len(bad) - 1, keys=keys, chain=liar)
        scene.refused(
            what,
            lambda f=first, r=raw: [evil.wire.send(m) for m in evil.slices(NORMAL, f, r)],
            *codes,
        )

    # A leaf belongs to the transaction that it names, not to who says it first.
    victim = good.transaction([orang(GOOD, "Daun")])
    spoilt = client.seal_item(evil.district, victim.leaf, victim.plain, key, body=body)
    seq = chain.append(spoilt, victim.leaf)
    evil.push()
    is_("a leaf in other hands", [e[1] for e in evil.answers[(NORMAL, seq)][1]], [REJECTED])
    seq = good.queue(victim)
    good.push()
    is_("the leaf's own transaction", good.answers[(NORMAL, seq)][1], [])
    scene.records += 1
    # A key that came is not replaced by one that comes under its number.
    fake = client.DataKey(key.number, evil.trust.hub[1])
    _, seq = evil.enter([orang(EVIL, "Kunci")])
    evil.push(raw=evil.bundle(NORMAL, seq, seq, keys=[[fake.number, fake.sealed]]))
    is_("work under the key that came first", evil.answers[(NORMAL, seq)][1], [])
    scene.records += 1
    scene.calm("items and keys that are none")


def policy(scene):
    """Versions never fall along a lane, and a policy entry names what the hub has signed."""
    evil = scene.evil
    scene.again()
    trust, rules, trust_hash, rules_hash = evil.trust.versions
    for what, entry in {
        "an older entry": (1, 0, trust_hash, rules_hash),
        "an entry of the future": (trust + 50, rules + 50, os.urandom(32), os.urandom(32)),
        "an entry with another hash": (trust, rules, os.urandom(32), rules_hash),
    }.items():
        chain = evil.lanes[NORMAL]
        chain.append(*client.policy_item(*entry))
        try:
            evil.push()
            say(f"    {what}: {evil.answers[(NORMAL, chain.highest)]}")
        except Refused as refusal:
            say(f"    {what}: {refusal}")
        evil.hello()
        scene.settle()
        try:
            _, _, entries = evil.put(orang(EVIL, what))
            scene.records += not entries
            say(f"    then: {entries}")
        except Refused as refusal:
            say(f"    then: {refusal}")
            evil.hello()
            scene.settle()
    scene.calm("policy entries that lie")


# --- stores and incarnations ----------------------------------------------------------------------


def reopened(scene, what):
    """The hub shows the fork, a new incarnation follows the old one, and work goes on."""
    evil = scene.evil
    evil.forked = True
    standing = evil.hello()
    evil.forked = False
    scene.expect(
        standing == REOPEN,
        f"{what}: standing {standing} after REFUSE fork",
    )
    evil.open_incarnation(previous=evil.incarnation)
    is_("standing of the new incarnation", evil.hello(), ACTIVE)
    _, _, entries = evil.put(orang(EVIL, what))
    is_("work in the new incarnation", entries, [])
    scene.records += 1


def fork(scene):
    """Other leaves at positions that the hub has: standing 2, a new incarnation, and on."""
    evil = scene.evil
    evil.enter([orang(EVIL, "Kepala")])
    at = evil.lanes[NORMAL].highest
    scene.refused(
        "another head before",
        lambda: [
            evil.wire.send(m)
            for m in evil.slices(NORMAL, at, evil.bundle(NORMAL, at, at, head_tag=bytes(8)))
        ],
        "fork",
    )
    reopened(scene, "Kepala lain")
    chain = evil.lanes[NORMAL]
    good_chain = copy.deepcopy(chain)
    keep = chain.acked - 1
    del chain.items[keep:], chain.leaves[keep:], chain.heads[keep + 1 :]
    evil.queue(evil.transaction([orang(EVIL, "Cabang")]))
    raw = evil.bundle(NORMAL, chain.highest, chain.highest)
    evil.forked = True
    scene.refused(
        "another leaf",
        lambda: [evil.wire.send(m) for m in evil.slices(NORMAL, chain.highest, raw)],
        "fork",
    )
    reopened(scene, "Lanjut")
    # What the hub has already comes again under new positions: known by its leaf.
    again = evil.lanes[NORMAL].append(good_chain.items[-1], good_chain.leaves[-1])
    evil.push()
    is_("known leaf", evil.answers[(NORMAL, again)][1], [])
    # What waited for a seq of an incarnation that has ended can wait no longer.
    scene.records += len(district.query("SELECT nama FROM orang WHERE nama = 'Menunggu'"))
    scene.calm("a forked store")


def incarnations(scene):
    """A store that does not follow the active one is a second store, whatever it names."""
    for name, previous in (("36.04.17", None), ("36.04.18", os.urandom(16))):
        office = district.join(client, name)
        is_("standing", office.hello(), ACTIVE)
        office.open_incarnation(previous)
        standing = office.hello()
        _, _, entries = office.put(orang(name, "Kembar"))
        what = f"previous {'nil' if previous is None else 'that the hub does not know'}"
        scene.expect(standing == client.STAND_QUARANTINED, f"{what}: standing {standing}")
        scene.expect([e[1] for e in entries] == [QUARANTINED], f"{what}: {entries}")
        scene.records += not entries
        office.disconnect()
    scene.calm("incarnations without a past")


def twins(scene):
    twin = district.join(client, TWIN)
    twin.hello()
    _, _, entries = twin.put(orang(TWIN, "Satu"))
    is_("before", entries, [])
    scene.records += 1
    old = copy.copy(twin)
    old.wire = None
    twin.open_incarnation(previous=twin.incarnation)
    is_("the second life", twin.hello(), ACTIVE)
    _, _, entries = twin.put(orang(TWIN, "Dua"))
    is_("in the second life", entries, [])
    scene.records += 1
    old.connect()
    # Told that it is old, the first life opens one more that follows it: two living stores.
    standing = old.hello()
    if standing == REOPEN:
        old.open_incarnation(previous=old.incarnation)
        standing = old.hello()
    is_("the first life goes on", standing, client.STAND_QUARANTINED)
    is_("the second life then", twin.hello(), client.STAND_QUARANTINED)
    for office in (old, twin):
        is_("standing of a twin", office.hello(), client.STAND_QUARANTINED)
        _, _, entries = office.put(orang(TWIN, "Kembar"))
        is_("work of a twin", [e[1:3] for e in entries], [[QUARANTINED, "twin"]])
    twin.disconnect()
    old.disconnect()
    scene.calm("twins")


def returned(scene):
    """RETURN to a hub that lost nothing: a forged statement, forged rules, slices of anything."""
    evil = scene.evil
    scene.again()
    versions = evil.trust.versions
    raw = enc(
        [
            1,
            evil.district,
            versions[0] + 1,
            versions[2],
            client.now_ms(),
            [[client.NODE_END, GOOD, 3, []]],
        ]
    )
    forged = enc([raw, [[evil.author.public, client.sign("trust", raw, evil.author.key)]]])
    rules = enc({**evil.trust.rules, "version": versions[1] + 1, "previous": versions[3]})
    forged_rules = enc(
        [rules, [[evil.author.public, client.sign("rules", rules, evil.author.key)]]]
    )
    for kind, version, signed in ((1, versions[0] + 1, forged), (2, versions[1] + 1, forged_rules)):
        for offset in range(0, len(signed), client.SLICE_MAX):
            part = signed[offset : offset + client.SLICE_MAX]
            evil.wire.send([client.RETURN, kind, version, len(signed), offset, part])
    for kind, version, total, offset in (
        (0, 1, 100, 0),
        (3, 1, 100, 0),
        (1, 0, 100, 0),
        (1, 2**62, 1 << 40, 0),
        (2, 9, 1 << 30, 1 << 29),
        (1, 9, 10, 50),
        (2, 9, 0, 0),
    ):
        evil.wire.send([client.RETURN, kind, version, total, offset, bytes(100)])
    for n in range(200):
        evil.wire.send([client.RETURN, 1 + n % 2, 9 + n, 500000, 0, bytes(client.SLICE_MAX)])
    evil.listen(0.3)
    scene.again()
    is_("policy after forged RETURNs", evil.welcome["versions"], versions)
    scene.calm("policy that nobody signed")


# --- claims that nothing proves -------------------------------------------------------------


def bases(scene):
    """A base that the journal has not reached is no leave to write over others."""
    other = district.join(client, "36.04", role="verifikator")
    other.hello()
    evil = scene.evil
    scene.again()
    for what in ("future epoch", "future number"):
        record = os.urandom(16)
        _, rev, _ = evil.put(orang(EVIL, "Dasar", record=record))
        scene.records += 1
        epoch = evil.seen[0]
        base = [epoch + 9, rev] if what == "future epoch" else [epoch, 2**62]
        _, _, entries = other.put(update("orang", record, [epoch, rev], {"status_hidup": "pindah"}))
        is_("the district's edit", entries, [])
        _, _, entries = evil.put(update("orang", record, base, {"status_hidup": "meninggal"}))
        scene.expect(
            bool(entries) and entries[0][1] in (REJECTED, HELD),
            f"a base of a {what}: {entries}",
        )
    other.disconnect()
    scene.calm("bases of the future")


def ended(scene):
    """What an operator signs after the end is kept for a person, whatever the chain says."""
    name = "36.04.19"
    office = district.join(client, name)
    office.hello()
    _, _, entries = office.put(orang(name, "Sebelum"))
    is_("before the end", entries, [])
    scene.records += 1
    versions = (office.trust.version, office.trust.rules_version)
    district.hub(
        "operator",
        "end",
        str(office.author.number),
        "--reason",
        "ended",
        "--yes",
        *district.OFFICER,
    )
    office.pump(30, lambda: office.trust.version > versions[0])

    def late(what, known=None):
        seq = office.queue(office.transaction([orang(name, what)], versions=versions))
        office.push()
        entries = office.answers[(NORMAL, seq)][1]
        scene.expect(
            [e[1:3] for e in entries] == [[QUARANTINED, "author_ended"]],
            f"{what}: {entries}",
            known,
        )
        scene.records += not entries

    office.hello()
    late("behind the entry of the end")
    office.lanes[NORMAL].append(*client.policy_item(*versions, client.ZERO, client.ZERO))
    late("behind an entry that fell")
    office.open_incarnation(office.incarnation)
    office.hello()
    office.noted[NORMAL] = list(office.trust.versions)
    late("without an entry, having said in HELLO that it knows")
    office.disconnect()
    scene.calm("work of an operator whose right has ended")


def lies(scene):
    """A HELLO that has seen more than there is costs its own office its standing, no other."""
    evil, good = scene.evil, scene.good
    scene.again()
    evil.put(orang(EVIL, "Bukti"))
    scene.records += 1
    seen, cursor = evil.seen, evil.cursors[client.RECORDS]
    ack, _ = client.dec(evil.proofs[3])
    forged = client.dec(ack)
    forged[8] += 10**6
    forged = enc(forged)
    for what in ("a number", "an epoch", "a hash"):
        if what == "a number":
            evil.seen = [seen[0], 10**6]
        elif what == "an epoch":
            evil.seen = [seen[0] + 1, 1]
        else:
            evil.seen, evil.cursors[client.RECORDS] = seen, [*cursor[:2], os.urandom(32)]
        is_(f"standing after {what}", evil.hello(), client.STAND_WAITING)
        for kind, proof in (
            (3, evil.proofs[3]),  # of what the hub has
            (4, evil.proofs[4]),
            (3, good.proofs[3]),  # of another office
            (4, good.proofs[4]),
            (3, evil.proofs[4]),  # of another kind
            (3, enc([forged, client.sign("ack", forged, evil.device)])),
            (3, enc([forged, client.dec(evil.proofs[3])[1]])),
            (4, enc([b"", bytes(64)])),
            (3, b"\x91" * 5000),
        ):
            evil.give_back(kind, 0, proof)
        evil.listen(0.3)
        good.connect()
        is_(f"another office after {what} from the future", good.hello(), ACTIVE)
    evil.disconnect()
    scene.calm("a HELLO from the future and proofs that prove nothing")


# --- floods ---------------------------------------------------------------------------------------


def floods(scene):
    evil = scene.evil
    scene.again()
    data = os.urandom(client.SLICE_MAX)
    for n in range(300):
        wire_push(
            evil,
            lane=n % 3,
            first=n + 1,
            tag=n.to_bytes(8, "big"),
            total=1 << 20,
            offset=client.SLICE_MAX * (n % 5),
            data=data,
        )
        if n % 50 == 0:
            evil.listen(0)
    scene.calm("300 slices of 300 bundles")
    evil.listen(0.1)
    for n in range(300):
        evil.wire.send(hello_frame(evil))
        evil.wire.send([client.CONFIRM, n % 2, 0, 0, 0])
    scene.calm("300 HELLOs and CONFIRMs of nothing")
    scene.again()
    for n in range(100):
        name = f"Orang {n}"
        raw = enc([1, evil.district, EVIL, os.urandom(32), name, "tksk", os.urandom(16), None])
        evil.wire.send(
            [client.OPERATOR, raw, os.urandom(64), client.sign("operator", raw, evil.device)]
        )
    evil.listen(0.5)
    check(
        evil.refusals and evil.refusals[-1].code in ("signature", "busy", "quota"),
        f"OPERATOR without the operator's signature: {evil.refusals[-1:]}",
    )
    for n in range(100):
        author = client.Author(f"Orang {n}", "tksk")
        raw = enc([1, evil.district, EVIL, author.public, author.name, "tksk", os.urandom(16)])
        evil.wire.send(
            [
                client.OPERATOR,
                raw,
                client.sign("operator", raw, author.key),
                client.sign("operator", raw, evil.device),
            ]
        )
    evil.listen(0.5)
    scene.calm("200 requests of operators")


def connections(scene):
    """Nobody's keys: plain TCP, garbage, ZMTP without CURVE, CURVE with keys that nobody knows."""
    endpoint = scene.good.invite.endpoints[0]
    host, port = endpoint.removeprefix("tcp://").rsplit(":", 1)
    raw = []
    for n in range(200):
        try:
            one = socket.create_connection((host, int(port)), timeout=2)
            one.setblocking(False)
            if n % 3 == 1:
                one.send(os.urandom(500))
            if n % 3 == 2:
                one.send(b"\xff" + bytes(8) + b"\x7f\x03\x00NULL" + bytes(48))
            raw.append(one)
        except OSError:
            break
    say(f"    {len(raw)} plain connections")
    scene.calm("connections that say nothing")
    wires = [client.Wire(endpoint) for _ in range(50)]
    wires += [client.Wire(endpoint, scene.good.invite.hub_curve, os.urandom(32)) for _ in range(50)]
    frame = hello_frame(scene.evil)
    for wire in wires:
        try:
            wire.socket.send(frame, client.zmq.DONTWAIT)
        except client.zmq.Again:
            pass
    scene.calm("connections without keys or with unknown keys")
    fresh = client.Office(district.invite("36.04.16"))
    started = time.monotonic()
    is_("an enrolment meanwhile", fresh.enrol()[0], 1)
    check(time.monotonic() - started < 3, "an enrolment waits for the flood")
    for wire in wires:
        check(not wire.socket.poll(0), "the hub answered to nobody")
        wire.close()
    for one in raw:
        one.close()
    fresh.disconnect()
    scene.calm("after the connections")


# --- enrolment and revocation ---------------------------------------------------------------------


def silent_or_refused(what, office, send, *codes):
    office.refusals.clear()
    try:
        send()
        office.pump(1.5, lambda: office.refusals, strict=False)
    except Silence:
        return
    check(office.refusals[-1].code in codes, f"{what}: {office.refusals[-1]}")


def enrolment(scene):
    text = district.invite(GONE)
    gone = client.Office(text)
    gone.connect(gone.invite.curve_secret)
    silent_or_refused(
        "HELLO with the invite's key",
        gone,
        lambda: gone.wire.send(hello_frame(gone)),
        "denied",
        "state",
    )
    silent_or_refused(
        "PUSH with the invite's key", gone, lambda: wire_push(gone), "denied", "state"
    )
    gone.connect(gone.invite.curve_secret)
    request = gone.enrol_request()
    gone.wire.send([client.ENROL, request, os.urandom(64)])
    silent_or_refused("ENROL without signature", gone, lambda: None, "signature")
    wrong = client.dec(request)
    wrong[4] = os.urandom(32)
    wrong = enc(wrong)
    silent_or_refused(
        "ENROL with another token",
        gone,
        lambda: gone.wire.send([client.ENROL, wrong, client.sign("enrol", wrong, gone.device)]),
        "denied",
        "signature",
        "used",
    )
    is_("ENROL", gone.enrol()[0], 1)

    thief = client.Office(text)
    thief.connect(thief.invite.curve_secret)
    silent_or_refused(
        "an invite twice, while it waits",
        thief,
        lambda: thief.wire.send([client.ENROL, *signed_request(thief)]),
        "used",
        "denied",
        "state",
    )
    check(not [s for s in thief.states if s[0] != 1], f"the thief has {thief.states}")
    for _ in range(3):
        done = subprocess.run(
            [
                f"{district.B}/tkskctl",
                "--socket",
                f"{district.W}/hub/admin.sock",
                "node",
                "approve",
                GONE,
                "--words",
                thief.words(),
                *district.OFFICER,
            ],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=30,
            check=False,
        )
        check(done.returncode != 0, "the thief's words were approved")
        break
    district.approve(GONE, gone.words())
    gone.connect()
    gone.hello()
    silent_or_refused(
        "an invite after it was used",
        thief,
        lambda: thief.wire.send([client.ENROL, *signed_request(thief)]),
        "used",
        "denied",
    )
    check(not [s for s in thief.states if s[0] == 2], "the thief is approved")
    thief.connect()
    silent_or_refused(
        "the thief's own key", thief, lambda: thief.wire.send(hello_frame(thief)), "denied"
    )
    thief.disconnect()
    scene.calm("invites in other hands")
    return gone


def signed_request(office):
    office.request = office.request or office.enrol_request()
    return office.request, client.sign("enrol", office.request, office.device)


def revoked(scene, gone):
    """A connection that is open when its node is revoked loses its influence within a second."""
    words = gone.register("Petugas", "tksk")
    gone.listen(0.3)
    district.approve_operator(GONE, "Petugas", "tksk", words)
    district.learn_number(gone)
    gone.hello()
    _, _, entries = gone.put(orang(GONE, "Sebelum"))
    is_("before", entries, [])
    scene.records += 1
    gone.enter([orang(GONE, "Sesudah")])
    chain = gone.lanes[NORMAL]
    raw = gone.bundle(NORMAL, chain.highest, chain.highest)
    district.hub("node", "revoke", GONE, "--reason", "leaked", "--yes", *district.OFFICER)
    gone.listen(1)  # what was on its way before, and a second for the revocation
    batches = len(gone.batches)
    silent_or_refused(
        "PUSH of a revoked node",
        gone,
        lambda: [gone.wire.send(m) for m in gone.slices(NORMAL, chain.highest, raw)],
        "denied",
    )
    silent_or_refused(
        "HELLO of a revoked node", gone, lambda: gone.wire.send(hello_frame(gone)), "denied"
    )
    check((NORMAL, chain.highest) not in gone.answers, "acknowledged after the revocation")
    is_("batches after the revocation", len(gone.batches), batches)
    gone.connect()
    silent_or_refused(
        "a new connection of a revoked node",
        gone,
        lambda: gone.wire.send(hello_frame(gone)),
        "denied",
    )
    gone.disconnect()
    scene.calm("a revoked node")


def main():
    random.seed(int(os.environ.get("SEED", "1")))
    scene = Scene()
    scene.calm("at first")
    for part in (
        frames,
        statements,
        transactions,
        items,
        policy,
        fork,
        incarnations,
        twins,
        bases,
        ended,
        returned,
        floods,
        connections,
    ):
        part(scene)
        district.hub("verify")
    revoked(scene, enrolment(scene))
    lies(scene)
    district.hub("verify")
    scene.good.disconnect()
    scene.evil.disconnect()
    check(not scene.wrong, "\n  ".join(["answers that are not as written:", *scene.wrong]))


if __name__ == "__main__":
    main()
