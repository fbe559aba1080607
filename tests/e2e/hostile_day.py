"""What an enrolled office that means harm can do with lanes, parked work, countersignatures,
states, dictionaries, the first load and requests: parts like those of hostile.py, each ends with
calm()."""
import copy
import os
import time

import client
import district
from client import (
    ACTIVE,
    BULK,
    CONFIRM,
    CONTROL,
    NORMAL,
    OPERATOR,
    PARKED,
    PUSH,
    QUARANTINED,
    RECORDS,
    REJECTED,
    RETURN,
    SLICE_MAX,
    URGENT,
    create,
    enc,
    sign,
    update,
)
from district import check, is_, say
from hostile import EVIL, GOOD, Scene, orang, silent_or_refused, wire_push

PARKED_COUNT = int(os.environ.get("PARKED", "1500"))


# --- slices of three lanes ------------------------------------------------------------------------


def assemblies(scene):
    """Three bundles at once, in any order, with totals and tags that lie, and never an end."""
    evil = scene.evil
    scene.again()
    for lane in (URGENT, NORMAL, BULK):
        for n in range(40):
            evil.enter([orang(EVIL, f"Jalur {lane} {n}", ciri=os.urandom(100).hex())], lane)
    raws = [evil.bundle(lane, 1, chain.highest) for lane, chain in enumerate(evil.lanes)]
    parts = [list(evil.slices(lane, 1, raw, 4096)) for lane, raw in enumerate(raws)]
    for at in range(max(map(len, parts))):
        for lane in (BULK, URGENT, NORMAL):
            for message in parts[lane][at : at + 1][: at < len(parts[lane]) - 1]:
                evil.wire.send(message)
    evil.listen(0.2)
    evil.connect()
    is_("standing amid three bundles", evil.hello(), ACTIVE)
    slices = evil.welcome["slices"]
    is_("lanes of what is here", [s[0] for s in slices], [URGENT, NORMAL, BULK])
    for lane, first, tag, offset in slices:
        is_("tag of what is here", tag, client.H("push", raws[lane])[:8])
        is_("offset of what is here", offset, 4096 * (len(parts[lane]) - 1))
    # What lies is another bundle: it takes the place in its lane, and only there.
    for n in range(50):
        wire_push(evil, URGENT, 1, os.urandom(8), 4096 + n, 0, os.urandom(4000))
        wire_push(evil, NORMAL, 1, parts[NORMAL][0][3], (1 << 20) - n, 0, os.urandom(4096))
    wire_push(evil, BULK, 1, parts[BULK][0][3], len(raws[BULK]), 0, os.urandom(4096))  # again
    evil.wire.send(parts[BULK][-1])
    evil.pump(10, lambda: (BULK, evil.lanes[BULK].highest) in evil.answers, strict=False)
    scene.records += 40
    for lane in (URGENT, NORMAL):
        evil.push(lane, 4096)
        scene.records += 40
    # A whole one goes as one slice, in whichever form; a lie about its lane or first is refused.
    _, seq = evil.enter([orang(EVIL, "Satu potong")], URGENT)
    raw = evil.bundle(URGENT, seq, seq)
    for lane, first in ((NORMAL, seq), (URGENT, seq - 1), (7, seq)):
        scene.refused(
            f"a whole bundle as lane {lane} from {first}",
            lambda lane=lane, first=first: wire_push(evil, lane, first, bytes(8), len(raw), 0, raw),
            "malformed",
            "gap",
            "limit",
        )
    scene.refused("half a bundle, whole", lambda: evil.wire.send([PUSH, raw[:-9]]), "malformed")
    scene.refused("nothing, whole", lambda: evil.wire.send([PUSH, b""]), "malformed", "limit")
    evil.push(URGENT, raw=raw, first=seq, last=seq)
    scene.records += 1
    scene.calm("slices of three lanes")


# --- what waits ----------------------------------------------------------------------------------


def cycles(scene):
    """Work that waits for each other across lanes, for itself, for what never comes."""
    evil = scene.evil
    scene.again()
    first = {lane: chain.highest + 1 for lane, chain in enumerate(evil.lanes)}
    for lane, after in (
        (URGENT, [NORMAL, first[NORMAL], BULK, first[BULK]]),
        (NORMAL, [URGENT, first[URGENT], BULK, first[BULK]]),
        (BULK, [URGENT, first[URGENT], NORMAL, first[NORMAL]]),
    ):
        evil.noted[lane] = list(evil.trust.versions)
        evil.queue(evil.transaction([orang(EVIL, f"Lingkar {lane}")]), lane, after=after)
    for lane in (BULK, NORMAL, URGENT):
        evil.push(lane)
    scene.records += 3
    scene.calm("a circle of waiting")
    evil.hello()
    chain = copy.deepcopy(evil.lanes[NORMAL])
    for what, after in (
        ("lanes that fall", [BULK, 1, URGENT, 1]),
        ("a lane twice", [URGENT, 1, URGENT, 2]),
        ("three pairs", [URGENT, 1, NORMAL, 1, BULK, 1]),
        ("a position of nothing", [URGENT]),
        ("a position below zero", [URGENT, -1]),
    ):
        seq = evil.queue(evil.transaction([orang(EVIL, what)]), after=after)
        raw = evil.bundle(NORMAL, seq, seq)
        scene.refused(
            what,
            lambda r=raw, s=seq: [evil.wire.send(m) for m in evil.slices(NORMAL, s, r)],
            "malformed",
            "limit",
        )
        del evil.lanes[NORMAL].items[seq - 1 :], evil.lanes[NORMAL].leaves[seq - 1 :]
        del evil.lanes[NORMAL].heads[seq:]
    is_("chain after it", evil.lanes[NORMAL].highest, chain.highest)
    scene.calm("waiting that is none")


def parked(scene):
    """Thousands that wait for one: they cost others nothing while they wait, and little when it
    comes."""
    evil, good = scene.evil, scene.good
    scene.again()
    gate = evil.lanes[URGENT].highest + 1
    start = evil.lanes[NORMAL].highest + 1
    for n in range(PARKED_COUNT):
        evil.queue(evil.transaction([orang(EVIL, f"Parkir {n}")]), after=[URGENT, gate])
    last = evil.lanes[NORMAL].highest
    for first in range(start, last + 1, 512):
        evil.push(first=first, last=min(first + 511, last), seconds=60)
    is_("parked", evil.answers[(NORMAL, last)][1], [[None, PARKED, "after", ""]])
    scene.calm(f"{PARKED_COUNT} that wait")
    _, seq = evil.enter([orang(EVIL, "Gerbang")], URGENT)
    for message in evil.slices(URGENT, gate, evil.bundle(URGENT, gate, seq)):
        evil.wire.send(message)
    slowest = 0
    for n in range(10):
        began = time.monotonic()
        good.put(orang(GOOD, f"Sambil menunggu {n}"))
        slowest = max(slowest, time.monotonic() - began)
    say(f"    the good office waited {slowest:.2f} s at most")
    scene.records += 10
    district.until_true(
        60, "all that waited", lambda: district.count("orang") >= scene.records + PARKED_COUNT + 1
    )
    scene.records += PARKED_COUNT + 1
    check(slowest < 1.5, f"the good office waited {slowest:.1f} s")
    district.until_true(
        20, "their answers", lambda: evil.listen(0.1) or len(evil.decisions) >= PARKED_COUNT
    )
    scene.calm(f"{PARKED_COUNT} that waited")


# --- countersignatures ----------------------------------------------------------------------------


def countersigned(scene):
    """Only an operator of the right role, area and time, over this leaf, takes the need away."""
    evil, good = scene.evil, scene.good
    scene.again()
    tksk = evil.author
    words = evil.register("Operator Kecamatan", "operator_kec")
    evil.listen(0.3)
    district.approve_operator(EVIL, "Operator Kecamatan", "operator_kec", words)
    district.learn_number(evil)
    author, evil.author = evil.author, tksk
    nobody = client.Author("Bukan", "tksk")
    nobody.number = 4711
    other = lambda leaf: [[tksk.number, sign("countersign", os.urandom(32), tksk.key)]]
    good_one = lambda leaf: [tksk.number, sign("countersign", leaf, tksk.key)]

    def says(what, entry, make=None, **how):
        transaction = evil.transaction([orang(EVIL, what)], author=author, **how)
        if make:
            plain = client.dec(transaction.plain)
            plain[9] = make(transaction.leaf)
            transaction.plain = enc(plain)
        seq = evil.queue(transaction)
        evil.push()
        got = [e[1:3] for e in evil.answers[(NORMAL, seq)][1]]
        scene.expect(got in entry, f"{what}: {got}, wanted {entry}")
        scene.records += not got
        return transaction

    no = lambda *reasons: [[[REJECTED, reason]] for reason in reasons]
    says("tanpa tanda tangan kedua", no("countersign"))
    says("oleh penulisnya sendiri", no("malformed", "countersign"), countersigners=[author])
    says("oleh TKSK kecamatan lain", no("countersign"), countersigners=[good.author])
    says("oleh orang yang tidak ada", no("key"), countersigners=[nobody])
    says("atas daun lain", no("signature"), other)
    says(
        "dengan nomor orang lain", no("signature"), lambda l: [[good.author.number, good_one(l)[1]]]
    )
    says("dua kali orang yang sama", no("malformed"), lambda l: [good_one(l)] * 2)
    says("lima orang", no("malformed", "limit"), lambda l: [[n, bytes(64)] for n in range(90, 95)])
    says(
        "urutan terbalik",
        no("malformed"),
        lambda l: sorted(
            [good_one(l), [good.author.number, sign("countersign", l, good.author.key)]]
        )[::-1],
    )
    says("sepotong", no("malformed"), lambda l: [[tksk.number]])
    says("bukan larik", no("malformed"), lambda l: 7)
    says("aturan lama", no("countersign", "version", "key"), versions=(evil.trust.version, 0))
    says("aturan lama sekali", no("countersign", "version", "key"), versions=(1, 1))
    says("aturan yang belum ada", no("version", "countersign"), versions=(evil.trust.version, 9))
    says("dua, satu dari kecamatan lain", [[]], countersigners=[tksk, good.author])
    says("sah", [[]], countersigners=[tksk])
    is_(
        "records without a countersignature",
        district.query("SELECT nama FROM orang WHERE nama LIKE 'tanpa%' OR nama LIKE 'oleh%'"),
        [],
    )
    scene.calm("countersignatures that are none")

    # One who has gone: the policy entry that the lane stands behind says so.
    number = tksk.number
    district.hub("operator", "end", str(number), "--reason", "leaked", "--yes", *district.OFFICER)
    version = evil.trust.version
    evil.pump(5, lambda: evil.trust.version > version)
    says(
        "oleh kunci yang bocor",
        [[[QUARANTINED, "key_leaked"]], [[REJECTED, "countersign"]]],
        countersigners=[tksk],
    )
    words = evil.register("Pengganti", "tksk")
    evil.listen(0.3)
    district.approve_operator(EVIL, "Pengganti", "tksk", words)
    district.learn_number(evil)
    says("pengganti", [[]], countersigners=[evil.author])
    scene.calm("a countersigner who is gone")


# --- states ---------------------------------------------------------------------------------------


def states(scene):
    """A record goes the way of its states, whatever an office says that it had seen or agreed."""
    evil = scene.evil
    scene.again()
    common = {"kode_kec": EVIL, "dasar_pemrosesan": "tugas_publik", "status_rekaman": "aktif"}
    person, record = os.urandom(16), os.urandom(16)
    _, _, entries = evil.put(
        create("orang", person, {**common, "status_hidup": "hidup", "nama": "Siti", "jk": "P"})
    )
    is_("the person", entries, [])
    scene.records += 1
    fields = {
        **common, "jenis": "alat_bantu", "tgl_usulan": time.strftime("%Y-%m-%d"),
        "pengusul": {"jenis": "perorangan", "nama": "Siti"}, "penerima": [person],
        "isi": {"uraian": "kursi roda"}, "status": "draf",
    }
    mark = f"{evil.author.number}/{evil.trust.version}/1/{bytes(64).hex()}"
    for status in ("diajukan", "ditandatangani", "diterima", "disetujui", "selesai"):
        early = {**fields, "status": status, "diketahui_tksk": True, "ttd_tksk": mark}
        _, _, entries = evil.put(create("usulan", os.urandom(16), early))
        scene.expect(
            [e[1:4] for e in entries] == [[REJECTED, "workflow", "status"]], f"{status}: {entries}"
        )
    _, number, entries = evil.put(create("usulan", record, fields))
    is_("the proposal", entries, [])
    base, epoch = (evil.welcome["epoch"], number), evil.welcome["epoch"]
    for what, move, wanted in (
        ("past a state", {"status": "ditandatangani", "diketahui_tksk": True, "ttd_tksk": mark},
         "workflow"),
        ("the hub's own state", {"status": "diterima"}, "workflow"),
        ("another's state", {"status": "diverifikasi"}, "workflow"),
        ("no state", {"status": None}, "required"),
        ("a state that is none", {"status": "beres"}, "code"),
        ("another's field", {"nilai_disetujui": 1}, "authority"),
    ):
        for seen in (base, (0, 0, os.urandom(32)), (epoch, 1), (*base, os.urandom(32))):
            _, _, entries = evil.put(update("usulan", record, seen, move))
            got = [e[1:3] for e in entries]
            scene.expect(got == [[REJECTED, wanted]], f"{what}, base {seen}: {entries}")
    _, number, entries = evil.put(update("usulan", record, base, {"status": "diajukan"}))
    is_("handed in", entries, [])
    move = {"status": "ditandatangani", "diketahui_tksk": True, "ttd_tksk": mark}
    _, _, entries = evil.put(update("usulan", record, (epoch, number), move))
    refused = [[REJECTED, "rule", "tolak_tanpa_ttd"]]
    is_("a signature that is none", [e[1:4] for e in entries], refused)
    is_("the state", district.query("SELECT status FROM usulan"), [["diajukan"]])
    scene.calm("states that nobody comes to")


# --- dictionaries ---------------------------------------------------------------------------------


def dictionaries(scene):
    """Numbers that are none, frames that are not what the number says, dictionaries from below."""
    import zstandard

    evil = scene.evil
    scene.again()
    number, held = evil.dictionary()
    check(number > 0, "the policy has a dictionary")
    full = zstandard.ZstdCompressionDict(held, dict_type=zstandard.DICT_TYPE_FULLDICT)

    def packed(plain, **how):
        options = {"write_content_size": False, "write_checksum": False, **how}
        return zstandard.ZstdCompressor(dict_data=full, **options).compress(plain)[4:]

    def says(what, used, raw=None, length=None, *reasons):
        transaction = evil.transaction([orang(EVIL, what)])
        raw = packed(transaction.plain, write_dict_id=False) if raw is None else raw
        raw = raw(transaction.plain) if callable(raw) else raw
        length = length or len(transaction.plain)
        key = evil.keys()
        sealed_head = enc([1, evil.district, transaction.leaf, key.number, used, length])
        body = client.aead(raw, sealed_head, client.H("nonce", sealed_head)[:24], key.key)
        seq = evil.queue(transaction, dictionary=(used, None), length=length, body=body)
        evil.push()
        entries = evil.answers[(NORMAL, seq)][1]
        got = [e[1] for e in entries] == [REJECTED] and entries[0][2] in reasons
        scene.expect(got if reasons else entries == [], f"{what}: {entries}, wanted {reasons}")
        scene.records += not entries

    wrong = ("malformed", "decrypt", "signature")
    says("kamus yang benar", number)
    says("dengan kamus, katanya tanpa", 0, None, None, *wrong)
    says(
        "tanpa kamus, katanya dengan",
        number,
        lambda p: zstandard.ZstdCompressor(write_content_size=False).compress(p)[4:],
    )
    says("nama kamus di dalam bingkai", number, lambda p: packed(p), None, *wrong)
    says("bom", number, packed(bytes(1 << 28), write_dict_id=False), client.PLAIN_MAX, *wrong)
    says("bom kecil", number, packed(bytes(client.PLAIN_MAX), write_dict_id=False), 1000, *wrong)
    says(
        "dua bingkai",
        number,
        lambda p: packed(p, write_dict_id=False) + client.ZSTD_MAGIC + packed(b"x" * 99),
        None,
        *wrong,
    )
    scene.calm("frames of a dictionary")

    for used in (777, 1 << 31, (1 << 32) + number, 1 << 62):
        seq = evil.queue(evil.transaction([orang(EVIL, "Kamus")]), dictionary=(used, held))
        raw = evil.bundle(NORMAL, seq, seq)
        many = list(evil.slices(NORMAL, seq, raw)) * 20  # as if it could not learn
        scene.refused(
            f"dictionary {used}",
            lambda m=many: [evil.wire.send(one) for one in m],
            "dictionary",
            "malformed",
            "limit",
        )
        scene.again()
    for version, total, data in (
        (number, len(held), held[:SLICE_MAX]),
        (777, 100, bytes(100)),
        ((1 << 32) + 1, 100, bytes(100)),
        (0, 100, bytes(100)),
        (evil.trust.rules_version, 65537, bytes(100)),
        (evil.trust.rules_version, 1 << 62, bytes(100)),
        (evil.trust.rules_version, 0, b""),
    ):
        evil.wire.send([RETURN, 5, version, total, 0, data])
    evil.listen(0.2)
    is_("dictionaries at the hub", district.count("tksk_document WHERE kind = 6"), 1)
    scene.again()
    _, _, entries = evil.put(orang(EVIL, "Sesudah kamus"))
    is_("work after it", entries, [])
    scene.records += 1
    scene.calm("dictionaries that are none")


# --- the load ------------------------------------------------------------------------------------


def loads(scene):
    """CONFIRMs that make the hub build the same batch again and again."""
    evil, good = scene.evil, scene.good
    for place in (
        (RECORDS, 1, 2**62, 0),
        (RECORDS, 9, 1, 0),
        (RECORDS, 0, 0, 0),
        (CONTROL, 1, 0, 2**62),
        (RECORDS, 1, 0, 2**40),
    ):
        scene.again()
        for _ in range(3):
            evil.wire.send([CONFIRM, *place])
        evil.listen(0.1)
    scene.again()
    epoch, top = evil.welcome["epoch"], evil.welcome["number"]
    began, sent, slowest = time.monotonic(), 0, 0
    while time.monotonic() < began + 1:
        for n in range(100):
            evil.wire.send([CONFIRM, n // 2 % 2, epoch, 0, 0])
            evil.wire.send([CONFIRM, n // 2 % 2, epoch, top, 0])
        sent += 200
        evil.listen(0)
        at = time.monotonic()
        good.put(orang(GOOD, "Sambil memuat"))
        slowest = max(slowest, time.monotonic() - at)
        scene.records += 1
    say(f"    {sent} CONFIRMs; the good office waited {slowest:.2f} s at most")
    check(slowest < 1.5, "the good office waits for a load that goes back")
    evil.disconnect()
    scene.calm("a load that goes back")
    # HELLOs with a cursor of nothing: each asks for the way from 0.
    evil.connect()
    began, slowest = time.monotonic(), 0
    cursors = evil.cursors
    while time.monotonic() < began + 1:
        evil.cursors = {CONTROL: [0, 0, client.ZERO], RECORDS: [0, 0, client.ZERO]}
        for n in range(20):
            statement = evil.hello_statement()
            evil.wire.send([client.HELLO, statement, sign("hello", statement, evil.device)])
        at = time.monotonic()
        good.put(orang(GOOD, "Sambil menyapa"))
        slowest = max(slowest, time.monotonic() - at)
        scene.records += 1
    evil.cursors = cursors
    say(f"    HELLOs; the good office waited {slowest:.2f} s at most")
    check(slowest < 1.5, "the good office waits for HELLOs")
    evil.disconnect()
    scene.calm("HELLOs from nothing")


# --- requests ------------------------------------------------------------------------------------


def resets(scene):
    """A new seal key is asked for by the device and the operator, and approved by words."""
    evil, good = scene.evil, scene.good
    scene.again()
    thief = client.Author("Petugas 36.04.12", "tksk")

    def request(node, key):
        return enc([1, evil.district, node, thief.public, thief.name, "tksk", os.urandom(16), key])

    for what, raw, device in (
        ("a seal key without the device", request(EVIL, os.urandom(32)), thief.key),
        ("another office's device", request(EVIL, os.urandom(32)), good.device),
        ("a seal key of another length", request(EVIL, os.urandom(31)), evil.device),
    ):
        message = [OPERATOR, raw, sign("operator", raw, thief.key), sign("operator", raw, device)]
        scene.refused(what, lambda m=message: evil.wire.send(m), "signature", "denied", "malformed")
    raw = request(GOOD, os.urandom(32))  # a person is refused, not the office
    evil.wire.send(
        [OPERATOR, raw, sign("operator", raw, thief.key), sign("operator", raw, evil.device)]
    )
    evil.pump(5, lambda: (thief.public, 3) in evil.states, strict=False)
    for key in (bytes(32), good.trust.nodes[GOOD][3], evil.trust.nodes[EVIL][3]):
        raw = request(EVIL, key)
        evil.wire.send(
            [OPERATOR, raw, sign("operator", raw, thief.key), sign("operator", raw, evil.device)]
        )
        evil.listen(0.2)
        try:
            district.approve_operator(EVIL, thief.name, "tksk", "baba baba baba baba baba baba")
            scene.expect(False, "approved with wrong words")
        except district.Failed:
            pass
    say(f"    {evil.refusals[-1:]} {evil.states[-1:]}")
    for n in range(60):
        raw = request(EVIL, os.urandom(32))
        evil.wire.send(
            [OPERATOR, raw, sign("operator", raw, thief.key), sign("operator", raw, evil.device)]
        )
    evil.listen(0.3)
    is_("the good office's seal key", good.trust.nodes[GOOD][3], bytes(good.sealing.public_key))
    scene.calm("seal keys that nobody approved")


def main():
    scene = Scene()
    scene.calm("at first")
    for part in (assemblies, cycles, countersigned, states, dictionaries, loads, resets, parked):
        part(scene)
        district.hub("verify")
    scene.good.disconnect()
    scene.evil.disconnect()
    check(not scene.wrong, "\n  ".join(["answers that are not as written:", *scene.wrong]))


if __name__ == "__main__":
    main()
