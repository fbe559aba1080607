"""Endorsements made from PROTOCOL.md §4 alone: what is right is taken, what is not comes back with
its rule, whatever the office that sends it believes.

endorse.py                        all that at the hub
endorse.py NODE RECORD PERSON     prints the signature of the TKSK of another kecamatan
"""
import os
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import client  # noqa: E402
import district  # noqa: E402
from client import create, update  # noqa: E402
from district import is_, say  # noqa: E402

COVERS = ("jenis", "tgl_usulan", "pengusul", "penerima", "isi", "foto", "sptjm", "musyawarah",
          "kode_kec")


def common(name):
    return {"kode_kec": name, "dasar_pemrosesan": "tugas_publik", "status_rekaman": "aktif"}


def proposal(name, person, jenis="alat_bantu", **more):
    return {
        **common(name), "jenis": jenis, "tgl_usulan": time.strftime("%Y-%m-%d"),
        "pengusul": {"jenis": "perorangan", "nama": "Siti"}, "penerima": [person],
        "isi": {"uraian": "kursi roda"}, "status": "draf", **more,
    }


def endorse(office, record, fields, signer=None):
    """A value of type signature over these fields, by this or another person."""
    signer, trust, now = signer or office.author, office.trust.version, client.now_ms()
    covered = {k: fields[k] for k in sorted(COVERS) if fields.get(k) is not None}
    statement = client.enc(
        [office.district, "usulan", record, "ttd_tksk", signer.number, trust, now, covered]
    )
    sig = client.sign("endorse", statement, signer.key)
    return f"{signer.number}/{trust}/{now}/{sig.hex()}"


class Proposals:
    """Proposals of one office, each brought as far as `diajukan`."""

    def __init__(self, office):
        self.office, self.person = office, os.urandom(16)
        office.put(create("orang", self.person, {
            **common(office.node), "status_hidup": "hidup", "nama": "Siti", "jk": "P"}))

    def handed_in(self, **more):
        record = os.urandom(16)
        fields = proposal(self.office.node, self.person, **more)
        _, number, entries = self.office.put(create("usulan", record, fields))
        is_("create", entries, [])
        base = (self.office.welcome["epoch"], number)
        _, number, entries = self.office.put(update("usulan", record, base, {"status": "diajukan"}))
        is_("handed in", entries, [])
        return record, fields, (self.office.welcome["epoch"], number)

    def sign(self, what, wanted, signer=None, over=None, **more):
        """Signs as asked; `wanted` is the rule that refuses it, or "": it is taken."""
        record, fields, base = self.handed_in(**more)
        mark = endorse(self.office, record, {**fields, **(over or {})}, signer)
        move = {"diketahui_tksk": True, "status": "ditandatangani", "ttd_tksk": mark}
        _, _, entries = self.office.put(update("usulan", record, base, move))
        expected = [[None, client.REJECTED, "rule", wanted]] if wanted else []
        found = [[None, *entry[1:]] for entry in entries]
        is_(what, found, expected)
        row = f"SELECT status FROM usulan WHERE lower(hex(_id)) = '{record.hex()}'"
        status = district.query(row)[0][0]
        is_(f"{what}: status", status, "diajukan" if wanted else "diterima")
        say(f"{what}: {wanted or 'diterima'}")


if len(sys.argv) > 1:
    name, record, person = sys.argv[1], *(bytes.fromhex(x.replace("-", "")) for x in sys.argv[2:])
    stranger = district.join(client, "36.04.26", "TKSK")
    print(endorse(stranger, record, proposal(name, person)))
    sys.exit(0)

here, there = (district.join(client, name, "TKSK") for name in ("36.04.27", "36.04.28"))
at = Proposals(here)
at.sign("signed by its TKSK", "")
at.sign("another text than was signed", "tolak_tanpa_ttd", over={"isi": {"uraian": "motor"}})
at.sign("another recipient", "tolak_tanpa_ttd", over={"penerima": [os.urandom(16)]})
at.sign("signed by the TKSK of another kecamatan", "tolak_wilayah", signer=there.author)
at.sign("a KUBE of one person", "tolak_skema", jenis="kube", sptjm=[os.urandom(32), 9, "a/b"])
at.sign("a kind that needs a meeting", "tolak_musyawarah", jenis="dtsen_hapus")
