#!/usr/bin/python3
"""Verifies the golden vectors from proto/PROTOCOL.md alone, without any code of this project.

Debian: python3-msgpack, python3-nacl, python3-zstandard. Run from anywhere; no arguments.
"""
import base64
import hashlib
import json
import pathlib
import struct
import sys

try:
    import msgpack
    import zstandard
    from nacl.bindings import crypto_aead_xchacha20poly1305_ietf_decrypt as aead_open
    from nacl.exceptions import BadSignatureError, CryptoError
    from nacl.public import PrivateKey, SealedBox
    from nacl.pwhash import argon2id
    from nacl.signing import SigningKey, VerifyKey
except ImportError as missing:
    print(f"skipped: {missing}; apt-get install python3-msgpack python3-nacl python3-zstandard")
    sys.exit(77)

HERE = pathlib.Path(__file__).resolve().parent
PROTOCOL = HERE.parent.parent / "proto" / "PROTOCOL.md"
ZERO = bytes(32)
checks = 0


def check(condition, what):
    global checks
    checks += 1
    if not condition:
        sys.exit(f"FAILED: {what}")


def load(name):
    return json.loads((HERE / name).read_text())


def unhex(text):
    return bytes.fromhex(text)


# --- §1 notation and encoding ---------------------------------------------------------------


def plain(value, depth=1):
    """The rules of canonical msgpack that packing again does not show."""
    if value is None or isinstance(value, (bool, bytes)):
        return True
    if isinstance(value, int):
        return -(2**63) <= value < 2**63
    if isinstance(value, str):
        return "\0" not in value
    if depth > 8:
        return False
    if isinstance(value, list):
        return all(plain(item, depth + 1) for item in value)
    if isinstance(value, dict):
        keys = [key.encode() for key in value if isinstance(key, str)]
        return (
            len(keys) == len(value)
            and keys == sorted(keys)
            and all(plain(key, 9) and plain(item, depth + 1) for key, item in value.items())
        )
    return False  # floats, extensions


def dec(raw):
    """Decodes canonical msgpack; ValueError for anything else."""
    try:
        value = msgpack.unpackb(raw, raw=False, strict_map_key=True)
    except Exception as error:
        raise ValueError(str(error)) from error
    if not plain(value) or enc(value) != raw:
        raise ValueError("not canonical")
    return value


def enc(value):
    return msgpack.packb(value, use_bin_type=True)


def prefix(kind):
    return b"tksk-sync/1/" + kind.encode() + b"\0"


def H(kind, data):
    return hashlib.blake2b(prefix(kind) + data, digest_size=32).digest()


def verifies(kind, data, key, sig):
    try:
        VerifyKey(key).verify(prefix(kind) + struct.pack(">Q", len(data)) + data, sig)
        return True
    except (BadSignatureError, CryptoError, ValueError):
        return False


def check_signed(kind, data, key, sig, what):
    check(verifies(kind, data, key, sig), f"{what}: the signature verifies")
    check(not verifies(kind, data + b"\0", key, sig), f"{what}: and covers its message")
    check(not verifies(kind + "x", data, key, sig), f"{what}: and its type")


def public(seed_hex):
    return bytes(SigningKey(unhex(seed_hex)).verify_key)


def box_public(secret_hex):
    return bytes(PrivateKey(unhex(secret_hex)).public_key)


def unzip(data, plain_bytes, dictionary=None):
    frame = b"\x28\xb5\x2f\xfd" + data
    check(data[0] == 0, "the form of the frame names no dictionary")
    how = {}
    if dictionary is not None:
        full = zstandard.DICT_TYPE_FULLDICT
        how["dict_data"] = zstandard.ZstdCompressionDict(dictionary, dict_type=full)
    out = zstandard.ZstdDecompressor(**how).decompressobj().decompress(frame)
    check(len(out) == plain_bytes, "the frame has the length that was promised")
    return out


def unseal(data, secret_hex):
    return SealedBox(PrivateKey(unhex(secret_hex))).decrypt(data)


def check_codec():
    vectors = load("codec.json")
    for text in vectors["canonical"]:
        try:
            dec(unhex(text))
        except ValueError as error:
            sys.exit(f"FAILED: {text} is canonical: {error}")
        check(True, text)
    for text in vectors["refused"]:
        try:
            dec(unhex(text))
        except ValueError:
            check(True, text)
        else:
            sys.exit(f"FAILED: {text} is not canonical")


# --- §4 changes and transactions ------------------------------------------------------------


def check_change(raw):
    group, op, collection, record, base, fields, arg = dec(raw)
    check(isinstance(collection, str) and collection and len(record) == 16, "names of a change")
    check((base is None) == (op == 1), "only a create has no base")
    if base is not None:
        check(len(base) in (2, 3) and (len(base) == 2 or len(base[2]) == 32), "base")
        check((base[0] == 0) == (base[1] == 0) and (base[1] > 0 or len(base) == 3), "base (0, 0)")
    check(isinstance(fields, dict), "fields are a map")
    check({1: True, 2: len(fields) > 0, 3: not fields, 4: len(fields) == 1}[op], "fields of the op")
    check(
        {1: lambda: 0 <= arg < 2**32, 2: lambda: arg is None, 3: lambda: arg is None,
         4: lambda: len(arg) == 16}[op](),
        "argument of the op",
    )
    return group, record


def open_txn(raw, district, key, expected_leaf, countersigners=None):
    """Returns the raw changes and the commitments of a transaction that verifies."""
    form, operator, trust, rules, request, claimed_ms, seed, changes, sig, counter = dec(raw)
    check(form == 1 and operator > 0, "form 1")
    numbers = [number for number, _ in counter]
    check(numbers == sorted(countersigners or {}) and operator not in numbers, "countersigners")
    check(len(numbers) <= 4, "at most 4 countersigners")
    for number, counter_sig in counter:
        check_signed("countersign", expected_leaf, countersigners[number], counter_sig, "counter")
    check(1 <= len(changes) <= 256 and len(request) == 16 and len(seed) == 16, "parts")
    parts = [enc(change) for change in changes]
    for part in parts:
        check(part in raw, "a change stands in the transaction as it is committed to")
    places = [check_change(part) for part in parts]
    groups = [group for group, _ in places]
    check(groups[0] == 0 and all(b - a in (0, 1) for a, b in zip(groups, groups[1:])), "groups")
    check(len({record for _, record in places}) == len(places), "a record at most once")
    commitments = []
    for i, part in enumerate(parts):
        salt = hashlib.blake2b(struct.pack(">I", i), key=seed, digest_size=16).digest()
        commitments.append(H("commit", salt + part))
    statement = enc(
        [district, key, trust, rules, request, claimed_ms, len(parts), b"".join(commitments)]
    )
    check(H("leaf", statement) == expected_leaf, "leaf")
    check_signed("transaction", statement, key, sig, "transaction")
    return parts, commitments


def check_transaction():
    v = load("transaction.json")
    key = public(v["operator_seed"])
    check(key == unhex(v["operator_key"]), "operator's key")
    parts, commitments = open_txn(
        unhex(v["transaction"]), v["district"], key, unhex(v["leaf"])
    )
    check(parts == [unhex(c) for c in v["changes"]], "changes")
    check(commitments == [unhex(c) for c in v["commitments"]], "commitments")
    people = {one["number"]: public(one["seed"]) for one in v["countersigners"]}
    again, _ = open_txn(unhex(v["countersigned"]), v["district"], key, unhex(v["leaf"]), people)
    check(again == parts, "a countersignature leaves the changes and the leaf")


# --- §6 and §9 chains -----------------------------------------------------------------------


def genesis(district, node, incarnation, lane):
    return H("genesis", enc([district, node, incarnation, lane]))


def check_chain():
    v = load("chain.json")
    life = unhex(v["incarnation"])
    for lane, head in enumerate(v["genesis"]):
        made = genesis(v["district"], v["node"], life, lane)
        check(made == unhex(head), f"genesis of lane {lane}")
    leaf = unhex(v["leaf"])
    head_1 = H("head", unhex(v["genesis"][2]) + leaf)
    check(head_1 == unhex(v["bulk_head_1"]), "head 1")
    mark = [
        v["policy_trust"],
        v["policy_rules"],
        unhex(v["policy_trust_hash"]),
        unhex(v["policy_rules_hash"]),
    ]
    policy_leaf = H("policy-entry", enc(mark))
    check(policy_leaf == unhex(v["policy_leaf"]), "leaf of a policy entry")
    check(H("head", head_1 + policy_leaf) == unhex(v["bulk_head_2"]), "head 2")
    journal = H("journal-genesis", enc([v["district"]]))
    check(journal == unhex(v["journal_0"]), "journal hash 0")
    entry = enc([1, 1, 1, v["node"], life, 2, 1, leaf])
    check(entry == unhex(v["journal_entry"]), "journal entry")
    check(H("journal", journal + entry) == unhex(v["journal_1"]), "journal hash 1")
    name = leaf + struct.pack(">I", v["conflict_index"]) + v["conflict_field"].encode()
    check(H("conflict", name)[:16] == unhex(v["conflict"]), "name of a conflict")


# --- §5 sealing, §6 bundles -----------------------------------------------------------------


def check_bundle():
    v = load("bundle.json")
    raw = unhex(v["bundle"])
    suite, lane, first, highest, trust, rules, tag, sig, keys, items = dec(raw)
    check(suite == 1 and lane == 1 and first == 5 and highest == 20, "bundle head")
    head_before = unhex(v["head_before"])
    check(head_before[:8] == tag, "head tag")

    head = head_before
    for item in items:
        leaf = item[2] if item[0] == 1 else H("policy-entry", enc(item[1:]))
        head = H("head", head + leaf)
    check(head == unhex(v["head_after"]), "head after")
    content = enc(keys) + enc(items)
    check(raw.endswith(content), "keys and items are the end of the bundle")
    last = first + len(items) - 1
    checkpoint = [
        1, v["district"], unhex(v["hub_sign_key"]), v["node"], unhex(v["incarnation"]), lane, first,
        last, head_before, head, highest, trust, rules, H("bundle", content),
    ]
    check_signed("checkpoint", enc(checkpoint), public(v["device_seed"]), sig, "checkpoint")
    check(H("push", raw)[:8] == unhex(v["push_tag"]), "tag of the bundle")

    number, sealed_key = keys[0]
    data_key = unseal(sealed_key, v["hub_seal_secret"])
    check(data_key == unhex(v["data_key"]), "data key")
    kind, after, leaf, key_number, dictionary, plain_bytes, body = items[0]
    check(kind == 1 and key_number == number and dictionary == 0, "sealed transaction")
    check(after == [0, 3], "after")
    head = enc([1, v["district"], leaf, key_number, dictionary, plain_bytes])
    nonce = H("nonce", head)[:24]
    txn = unzip(aead_open(body, head, nonce, data_key), plain_bytes)
    check(txn == unhex(v["transaction"]), "opened transaction")
    check(leaf == unhex(v["leaf"]), "leaf in the bundle")
    parts, commitments = open_txn(txn, v["district"], public(v["operator_seed"]), leaf)
    check(parts == [unhex(c) for c in v["changes"]], "changes in the bundle")
    check(commitments == [unhex(c) for c in v["commitments"]], "commitments in the bundle")
    check(items[1] == [2, 4, 2, b"\x61" * 32, b"\x62" * 32], "policy entry")
    check(dec(unhex(v["push"])) == [2, raw], "a bundle in one slice")

    held = unhex(v["dictionary"])
    check(H("dictionary", held) == unhex(v["dictionary_hash"]), "hash of the dictionary")
    _, _, same_leaf, _, dictionary, plain_bytes, with_body = dec(unhex(v["dictionary_item"]))
    check((same_leaf, dictionary) == (leaf, 2), "sealed with dictionary 2")
    check(len(with_body) < len(body), "a dictionary makes it smaller")
    head = enc([1, v["district"], leaf, number, dictionary, plain_bytes])
    packed = aead_open(with_body, head, H("nonce", head)[:24], data_key)
    check(unzip(packed, plain_bytes, held) == txn, "opened with the dictionary")


# --- §3 messages ----------------------------------------------------------------------------


def words_of(transcript):
    """Six words, with the two syllable lists as they stand in PROTOCOL.md."""
    lists, current = {}, None
    for line in PROTOCOL.read_text().splitlines():
        parts = line.split()
        if parts[:1] in (["first"], ["second"]) and len(parts) > 8 and len(parts[1]) == 2:
            current = parts.pop(0)
            lists[current] = []
        elif not line.startswith("  "):
            current = None
        if current:
            lists[current] += parts
    check(len(lists["first"]) == 64 and len(lists["second"]) == 32, "lists of syllables")
    salt = H("words-salt", transcript)[:16]
    out = argon2id.kdf(16, transcript, salt, opslimit=2, memlimit=19456 * 1024)
    bits = int.from_bytes(out, "big") >> (128 - 66)
    numbers = [bits >> (55 - 11 * i) & 0x7FF for i in range(6)]
    return " ".join(lists["first"][n >> 5] + lists["second"][n & 31] for n in numbers)


def check_ids(values, what):
    check(all(len(value) == 16 for value in values), what)


def check_messages():
    v = load("messages.json")
    frames = {name: unhex(text) for name, text in v["frames"].items()}
    for name, frame in frames.items():
        check(len(frame) <= 32768, f"{name} fits a frame")
        dec(frame)
    district, node = v["district"], v["node"]
    device, operator, hub = (public(v[k]) for k in ("device_seed", "operator_seed", "hub_seed"))

    kind, statement, sig = dec(frames["hello"])
    check(kind == 1, "hello")
    check_signed("hello", statement, device, sig, "hello")
    (suite, version, d, n, life, previous, nonce, lanes, seen, cursors, policy, wants,
     wall_ms) = dec(statement)
    check((suite, version, d, n) == (1, 1, district, node), "hello names")
    check_ids((life, previous, nonce), "hello ids")
    check(len(lanes) == 3 and all(len(h) == 32 and a <= q and u <= q for a, h, q, u in lanes),
          "hello lanes")
    check([lane[3] for lane in lanes] == [0, 8, 0], "hello: what cannot be read")
    check(seen == [1, 88] and len(cursors) == 2 and len(policy) == 4, "hello places")
    check(wants is True and wall_ms > 0, "hello ends")

    kind, statement, sig = dec(frames["welcome"])
    check(kind == 16, "welcome")
    check_signed("welcome", statement, hub, sig, "welcome")
    (suite, version, d, n, life, nonce, standing, epoch, number, jhash, lanes, proven, policy,
     partials, lost, wall_ms) = dec(statement)
    check((suite, version, d, n, standing) == (1, 1, district, node, 1), "welcome names")
    check((epoch, number, len(jhash)) == (1, 88, 32), "welcome journal")
    check(len(lanes) == 3 and proven == [True, False] and len(policy) == 4, "welcome places")
    check([p[0] for p in partials] == [1, 2], "partial bundles: lanes ascend")
    check(partials[1][:2] == [2, 302] and len(partials[1][2]) == 8, "partial bundle")
    check(partials[1][3] == 31744 and lost == 12, "offset of the partial bundle, what was lost")

    kind, lane, first, tag, total, offset, data = dec(frames["push"])
    check((kind, lane, first, len(tag)) == (2, 2, 302, 8), "push")
    check(offset + len(data) <= total, "a slice lies in its total")
    check(dec(frames["confirm"])[0] == 3 and len(dec(frames["confirm"])) == 5, "confirm")

    kind, request, sig = dec(frames["enrol"])
    check(kind == 4, "enrol")
    suite, d, n, invite, token, device_key, curve_key, seal_key, nonce = dec(request)
    check((suite, d, n, device_key) == (1, district, node, device), "enrol names")
    check_signed("enrol", request, device_key, sig, "enrol")
    transcript = enc(
        [district, invite, unhex(v["root_key"]), unhex(v["hub_sign_key"]), unhex(v["hub_seal_key"]),
         unhex(v["hub_curve_key"]), request]
    )
    check(transcript == unhex(v["enrol_transcript"]), "transcript of an enrolment")
    check(words_of(transcript) == v["enrol_words"], "words of an enrolment")

    kind, request, operator_sig, device_sig = dec(frames["operator"])
    check(kind == 5, "operator")
    suite, d, n, key, name, role, nonce, seal_key = dec(request)
    check(len(seal_key) == 32, "operator with a new seal key")
    check((suite, d, n, key) == (1, district, node, operator), "operator names")
    check_signed("operator", request, operator, operator_sig, "operator")
    check_signed("operator", request, device, device_sig, "operator's device")
    transcript = enc([district, node, unhex(v["hub_sign_key"]), request])
    check(transcript == unhex(v["operator_transcript"]), "transcript of an operator")
    check(words_of(transcript) == v["operator_words"], "words of an operator")

    kind, policy_kind, version, total, offset, data = dec(frames["return"])
    check((kind, policy_kind, version) == (6, 2, 7), "return")
    check(offset + len(data) <= total, "a slice of policy lies in its total")

    kind, lane, first, offset = dec(frames["progress"])
    check((kind, lane, first, offset) == (17, 0, 3, 4096), "progress")

    kind, lane, last, epoch, number, keep_from, items, sig = dec(frames["ack"])
    check((kind, lane, last, keep_from) == (18, 1, 6, 2), "ack")
    check([seq for seq, _, _ in items] == [4, 5, 6], "items of an ack end at last")
    check(items[1][2] == [[1, 3, "nik", "nik"], [2, 4, "", "alamat"]], "answers")
    check(items[2][2] == [[None, 5, "author_ended", ""]], "an answer to all")
    signed = enc(
        [1, district, node, unhex(v["ack_incarnation"]), lane, last, unhex(v["ack_head"]), epoch,
         number, keep_from, items]
    )
    check_signed("ack", signed, hub, sig, "ack")

    kind, stream, epoch, begin, to, total, offset, data = dec(frames["feed"])
    check((kind, stream, begin, to) == (19, 1, 80, 88) and offset + len(data) <= total, "feed")
    kind, statement, sig = dec(frames["enrol_state"])
    check_signed("enrol-state", statement, hub, sig, "enrol state")
    check(dec(statement)[:3] == [1, district, node] and dec(statement)[5:] == [1, 2], "enrol state")
    check(dec(frames["operator_state"]) == [21, operator, 3], "operator state")
    check(dec(frames["refuse"]) == [22, "gap", 1, 5, ""], "refuse")


# --- §7 the feed ----------------------------------------------------------------------------


def check_feed():
    v = load("feed.json")
    hub = public(v["hub_seed"])
    lengths = {1: 3, 2: 3, 3: 7, 4: 4, 8: 8, 9: 10, 10: 6}
    for number, name in enumerate(("control", "records")):
        statement, sig, body = dec(unhex(v[name]["batch"]))
        check_signed("feed", statement, hub, sig, f"{name} batch")
        (suite, district, node, stream, epoch, begin, to, jhash, count, plain_bytes, sealed,
         body_hash) = dec(statement)
        check((suite, district, node) == (1, v["district"], v["node"]), f"{name} names")
        check((stream, sealed) == (number, number == 1), f"{name} stream")
        check((epoch, begin, to, len(jhash)) == (1, 80, 90, 32), f"{name} range")
        check(H("feed", body) == body_hash, f"{name} body")
        packed = unseal(body, v["node_seal_secret"]) if sealed else body
        items = dec(unzip(packed, plain_bytes))
        check(len(items) == count, f"{name} count")
        expected = [unhex(item) for item in v[name]["items"]]
        check([enc(item) for item in items] == expected, f"{name} items")
        for item in items:
            check(len(item) == lengths[item[0]], f"{name} item {item[0]}")


# --- §8 policy ------------------------------------------------------------------------------


class Trust:
    """The fold of the trust log, as far as the vectors need it."""

    def __init__(self, district, root_pin):
        self.district, self.root_pin = district, root_pin
        self.version, self.hash, self.epoch = 0, ZERO, 1
        self.root = self.signers = self.hub = None
        self.nodes, self.operators = {}, {}

    def apply(self, raw):
        statement, signatures = dec(raw)
        suite, district, version, previous, claimed_ms, ops = dec(statement)
        check((suite, district) == (1, self.district), "statement names")
        check(version == self.version + 1 and previous == self.hash, "statement order")
        codes = [op[0] for op in ops]
        if version == 1:
            root = next(op for op in ops if op[0] == 0)
            check({0, 1, 2} <= set(codes), "version 1 names root, signers and hub")
            check(self.root_pin in [key for key, _ in root[2]], "root pin")
            allowed, needs_root = (root[1], {key for key, _ in root[2]}), True
        else:
            allowed = self.root
            needs_root = 0 in codes or 1 in codes
        keys = [key for key, _ in signatures]
        check(len(set(keys)) == len(keys), "each signature by another key")
        for key, sig in signatures:
            check_signed("trust", statement, key, sig, f"statement {version}")
        by_root = len(set(keys) & allowed[1])
        if needs_root:
            check(by_root >= allowed[0], f"statement {version}: root threshold")
        else:
            by_signers = len(set(keys) & self.signers[1])
            check(
                by_root >= allowed[0] or by_signers >= self.signers[0],
                f"statement {version}: threshold",
            )
        for op in ops:
            self.apply_op(op)
        self.version, self.hash = version, H("trust", statement)

    def apply_op(self, op):
        code = op[0]
        if code in (0, 1):
            signers = (op[1], {key for key, _ in op[2]})
            check(1 <= op[1] <= len(op[2]) <= 8, "threshold")
            if code == 0:
                self.root = signers
            else:
                self.signers = signers
        elif code == 2:
            check(len(op) == 6 and all(len(op[i]) == 32 for i in (1, 2, 4)), "hub")
            self.hub = op
        elif code == 3:
            check(len(op) == 6 and all(len(key) == 32 for key in op[3:]), "node")
            self.nodes[op[1]] = 0
        elif code == 4:
            check(op[1] in self.nodes and op[2] in (1, 2, 3), "end of a node")
            self.nodes[op[1]] = op[2]
        elif code == 5:
            check(len(op) == 10 and op[1] == len(self.operators) + 1, "operator")
            check(op[3] in self.nodes and op[8] <= op[9], "operator's place and term")
            self.operators[op[1]] = [op[9], 0]
        elif code == 6:
            self.operators[op[1]][0] = op[3]
        elif code == 7:
            check(op[2] in (1, 2, 3) and all(len(cut) == 3 for cut in op[3]), "end of an operator")
            self.operators[op[1]][1] = op[2]
        elif code == 8:
            check(isinstance(op[1], bool) and all(len(leaf) == 32 for leaf in op[2]), "release")
        elif code == 9:
            check(op[1] == self.epoch + 1 and len(op[3]) == 32, "epoch")
            self.epoch = op[1]
        elif code == 10:
            check(op[1] in self.nodes and len(op[2]) == 16, "incarnation")
        else:
            sys.exit(f"FAILED: op {code}")


def check_trust():
    v = load("trust.json")
    trust = Trust(v["district"], unhex(v["root_pin"]))
    for entry in v["log"]:
        trust.apply(unhex(entry["signed"]))
        check(trust.hash == unhex(entry["hash"]), f"hash of statement {trust.version}")
    check(trust.version == 4 and trust.epoch == 2, "end of the log")
    check(trust.operators == {1: ["2028-02-29", 1], 2: ["2030-12-31", 0]}, "operators")
    check(trust.nodes == {"36.04.29": 3} and trust.signers[0] == 1, "nodes and signers")

    document, signatures = dec(unhex(v["rules"]))
    dec(document)
    keys = [key for key, _ in signatures]
    check(keys == [unhex(key) for key in v["rules_signers"]], "signers of rules")
    for key, sig in signatures:
        check_signed("rules", document, key, sig, "rules")


# --- §11 the invite -------------------------------------------------------------------------


def check_invite():
    v = load("invite.json")
    lines = v["text"].split("\n")
    check(lines[0] == "tksk-sync invite 1" and lines[-2:] == ["end", ""], "first and last line")
    check(all(len(line) <= 64 for line in lines), "short lines")
    statement, sig = dec(base64.b64decode("".join(lines[1:-2]), validate=True))
    expected = [
        1, v["district"], v["node"], unhex(v["invite_id"]), unhex(v["token"]),
        unhex(v["one_time_curve_secret"]), unhex(v["hub_sign_key"]), unhex(v["hub_curve_key"]),
        unhex(v["hub_seal_key"]), unhex(v["root_key"]), [v["endpoint"]], v["expires_ms"],
    ]
    check(dec(statement) == expected, "invite")
    check_signed("invite", statement, unhex(v["hub_sign_key"]), sig, "invite")


# --- §4 endorsements ------------------------------------------------------------------------


def endorsed(v, fields, text):
    """Whether a value of type signature holds over these fields of the record."""
    parts = text.split("/")
    if len(parts) != 4 or not all(part.isascii() and part.isdigit() for part in parts[:3]):
        return False
    operator, trust, signed = map(int, parts[:3])
    there = [name for name in v["covers"] if fields[name] not in (b"", b"\xc0")]
    covered = {name: dec(fields[name]) for name in there}
    statement = enc([v["district"], v["collection"], unhex(v["record"]), v["field"], operator,
                     trust, signed, dict(sorted(covered.items()))])
    return verifies("endorse", statement, public(v["operator_seed"]), unhex(parts[3]))


def check_endorsement():
    v = load("endorsement.json")
    fields = {name: unhex(value) for name, value in v["fields"].items()}
    numbers = f"{v['operator']}/{v['trust_version']}/{v['signed_ms']}/"
    check(v["value"].startswith(numbers), "an endorsement says who, what was known, and when")
    check(endorsed(v, fields, v["value"]), "an endorsement verifies")
    for name in v["fields"]:
        altered = endorsed(v, fields | {name: enc("lain")}, v["value"])
        check(altered == (name not in v["covers"]), f"an endorsement covers {name}, or does not")
        if fields[name] and name in v["covers"]:
            check(not endorsed(v, fields | {name: b""}, v["value"]), f"{name} was not empty")
    other = v["value"].split("/")
    for i in range(3):
        parts = other[:i] + [str(int(other[i]) + 1)] + other[i + 1:]
        check(not endorsed(v, fields, "/".join(parts)), "the numbers are signed too")
    for key, value in (("district", "36.05"), ("collection", "usul"), ("record", "00" * 16),
                       ("field", "lain")):
        check(not endorsed(v | {key: value}, fields, v["value"]), f"the {key} is signed too")


# --- §13 bundles as files -------------------------------------------------------------------


def carry_pieces(raw):
    """Header and pieces of a carry file, whose end fits it."""
    magic = b"tksk-sync carry 1\n"
    check(raw.startswith(magic), "first line of a carry file")
    at, frames = len(magic), []
    while at < len(raw):
        width = {0xC4: 1, 0xC5: 2, 0xC6: 4}[raw[at]]
        size = int.from_bytes(raw[at + 1 : at + 1 + width], "big")
        begin, at = at, at + 1 + width + size
        check(at <= len(raw), "a frame lies in the file")
        frames.append((begin, raw[at - size : at]))
        check(enc(frames[-1][1]) == raw[begin:at], "the shortest head")
    end, count, total = dec(frames[-1][1])
    check((end, count) == (0, len(frames) - 2), "end of a carry file")
    check(total == H("carry", raw[: frames[-1][0]]), "sum of a carry file")
    return dec(frames[0][1]), [piece for _, piece in frames[1:-1]]


def check_carry():
    v = load("carry.json")
    device, hub = public(v["device_seed"]), public(v["hub_seed"])
    head = [1, v["district"], v["node"]]

    header, pieces = carry_pieces(unhex(v["to_hub"]))
    check(header == head + [1, b"\x44" * 16, 1795300000000, 2, [[6, 0, 0], [2, 1, 5]]], "header")
    kind, statement, sig = dec(pieces[0])
    check(kind == 1, "a file to the hub begins with HELLO")
    check_signed("hello", statement, device, sig, "HELLO of a file")
    kind, proof_kind, proof = dec(pieces[1])
    check((kind, proof_kind) == (6, 3), "proof")
    check_signed("ack", dec(proof)[0], hub, dec(proof)[1], "proof")
    kind, before, raw = dec(pieces[2])
    suite, lane, first, highest, trust, rules, tag, sig, keys, items = dec(raw)
    check((kind, lane, first, tag) == (2, 1, 5, before[:8]), "bundle of a file")
    after = H("head", before + H("policy-entry", enc(items[0][1:])))
    checkpoint = [1, v["district"], hub, v["node"], unhex(v["incarnation"]), lane, first, first,
                  before, after, highest, trust, rules, H("bundle", enc(keys) + enc(items))]
    check_signed("checkpoint", enc(checkpoint), device, sig, "bundle of a file")

    header, pieces = carry_pieces(unhex(v["to_node"]))
    check(header[:4] == head + [2] and header[6:] == [1, [[19, 0, 80]]], "header of an answer")
    kind, hello, welcome = dec(pieces[0])
    check(kind == 16, "a file to the node begins with ANSWER")
    _, statement, sig = dec(hello)
    check_signed("hello", statement, device, sig, "HELLO that is answered")
    _, statement, sig = dec(welcome)
    check_signed("welcome", statement, hub, sig, "WELCOME of a file")
    kind, batch = dec(pieces[1])
    statement, sig, body = dec(batch)
    check(kind == 19 and H("feed", body) == dec(statement)[11], "batch of a file")
    check_signed("feed", statement, hub, sig, "batch of a file")
    check(dec(pieces[2])[0] == 18, "ACK of a file")


for part in (check_codec, check_chain, check_transaction, check_bundle, check_messages, check_feed,
             check_trust, check_invite, check_carry, check_endorsement):
    part()
print(f"{checks} checks of the golden vectors hold")
