#!/usr/bin/python3
"""Writes the seeds of every fuzzer from the golden vectors: tests/fuzz/corpus/<fuzzer>/<name>.

Run from the top of the tree. What fuzzing found later lies beside them under other names and stays.
"""
import base64
import io
import json
import pathlib

import msgpack

VECTORS = pathlib.Path("tests/vectors")
CORPUS = pathlib.Path("tests/fuzz/corpus")


def load(name):
    return json.loads((VECTORS / name).read_text())


def seed(fuzzer, name, data):
    path = CORPUS / fuzzer / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def with_damage(fuzzer, name, data):
    """The seed, its first half, and the seed with one bit turned in the middle."""
    seed(fuzzer, name, data)
    seed(fuzzer, name + "-cut", data[: len(data) // 2])
    turned = bytearray(data)
    turned[len(data) // 2] ^= 0x10
    seed(fuzzer, name + "-turned", bytes(turned))


codec = load("codec.json")
for kind in ("canonical", "refused"):
    for i, text in enumerate(codec[kind]):
        seed("codec", f"{kind}-{i:02d}", bytes.fromhex(text))

txn = bytes.fromhex(load("transaction.json")["transaction"])
with_damage("codec", "transaction", txn)
with_damage("txn", "transaction", txn)
with_damage("bundle", "bundle", bytes.fromhex(load("bundle.json")["bundle"]))

for name, text in load("messages.json")["frames"].items():
    frame = bytes.fromhex(text)
    # A slice of thousands of zeros teaches a fuzzer nothing.
    if len(frame) < 2000:
        with_damage("message", name, frame)
    else:
        seed("message", name, frame)

feed = load("feed.json")
for stream in ("control", "records"):
    batch = bytes.fromhex(feed[stream]["batch"])
    items = [bytes.fromhex(item) for item in feed[stream]["items"]]
    array = bytes([0x90 | len(items)]) + b"".join(items)
    statement, _, body = msgpack.unpackb(batch)
    plain_bytes = msgpack.unpackb(statement)[9]
    with_damage("feed", stream + "-batch", b"\0" + batch)
    with_damage("feed", stream + "-items", b"\2" + array)
    if stream == "control":
        head = b"\1" + plain_bytes.to_bytes(3, "big") + bytes([len(items)])
        with_damage("feed", stream + "-body", head + body)

trust = load("trust.json")
for i, entry in enumerate(trust["log"], 1):
    signed = bytes.fromhex(entry["signed"])
    with_damage("trust", f"signed-{i}", signed)
    ops = msgpack.unpackb(msgpack.unpackb(signed)[0])[5]
    with_damage("trust", f"ops-{i}", msgpack.packb(ops))

text = load("invite.json")["text"]
with_damage("invite", "text", text.encode())
packed = base64.b64decode("".join(text.split("\n")[1:-2]))
with_damage("invite", "packed", b"b" + packed)

carry = load("carry.json")
for way in ("to_hub", "to_node"):
    raw = bytes.fromhex(carry[way])
    with_damage("carry", way, raw)
    at = raw.index(b"\n") + 1
    for i, piece in enumerate(msgpack.Unpacker(io.BytesIO(raw[at:]))):
        seed("carry", f"{way}-{i}", piece)

# An expression, a NUL, and the values of fields l, m, r, s, t and of what they refer to.
values = [
    [{"h": True, "n": 3}, {"h": False, "n": 4}],
    {"a": "b", "n": 36},
    bytes(16),
    bytes([3]) + bytes(15),
    "3604 1234-5678.9012",
    "a",
    "2026-02-01",
]
record = b"".join(msgpack.packb(value) for value in values)
expressions = {
    "logic": 'not (t = nil or r.t != "x") and true or false < 1',
    "number": "1 + 2 * (3 - -4) - 9223372036854775807 >= m.n",
    "path": 'r.s.m.a = old.r.t or s.r.l.x != r and event < claimed',
    "list": 'count(l) > 1 and count(r.l, "h", true) + sum(l, "n") = 8 and all(r.s.l, "n")',
    "in": 't in ("a", r.t, s.s.t) or "a" in list("k") or r.t in list("none")',
    "text": 'digits(t, 16) or length(r.t) = 3 or days(s.t, event) > years(event, r.s.t)',
    "other": 'first(t, r, 1) = table("x", t) or has(m) and signature(t) in ("ok", "none")',
    "deep": "(" * 15 + "t" + ")" * 15,
    "chain": "1+" * 127 + "1",
}
for name, text in expressions.items():
    with_damage("expr", name, text.encode() + b"\0" + record)
