"""A second implementation of an office, written from proto/PROTOCOL.md alone.

It shares no code with the programs, so that what two of our own ends agree on by mistake shows
here. Section numbers in the comments are those of PROTOCOL.md. Nothing in it repairs what the hub
sends: a signature, a hash or a form that is not as written raises Broken.
"""
import base64
import hashlib
import os
import re
import time

import nacl.bindings as sodium
import nacl.exceptions
import nacl.public
import nacl.pwhash.argon2id
import nacl.signing
import zmq
import zmq.utils.z85 as z85
import zstandard

SUITE = 1
FRAME_MAX = 32768
SLICE_MAX = 31744
BATCH_MAX = 1114112
BATCH_PLAIN_MAX = 1048576
PLAIN_MAX = 524288
DEPTH_MAX = 8
ZERO = bytes(32)
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
INT_MAX = 2**63 - 1

HELLO, PUSH, CONFIRM, ENROL, OPERATOR, RETURN = 1, 2, 3, 4, 5, 6
WELCOME, PROGRESS, ACK, FEED, ENROL_STATE, OPERATOR_STATE, REFUSE = range(16, 23)
URGENT, NORMAL, BULK = 0, 1, 2
CREATE, UPDATE, DELETE, RESOLVE = 1, 2, 3, 4
ACCEPTED, SUPERSEDED, REJECTED, HELD, QUARANTINED, PARKED = range(1, 7)
ACTIVE, REOPEN, STAND_QUARANTINED, STAND_WAITING = 1, 2, 3, 4
CONTROL, RECORDS = 0, 1


class Broken(Exception):
    """What arrived is not what PROTOCOL.md says."""


class Refused(Exception):
    """The hub answered with REFUSE."""

    def __init__(self, code, lane, seq, detail):
        super().__init__(f"{code} lane={lane} seq={seq} {detail}")
        self.code, self.lane, self.seq, self.detail = code, lane, seq, detail


class Silence(Exception):
    """The answer did not come in time."""


def need(condition, what):
    if not condition:
        raise Broken(what)


# --- §1 canonical msgpack ---------------------------------------------------------------------


def head(small, small_max, forms, n):
    """The shortest head of an array, map, str or bin of n."""
    if n <= small_max:
        return bytes([small | n])
    for first, size in forms:
        if n < 1 << (8 * size):
            return bytes([first]) + n.to_bytes(size, "big")
    raise ValueError("too long")


def enc_int(x):
    if 0 <= x < 128:
        return bytes([x])
    if -32 <= x < 0:
        return bytes([x + 256])
    forms = ((0xCC, 1), (0xCD, 2), (0xCE, 4), (0xCF, 8))
    if x < 0:
        forms = ((0xD0, 1), (0xD1, 2), (0xD2, 4), (0xD3, 8))
    for first, size in forms:
        if -(1 << (8 * size - 1)) <= x < (1 << (8 * size)) >> (x < 0):
            return bytes([first]) + x.to_bytes(size, "big", signed=x < 0)
    raise ValueError("integer too big")


def enc(x):
    """The canonical encoding of nil, bool, int, str, bytes, sequences and maps of str."""
    if x is None:
        return b"\xc0"
    if isinstance(x, bool):
        return b"\xc3" if x else b"\xc2"
    if isinstance(x, int):
        return enc_int(x)
    if isinstance(x, str):
        raw = x.encode()
        return head(0xA0, 31, ((0xD9, 1), (0xDA, 2), (0xDB, 4)), len(raw)) + raw
    if isinstance(x, (bytes, bytearray)):
        return head(0, -1, ((0xC4, 1), (0xC5, 2), (0xC6, 4)), len(x)) + bytes(x)
    if isinstance(x, (list, tuple)):
        return head(0x90, 15, ((0xDC, 2), (0xDD, 4)), len(x)) + b"".join(map(enc, x))
    if isinstance(x, dict):
        out = head(0x80, 15, ((0xDE, 2), (0xDF, 4)), len(x))
        for key in sorted(x, key=str.encode):
            out += enc(key) + enc(x[key])
        return out
    if isinstance(x, Raw):
        return x.bytes
    raise TypeError(type(x))


class Raw:
    """Bytes that go into enc() as they are: what somebody signed, or what is wrong on purpose."""

    def __init__(self, raw):
        self.bytes = bytes(raw)


class Reader:
    """Strict: what is not canonical raises."""

    def __init__(self, raw):
        self.raw, self.at = bytes(raw), 0

    def take(self, n):
        need(n <= len(self.raw) - self.at, "truncated")
        self.at += n
        return self.raw[self.at - n : self.at]

    def number(self, size, signed=False):
        return int.from_bytes(self.take(size), "big", signed=signed)

    def value(self, depth=1):
        start = self.at
        c = self.number(1)
        nests = 0x80 <= c <= 0x9F or 0xDC <= c <= 0xDF
        need(not nests or depth <= DEPTH_MAX, "too deep")
        if c == 0xC0:
            x = None
        elif c in (0xC2, 0xC3):
            x = c == 0xC3
        elif c < 0x80:
            x = c
        elif c >= 0xE0:
            x = c - 256
        elif 0xCC <= c <= 0xCF:
            x = self.number(1 << (c - 0xCC))
            need(x <= INT_MAX, "integer above 2^63-1")
        elif 0xD0 <= c <= 0xD3:
            x = self.number(1 << (c - 0xD0), signed=True)
        elif 0xA0 <= c <= 0xBF or 0xD9 <= c <= 0xDB:
            raw = self.take(c & 31 if c <= 0xBF else self.number(1 << (c - 0xD9)))
            need(b"\0" not in raw, "str with U+0000")
            try:
                x = raw.decode("utf-8", "strict")
            except UnicodeDecodeError as error:
                raise Broken("not UTF-8") from error
        elif 0xC4 <= c <= 0xC6:
            x = self.take(self.number(1 << (c - 0xC4)))
        elif 0x90 <= c <= 0x9F or c in (0xDC, 0xDD):
            n = c & 15 if c <= 0x9F else self.number(2 << (c - 0xDC))
            need(n <= len(self.raw) - self.at, "more items than bytes")
            x = [self.value(depth + 1) for _ in range(n)]
        elif 0x80 <= c <= 0x8F or c in (0xDE, 0xDF):
            n = c & 15 if c <= 0x8F else self.number(2 << (c - 0xDE))
            need(2 * n <= len(self.raw) - self.at, "more items than bytes")
            x, last = {}, None
            for _ in range(n):
                key = self.value(depth + 1)
                need(isinstance(key, str), "map key is not str")
                need(last is None or last.encode() < key.encode(), "map keys not sorted")
                x[key], last = self.value(depth + 1), key
        else:
            raise Broken(f"type {c:#x} is not used")
        if not isinstance(x, (list, dict)):
            need(enc(x) == self.raw[start : self.at], "not the shortest form")
        else:
            own = enc(x)[: 1 if len(x) < 16 else 3]
            need(self.raw[start : start + len(own)] == own, "not the shortest head")
        return x


def dec(raw):
    reader = Reader(raw)
    x = reader.value()
    need(reader.at == len(reader.raw), "bytes after the value")
    return x


# --- §1 suite 1 -------------------------------------------------------------------------------


def H(kind, x):
    return hashlib.blake2b(b"tksk-sync/1/" + kind.encode() + b"\0" + x, digest_size=32).digest()


def signed_bytes(kind, x):
    return b"tksk-sync/1/" + kind.encode() + b"\0" + len(x).to_bytes(8, "big") + x


def sign(kind, x, key):
    return key.sign(signed_bytes(kind, x)).signature


def verify(kind, x, sig, key):
    try:
        nacl.signing.VerifyKey(key).verify(signed_bytes(kind, x), sig)
    except (nacl.exceptions.BadSignatureError, ValueError, nacl.exceptions.ValueError) as error:
        raise Broken(f"signature of {kind}") from error


def seal(x, key):
    return sodium.crypto_box_seal(x, key)


def zip_(x, dictionary=None):
    how = {"write_content_size": False, "write_checksum": False, "write_dict_id": False}
    if dictionary:
        full = zstandard.DICT_TYPE_FULLDICT
        how["dict_data"] = zstandard.ZstdCompressionDict(dictionary, dict_type=full)
    frame = zstandard.ZstdCompressor(**how).compress(x)
    need(frame[:4] == ZSTD_MAGIC, "zstd without its magic number")
    return frame[4:]


def unzip(x, length):
    out = zstandard.ZstdDecompressor().decompressobj().decompress(ZSTD_MAGIC + x)
    need(len(out) == length, "plain length")
    return out


def aead(x, ad, nonce, key):
    return sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(x, ad, nonce, key)


FIRST = """
ba be bi ca ce co cu da de di du ga ge go gu ja je ji jo ju ka ki ko ku la le li lo lu ma me mi
mo mu na ne ni no nu pa pi po ra re ri ro ru sa se si so su ta te ti to tu wa we wi wo ya yo yu
""".split()
SECOND = """
da di do du gu ja ji jo ju ka ko ku la lu na no nu ra ri ro ru sa si ta to tu wa wi wo ya yo yu
""".split()


def six_words(transcript):
    """§11: 66 bits of Argon2id, 11 bits a word."""
    out = nacl.pwhash.argon2id.kdf(
        16, transcript, H("words-salt", transcript)[:16], opslimit=2, memlimit=19456 * 1024
    )
    bits = int.from_bytes(out, "big") >> (128 - 66)
    eleven = [bits >> (55 - 11 * i) & 2047 for i in range(6)]
    return " ".join(FIRST[n >> 5] + SECOND[n & 31] for n in eleven)


# --- §11 invites ------------------------------------------------------------------------------


class Invite:
    def __init__(self, text):
        lines = text.strip().split("\n")
        need(lines[0] == "tksk-sync invite 1" and lines[-1] == "end", "not an invite")
        statement, sig = dec(base64.b64decode("".join(lines[1:-1]), validate=True))
        (
            suite,
            self.district,
            self.node,
            self.id,
            self.token,
            self.curve_secret,
            self.hub_sign,
            self.hub_curve,
            self.hub_seal,
            self.root,
            self.endpoints,
            self.expires_ms,
        ) = dec(statement)
        need(suite == SUITE, "suite")
        verify("invite", statement, sig, self.hub_sign)
        need(self.expires_ms > now_ms(), "expired")


def now_ms():
    return int(time.time() * 1000)


# --- §4 transactions, §5 sealing, §6 chains ---------------------------------------------------


class Author:
    """An operator: a key, and the number that the trust part gave it."""

    def __init__(self, name, role):
        self.name, self.role = name, role
        self.key, self.number = nacl.signing.SigningKey.generate(), 0

    @property
    def public(self):
        return bytes(self.key.verify_key)


def salt(seed, index):
    return hashlib.blake2b(index.to_bytes(4, "big"), key=seed, digest_size=16).digest()


def commitments_of(seed, changes):
    return b"".join(H("commit", salt(seed, i) + enc(c)) for i, c in enumerate(changes))


class Transaction:
    """`changes` as in §4. What a test wants wrong it hands in by name."""

    def __init__(
        self,
        district,
        author,
        trust,
        rules,
        changes,
        claimed_ms=None,
        number=None,
        commitments=None,
        sent_changes=None,
        seed=None,
        sig=None,
        countersigners=(),
        countersignatures=None,
    ):
        self.changes = changes
        request, seed = os.urandom(16), seed or os.urandom(16)
        claimed_ms = claimed_ms or now_ms()
        commitments = commitments or commitments_of(seed, changes)
        statement = enc(
            [district, author.public, trust, rules, request, claimed_ms, len(changes), commitments]
        )
        self.leaf = H("leaf", statement)
        self.plain = enc(
            [
                1,
                author.number if number is None else number,
                trust,
                rules,
                request,
                claimed_ms,
                seed,
                sent_changes or changes,
                sig or sign("transaction", statement, author.key),
                countersignatures
                if countersignatures is not None
                else sorted(
                    [a.number, sign("countersign", self.leaf, a.key)] for a in countersigners
                ),
            ]
        )


class DataKey:
    def __init__(self, number, hub_seal):
        self.number, self.key = number, os.urandom(32)
        self.sealed = seal(self.key, hub_seal)


def seal_item(
    district, leaf, plain, data_key, after=(), length=None, body=None, dictionary=(0, None)
):
    """One item of a bundle (§6) of a transaction (§5); `dictionary` is its number and its bytes."""
    number, held = dictionary
    length = len(plain) if length is None else length
    sealed_head = enc([1, district, leaf, data_key.number, number, length])
    if body is None:
        body = aead(zip_(plain, held), sealed_head, H("nonce", sealed_head)[:24], data_key.key)
    return [1, list(after), leaf, data_key.number, number, length, body]


def policy_item(trust, rules, trust_hash, rules_hash):
    entry = [trust, rules, trust_hash, rules_hash]
    return [2] + entry, H("policy-entry", enc(entry))


class Chain:
    """One lane of one incarnation."""

    def __init__(self, district, node, incarnation, lane):
        self.heads = [H("genesis", enc([district, node, incarnation, lane]))]
        self.items, self.leaves = [], []
        self.acked = 0

    @property
    def highest(self):
        return len(self.items)

    def append(self, item, leaf):
        self.items.append(item)
        self.leaves.append(leaf)
        self.heads.append(H("head", self.heads[-1] + leaf))
        return len(self.items)


# --- §8 trust ---------------------------------------------------------------------------------

ROOT, SIGNERS, HUB, NODE, NODE_END, OP, OP_UNTIL, OP_END, RELEASE, EPOCH, INCARNATION = range(11)


class Trust:
    """The fold of the trust statements and the newest rules."""

    def __init__(self, district, root):
        self.district, self.pinned = district, root
        self.version, self.hash = 0, ZERO
        self.root = self.signers = (0, [])
        self.hub = None
        self.nodes, self.operators, self.ended = {}, {}, []
        self.rules_version, self.rules_hash, self.rules = 0, ZERO, None
        self.journal = []  # [number, kind, version, hash] of what the control stream brought

    def signed_by(self, kind, raw, sigs, group):
        threshold, keys = group
        good = set()
        for key, sig in sigs:
            if key in keys:
                verify(kind, raw, sig, key)
                good.add(key)
        return threshold > 0 and len(good) >= threshold

    def statement(self, number, signed):
        raw, sigs = dec(signed)
        suite, district, version, previous, _, ops = dec(raw)
        need((suite, district) == (SUITE, self.district), "statement of another district")
        need(version == self.version + 1, "trust version with a gap")
        need(previous == self.hash, "trust chain")
        if version == 1:
            for op in ops:
                if op[0] == ROOT:
                    self.root = (op[1], [key for key, _ in op[2]])
                if op[0] == SIGNERS:
                    self.signers = (op[1], [key for key, _ in op[2]])
            need([op[0] for op in ops[:3]] == [ROOT, SIGNERS, HUB], "version 1 founds the district")
            need(self.pinned in self.root[1], "the pinned root key is not among the root keys")
            need(self.signed_by("trust", raw, sigs, self.root), "root threshold")
        by_root = self.signed_by("trust", raw, sigs, self.root)
        need(by_root or self.signed_by("trust", raw, sigs, self.signers), "threshold")
        for op in ops:
            self.apply(op, by_root)
        self.version, self.hash = version, H("trust", raw)
        self.journal.append([number, 2, version, self.hash])

    def apply(self, op, by_root):
        kind, rest = op[0], op[1:]
        if kind in (ROOT, SIGNERS):
            need(by_root, "root threshold")
            group = (rest[0], [key for key, _ in rest[1]])
            if kind == ROOT:
                self.root = group
            else:
                self.signers = group
        elif kind == HUB:
            need(by_root or self.hub and self.hub[:4] == rest[:4], "hub keys by the root")
            self.hub = rest
        elif kind == NODE:
            self.nodes[rest[0]] = rest[1:]
        elif kind == OP:
            self.operators[rest[0]] = rest[1:]
        elif kind in (NODE_END, OP_END):
            self.ended.append(op)
        else:
            need(kind in (OP_UNTIL, RELEASE, EPOCH, INCARNATION), f"trust op {kind}")

    def rules_document(self, number, signed):
        raw, sigs = dec(signed)
        document = dec(raw)
        need(document["district"] == self.district and document["format"] == 1, "rules of another")
        need(document["version"] > self.rules_version, "rules version fell")
        need(self.signed_by("rules", raw, sigs, self.signers), "rules threshold")
        if document["version"] == self.rules_version + 1:
            need(document["previous"] == self.rules_hash, "rules chain")
        self.rules_version, self.rules_hash = document["version"], H("rules", raw)
        self.rules = document
        self.journal.append([number, 3, self.rules_version, self.rules_hash])

    @property
    def versions(self):
        return [self.version, self.rules_version, self.hash, self.rules_hash]


# --- §2 transport -----------------------------------------------------------------------------


class Wire:
    """One DEALER. `secret` None speaks without CURVE."""

    context = zmq.Context.instance()

    def __init__(self, endpoint, hub_curve=None, secret=None):
        self.socket = self.context.socket(zmq.DEALER)
        for option, value in (
            (zmq.LINGER, 0),
            (zmq.IMMEDIATE, 1),
            (zmq.HEARTBEAT_IVL, 30000),
            (zmq.HEARTBEAT_TIMEOUT, 60000),
            (zmq.HEARTBEAT_TTL, 180000),
            (zmq.HANDSHAKE_IVL, 5000),
            (zmq.SNDTIMEO, 5000),
        ):
            self.socket.setsockopt(option, value)
        if secret is not None:
            self.socket.curve_serverkey = z85.encode(hub_curve)
            self.socket.curve_publickey = z85.encode(sodium.crypto_scalarmult_base(secret))
            self.socket.curve_secretkey = z85.encode(secret)
        self.socket.connect(endpoint)

    def send(self, message):
        raw = message if isinstance(message, bytes) else enc(message)
        self.send_frames([raw])

    def send_frames(self, frames):
        try:
            self.socket.send_multipart(frames)
        except zmq.Again as error:
            raise Silence("no connection to the hub") from error

    def receive(self, seconds):
        """One message as a list, or None. Anything that is not one strict frame raises."""
        if not self.socket.poll(max(0, int(seconds * 1000))):
            return None
        frames = self.socket.recv_multipart()
        need(len(frames) == 1, "several frames")
        need(len(frames[0]) <= FRAME_MAX, "frame too long")
        message = dec(frames[0])
        need(isinstance(message, list) and message, "not a message")
        return message

    def close(self):
        self.socket.close()


# --- an office ---------------------------------------------------------------------------------


class Office:
    def __init__(self, invite_text):
        self.invite = Invite(invite_text)
        self.district, self.node = self.invite.district, self.invite.node
        self.device = nacl.signing.SigningKey.generate()
        self.curve = os.urandom(32)
        self.sealing = nacl.public.PrivateKey.generate()
        self.request = self.operator_request = None
        self.author = None
        self.trust = Trust(self.district, self.invite.root)
        self.wire = None
        self.data_key, self.keys_sent = None, 0
        self.cursors = {CONTROL: [0, 0, ZERO], RECORDS: [0, 0, ZERO]}
        self.seen = [0, 0]
        self.assembly = {}
        self.records, self.decisions, self.conflicts, self.resolved = {}, [], {}, []
        self.dictionaries = {}
        self.batches = []  # statements of the feed, in order
        self.proofs = {}  # kind of RETURN -> [statement, sig] of the newest ACK and batch
        self.answers = {}  # (lane, seq) -> [number, entries]
        self.acks, self.refusals, self.states, self.progress = [], [], [], []
        self.welcome = None
        self.forked = False  # on purpose: ACKs are of a chain that this store no longer has
        self.previous = None
        self.open_incarnation()

    def open_incarnation(self, previous=None):
        self.previous, self.incarnation = previous, os.urandom(16)
        self.lanes = [Chain(self.district, self.node, self.incarnation, n) for n in range(3)]
        self.noted = [None, None, None]
        self.keys_sent = 0

    @property
    def device_public(self):
        return bytes(self.device.verify_key)

    def connect(self, secret=None):
        self.disconnect()
        self.wire = Wire(self.invite.endpoints[0], self.invite.hub_curve, secret or self.curve)

    def disconnect(self):
        if self.wire:
            self.wire.close()
        self.wire = None

    # Enrolment (§11).

    def enrol_request(self):
        invite = self.invite
        return enc(
            [
                SUITE,
                self.district,
                self.node,
                invite.id,
                invite.token,
                self.device_public,
                sodium.crypto_scalarmult_base(self.curve),
                bytes(self.sealing.public_key),
                os.urandom(16),
            ]
        )

    def enrol(self):
        """Says ENROL with the invite's key and waits for the state; can be said again."""
        if not self.request:
            self.request = self.enrol_request()
        if not self.wire:
            self.connect(self.invite.curve_secret)
        self.states.clear()
        self.wire.send([ENROL, self.request, sign("enrol", self.request, self.device)])
        self.pump(30, lambda: self.states)
        return self.states[-1]

    def words(self):
        invite = self.invite
        return six_words(
            enc(
                [
                    self.district,
                    invite.id,
                    invite.root,
                    invite.hub_sign,
                    invite.hub_seal,
                    invite.hub_curve,
                    self.request,
                ]
            )
        )

    def register(self, name, role):
        """Says OPERATOR, returns the six words."""
        self.author = Author(name, role)
        self.operator_request = enc(
            [SUITE, self.district, self.node, self.author.public, name, role, os.urandom(16), None]
        )
        self.say_operator()
        return six_words(
            enc([self.district, self.node, self.invite.hub_sign, self.operator_request])
        )

    def say_operator(self):
        raw = self.operator_request
        self.wire.send(
            [
                OPERATOR,
                raw,
                sign("operator", raw, self.author.key),
                sign("operator", raw, self.device),
            ]
        )

    # HELLO (§3).

    def hello_statement(self, wants_records=True, suite=SUITE, node=None, nonce=None):
        lanes = [[c.acked, c.heads[c.acked], c.highest, 0] for c in self.lanes]
        self.nonce = nonce or os.urandom(16)
        return enc(
            [
                suite,
                1,
                self.district,
                node or self.node,
                self.incarnation,
                self.previous,
                self.nonce,
                lanes,
                self.seen,
                [self.cursors[CONTROL], self.cursors[RECORDS]],
                self.trust.versions,
                wants_records,
                now_ms(),
            ]
        )

    def hello(self, seconds=30, **how):
        if not self.wire:
            self.connect()
        statement = self.hello_statement(**how)
        self.welcome = None
        self.wire.send([HELLO, statement, sign("hello", statement, self.device)])
        self.pump(seconds, lambda: self.welcome)
        return self.welcome["standing"]

    # What arrives.

    def pump(self, seconds, until=lambda: False, strict=True):
        """Takes messages until `until` holds. A REFUSE raises unless `strict` is False."""
        end = time.monotonic() + seconds
        while not until():
            message = self.wire.receive(end - time.monotonic())
            if message is None:
                raise Silence(f"{self.node}: nothing within {seconds} s")
            self.take(message, strict)

    def listen(self, seconds):
        """Takes what comes for a time."""
        try:
            self.pump(seconds, strict=False)
        except Silence:
            pass

    def take(self, message, strict=True):
        kind = message[0]
        if kind == WELCOME:
            self.take_welcome(*message[1:])
        elif kind == PROGRESS:
            lane, first, offset = message[1:]
            self.progress.append((lane, first, offset))
        elif kind == ACK:
            self.take_ack(*message[1:])
        elif kind == FEED:
            self.take_feed(*message[1:])
        elif kind == ENROL_STATE:
            statement, sig = message[1:]
            verify("enrol-state", statement, sig, self.invite.hub_sign)
            suite, district, node, invite, device, standing, tries = dec(statement)
            need(
                [suite, district, node, invite, device]
                == [SUITE, self.district, self.node, self.invite.id, self.device_public],
                "state of another",
            )
            self.states.append((standing, tries))
        elif kind == OPERATOR_STATE:
            key, standing = message[1:]
            self.states.append((key, standing))
        elif kind == REFUSE:
            refusal = Refused(*message[1:])
            self.refusals.append(refusal)
            if strict:
                raise refusal
        else:
            raise Broken(f"message type {kind}")

    def take_welcome(self, statement, sig):
        verify("welcome", statement, sig, self.invite.hub_sign)
        (
            suite,
            version,
            district,
            node,
            incarnation,
            nonce,
            standing,
            epoch,
            number,
            journal,
            lanes,
            proven,
            versions,
            slices,
            lost,
            _,
        ) = dec(statement)
        need([suite, version, district, node] == [SUITE, 1, self.district, self.node], "not for us")
        need(nonce == self.nonce, "nonce of another HELLO")
        need(len(lanes) == 3 and len(proven) == 2 and len(versions) == 4, "WELCOME")
        for chain, (received, at, _) in zip(self.lanes, lanes):
            if standing == ACTIVE and incarnation == self.incarnation and not self.forked:
                need(received <= chain.highest and at == chain.heads[received], "head at the hub")
        self.welcome = {
            "standing": standing,
            "epoch": epoch,
            "number": number,
            "journal": journal,
            "lanes": lanes,
            "proven": proven,
            "versions": versions,
            "slices": slices,
            "lost": lost,
            "incarnation": incarnation,
        }

    def take_ack(self, lane, last, epoch, number, keep_from, items, sig):
        if self.forked:
            return
        chain = self.lanes[lane]
        need(0 < last <= chain.highest, "ACK beyond what was sent")
        acked = [lane, last, chain.heads[last], epoch, number, keep_from, items]
        statement = enc([SUITE, self.district, self.node, self.incarnation, *acked])
        verify("ack", statement, sig, self.invite.hub_sign)
        self.proofs[3] = enc([statement, sig])
        seqs = [item[0] for item in items]
        need(seqs == list(range(last - len(items) + 1, last + 1)), "items contiguous up to last")
        for seq, entry, entries in items:
            self.answers[(lane, seq)] = [entry, entries]
        chain.acked = max(chain.acked, last)
        self.seen = max(self.seen, [epoch, number])
        self.acks.append(
            {
                "lane": lane,
                "last": last,
                "epoch": epoch,
                "number": number,
                "keep_from": keep_from,
                "items": items,
            }
        )

    # The feed (§7).

    def take_feed(self, stream, epoch, start, to, total, offset, data):
        need(stream in (CONTROL, RECORDS) and total <= BATCH_MAX, "FEED")
        name = (stream, epoch, start, to, total)
        have = self.assembly.get(stream)
        if not have or have[0] != name:
            have = (name, bytearray())
            self.assembly[stream] = have
        if offset != len(have[1]):
            return  # a slice that is here already, or the one after a lost one
        have[1].extend(data)
        need(len(have[1]) <= total, "slices longer than the batch")
        if len(have[1]) < total:
            self.wire.send([CONFIRM, stream, epoch, start, len(have[1])])
            return
        del self.assembly[stream]
        self.take_batch(stream, epoch, start, to, bytes(have[1]))
        self.wire.send([CONFIRM, stream, *self.cursors[stream][:2], 0])

    def take_batch(self, stream, epoch, start, to, batch):
        statement, sig, body = dec(batch)
        verify("feed", statement, sig, self.invite.hub_sign)
        proof = enc([statement, sig])
        (
            suite,
            district,
            node,
            of,
            at_epoch,
            first,
            last,
            journal,
            count,
            length,
            sealed,
            digest,
        ) = dec(statement)
        need([suite, district, node] == [SUITE, self.district, self.node], "batch of another")
        need([of, at_epoch, first, last] == [stream, epoch, start, to], "batch is not as its FEED")
        need(digest == H("feed", body), "hash of the batch")
        need(sealed == (stream == RECORDS), "sealed")
        need(length <= BATCH_PLAIN_MAX and count <= 512, "limits of a batch")
        if [epoch, start] != self.cursors[stream][:2] and start != self.cursors[stream][1]:
            return
        if sealed:
            body = nacl.public.SealedBox(self.sealing).decrypt(body)
        items = dec(unzip(body, length))
        need(len(items) == count, "count of a batch")
        before = first
        for item in items:
            need(first < item[1] <= last and before <= item[1], "numbers of a batch")
            before = item[1]
            self.take_item(stream, item)
        self.proofs[4] = proof
        self.cursors[stream] = [epoch, to, journal]
        self.seen = max(self.seen, [epoch, to])
        self.batches.append(
            {
                "stream": stream,
                "from": first,
                "to": last,
                "journal": journal,
                "sealed": sealed,
                "items": items,
            }
        )

    def take_item(self, stream, item):
        kind, number, rest = item[0], item[1], item[2:]
        if kind == 1:
            self.trust.statement(number, rest[0])
        elif kind == 2:
            self.trust.rules_document(number, rest[0])
        elif kind == 3:
            leaf, index, disposition, reason, field = rest
            self.decisions.append((number, leaf, index, disposition, reason, field))
        elif kind == 4:
            version, held = rest
            need(version > 0 and len(held) <= 65536, "a dictionary")
            self.dictionaries[version] = held
        elif kind == 8:
            collection, record, deleted, short, fields, origin = rest
            need(len(origin) == 3, "origin of a record")
            known = self.records.setdefault(
                record, {"collection": collection, "fields": {}, "rev": 0}
            )
            known.update(deleted=deleted, short=short, rev=max(known["rev"], number), origin=origin)
            known["fields"].update(fields)
        elif kind == 9:
            conflict, collection, record, field, ours, held, node_a, node_b = rest
            self.conflicts[conflict] = {
                "number": number,
                "collection": collection,
                "record": record,
                "field": field,
                "a": ours,
                "b": held,
                "node_a": node_a,
                "node_b": node_b,
                "stream": stream,
            }
        elif kind == 10:
            conflict, record, field, value = rest
            self.conflicts.pop(conflict, None)
            self.resolved.append((number, conflict, record, field, value))
        else:
            raise Broken(f"feed item {kind}")

    def give_back(self, kind, version, raw):
        """RETURN, in slices."""
        for offset in range(0, len(raw), SLICE_MAX):
            part = raw[offset : offset + SLICE_MAX]
            self.wire.send([RETURN, kind, version, len(raw), offset, part])

    # Work (§4 to §6).

    def dictionary(self):
        """The one that the rules in force name, if it has come: (number, bytes) (§5)."""
        named = (self.trust.rules or {}).get("dictionary")
        for version, held in sorted(self.dictionaries.items(), reverse=True):
            if H("dictionary", held) == named:
                return version, held
        return 0, None

    def keys(self):
        if not self.data_key:
            self.data_key = DataKey(1, self.trust.hub[1])
        return self.data_key

    def queue_policy(self, lane):
        """A policy entry, when the versions in force changed since the last one of this lane."""
        if self.noted[lane] != self.trust.versions:
            self.lanes[lane].append(*policy_item(*self.trust.versions))
            self.noted[lane] = list(self.trust.versions)

    def transaction(self, changes, **how):
        author = how.pop("author", self.author)
        trust, rules = how.pop("versions", (self.trust.version, self.trust.rules_version))
        return Transaction(self.district, author, trust, rules, changes, **how)

    def queue(self, transaction, lane=NORMAL, **how):
        """Seals and chains. Returns its seq."""
        self.queue_policy(lane)
        how.setdefault("dictionary", self.dictionary())
        item = seal_item(self.district, transaction.leaf, transaction.plain, self.keys(), **how)
        return self.lanes[lane].append(item, transaction.leaf)

    def enter(self, changes, lane=NORMAL):
        """Makes one transaction and queues it: (transaction, seq)."""
        transaction = self.transaction(changes)
        return transaction, self.queue(transaction, lane)

    def bundle(
        self,
        lane,
        first,
        last,
        keys=None,
        device=None,
        versions=None,
        suite=SUITE,
        head_tag=None,
        chain=None,
        highest=None,
    ):
        chain = chain or self.lanes[lane]
        if keys is None:
            keys = [[self.data_key.number, self.data_key.sealed]] if self.data_key else []
        raw_keys, raw_items = enc(keys), enc(chain.items[first - 1 : last])
        before, after = chain.heads[first - 1], chain.heads[last]
        trust, rules = versions or (self.trust.version, self.trust.rules_version)
        highest = highest or chain.highest
        sig = sign(
            "checkpoint",
            enc(
                [
                    suite,
                    self.district,
                    self.invite.hub_sign,
                    self.node,
                    self.incarnation,
                    lane,
                    first,
                    last,
                    before,
                    after,
                    highest,
                    trust,
                    rules,
                    H("bundle", raw_keys + raw_items),
                ]
            ),
            device or self.device,
        )
        return enc(
            [
                suite,
                lane,
                first,
                highest,
                trust,
                rules,
                head_tag or before[:8],
                sig,
                Raw(raw_keys),
                Raw(raw_items),
            ]
        )

    def slices(self, lane, first, raw, size=SLICE_MAX):
        """PUSH messages: the bundle alone when it is one slice."""
        if len(raw) <= size:
            yield [PUSH, raw]
            return
        tag = H("push", raw)[:8]
        for offset in range(0, len(raw), size):
            yield [PUSH, lane, first, tag, len(raw), offset, raw[offset : offset + size]]

    def send_bundle(self, lane, first, raw, size=SLICE_MAX, seconds=30):
        """PUSHes slice by slice, each after the PROGRESS of the one before."""
        for message in self.slices(lane, first, raw, size):
            self.wire.send(message)
            wanted = message[5] + len(message[6]) if len(message) > 2 else len(raw)
            if wanted < len(raw):
                self.pump(seconds, lambda: (lane, first, wanted) in self.progress)

    def push(self, lane=NORMAL, size=SLICE_MAX, seconds=30, first=None, last=None, raw=None):
        """Sends what is not acknowledged and waits for the answers. Returns the bundle's bytes."""
        chain = self.lanes[lane]
        first = first or chain.acked + 1
        last = last or chain.highest
        raw = raw or self.bundle(lane, first, last)
        for seq in range(first, last + 1):
            self.answers.pop((lane, seq), None)
        self.progress.clear()
        self.send_bundle(lane, first, raw, size, seconds)
        self.pump(seconds, lambda: all((lane, s) in self.answers for s in range(first, last + 1)))
        return raw

    def put(self, *changes, lane=NORMAL):
        """Enters, pushes, returns (transaction, journal number, entries of the ACK)."""
        transaction, seq = self.enter(list(changes), lane)
        self.push(lane)
        number, entries = self.answers[(lane, seq)]
        return transaction, number, entries


def create(collection, record, fields, group=0, short=0):
    return [group, CREATE, collection, record, None, fields, short]


def update(collection, record, base, fields, group=0):
    return [group, UPDATE, collection, record, list(base), fields, None]


def uuid_text(record):
    return re.sub(r"(.{8})(.{4})(.{4})(.{4})(.{12})", r"\1-\2-\3-\4-\5", record.hex())
