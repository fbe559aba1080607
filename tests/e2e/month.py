"""What the people of month.sh do: month.py STEP [OFFICE…]. Each step is a function of that name,
here or in month_end.py."""
import subprocess
import sys
import uuid

from district import B, W, Failed, check, hub, hub_json, is_, until_true
import month_end
from month_people import (
    CUT_OFF,
    DISTRICT,
    LATE,
    LIMIT_S,
    LOAD,
    MONTH,
    PASSED_ON,
    PASSPHRASE,
    POWER,
    REFUSED,
    TAKEN,
    at_the_district,
    comes_to,
    day,
    enter,
    everywhere,
    fields_of_hub,
    fields_of_record,
    month,
    move,
    new,
    officer,
    proof,
    same,
    sees,
    status,
    through_power_cuts,
    tksk,
    told,
)


def offices(*codes):
    villages = {}
    with open("hub/policy/wilayah.csv", encoding="utf-8") as file:
        for line in file:
            code = line.split(",")[0]
            if len(code) == 13:
                villages.setdefault(code[:8], code)
    for place, code in enumerate(codes):
        month.offices[code] = {"village": villages[code], "place": place}


def announce():
    ident = enter(
        "Kepala Bidang",
        DISTRICT,
        "pengumuman",
        judul="Batas usulan bulan ini",
        isi="Usulan yang dihitung bulan ini sudah di Dinas pada tanggal 17 pukul 16.00.",
        berlaku_dari=day(1),
        wajib_baca="ya",
        wilayah=DISTRICT,
    )

    def reads(at):
        until_true(LIMIT_S, f"{at}: the announcement", lambda: status(at)["unread"] == 1)
        tksk(at, "lihat", ident)
        is_(f"{at}: unread", status(at)["unread"], 0)

    def assigned(at):
        month.offices[at]["assignment"] = enter(
            "Kepala Bidang",
            DISTRICT,
            "penugasan",
            peran="tksk",
            nama=f"TKSK {at}",
            kode_wilayah=at,
            no_sk=f"SK/{at}/2026",
            tgl_sk="2026-01-02",
            berlaku_dari="2026-01-01",
            berlaku_sampai="2030-12-31",
            sumber_dana="apbn",
        )

    everywhere(reads)
    everywhere(assigned)
    # The receipt of an office whose SK is late waits with all its work.
    readers = len(month.offices) - 1
    until_true(
        LIMIT_S,
        "receipts of the announcement",
        lambda: hub_json("cakupan", ident)["read"] == readers,
    )
    month.offices[LATE]["announcement"] = ident


def collect():
    def people(at):
        mine = month.offices[at]
        made = subprocess.run(
            [f"{B}/tests/gen/people", "--seed", str(mine["place"] + 1), "--count", "5"]
            + ["--area", at, "--profile", "clean", "--collection", "orang"],
            capture_output=True,
            text=True,
            check=True,
        )
        path = f"{W}/{at}/orang.csv"
        with open(path, "w", encoding="utf-8") as file:
            file.write(made.stdout)
        imported = subprocess.run(
            [f"{B}/tkskctl", "--socket", f"{W}/{at}/admin.sock", "import", "orang", path],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )
        check(imported.returncode in (0, 1), f"{at}: import: {imported.stderr}")
        mine["people"], mine["families"] = [], []
        for i in range(5 if mine["place"] % 5 == 4 else 2):
            head = new(at, "orang", nama=f"Kepala Keluarga {i + 1}", jk="P")
            family = new(
                at,
                "keluarga",
                no_kk=f"{at.replace('.', '')}0101100{i:03}",
                kepala=head,
                alamat=f"Kp. Baru {i + 1}",
                rt="001",
                rw="002",
                kode_desa=mine["village"],
            )
            mine["people"].append(head)
            mine["families"].append(family)
        if mine["place"] % 7 == 3:
            new_draft = tksk(at, "isi", "orang", "nama=Ani", "jk=P", "tgl_lahir=40 Maret", "--draf")
            check("D-1" in new_draft, f"{at}: no draft: {new_draft}")
            mine["drafts"] = 1

    everywhere(people)


def deliberate():
    minutes = proof("berita-acara.jpg", "berita acara bercap")
    roles = ["kades", "rt", "rw", "bpd", "babinsa", "kpm", "psm"]
    those = "|".join(f"nama=Warga {r};unsur={r};hadir=true" for r in roles)

    def meets(at):
        mine = month.offices[at]
        until_true(LIMIT_S, f"{at}: its assignment", lambda: sees(at, mine["assignment"]))
        meeting = new(
            at,
            "musyawarah",
            tingkat="desa",
            tanggal=day(5),
            tempat="Balai Desa",
            peserta=those,
            fasilitator=mine["assignment"],
            kode_desa=mine["village"],
        )
        tksk(at, "ubah", meeting, "status=berlangsung")
        for family in mine["families"]:
            new(
                at,
                "musyawarah_hasil",
                musyawarah=meeting,
                subjek=family,
                program="sembako",
                putusan="layak",
            )
        tksk(at, "ubah", meeting, "status=sah", f"berita_acara={minutes}")
        mine["meeting"] = meeting

    everywhere(meets)


def deciles():
    """Of an office whose SK is late nothing has arrived yet."""

    def ranked(at):
        if at == LATE:
            return
        at_the_district(month.offices[at]["families"])
        for family in month.offices[at]["families"][:2]:
            officer("ubah", family, "desil=4", f"desil_periode={MONTH}")

    everywhere(ranked)


def not_signed(at, kind, date, receiver, why, **fields):
    """Refused at the office already: what is not signed is not handed in."""
    ident = propose_one(at, kind, date, [receiver], "uraian=lansia", **fields)
    with month.lock:
        del month.handed_in[ident]
    try:
        tksk(at, "--lang", "id", "sign", ident, *PASSPHRASE)
    except Failed as failed:
        check(why in str(failed), f"{at}: not '{why}': {failed}")
    else:
        raise Failed(f"{at}: signed {kind} of {date}")


def propose_one(at, kind, date, receivers, content, fate=TAKEN, **fields):
    """A proposal, not signed yet."""
    ident = new(
        at,
        "usulan",
        jenis=kind,
        tgl_usulan=date,
        pengusul="jenis=desa|nama=Desa Baru",
        penerima="|".join(receivers),
        isi=content,
        diketahui_tksk="true",
        **fields,
    )
    move(at, ident, "draf", "diajukan")
    month.hand_in(at, kind, date, ident, fate)
    return ident


def sign(at, idents):
    """One passphrase for all of them. Signed before the power went: not once more."""

    def signs():
        left = [i for i in idents if fields_of_record(at, i)["status"] == "diajukan"]
        if left:
            tksk(at, "sign", *left, *PASSPHRASE)

    through_power_cuts(f"{at}: signs", signs)


def propose():
    photos = "|".join(proof(f"rumah-{i}.jpg", f"rumah, foto {i}") for i in range(6))
    letter = proof("sptjm.jpg", "surat pernyataan")

    def proposes(at):
        mine = month.offices[at]
        meeting = {"musyawarah": mine["meeting"]}
        first, second = mine["families"][:2]
        made = [
            # decile 4 is within the limit of that day
            propose_one(at, "sembako", day(10), [first], "uraian=tidak ada penghasilan", **meeting),
            propose_one(at, "dtsen_baru", day(10), [second], "uraian=belum terdata", **meeting),
        ]
        if mine["place"] % 6 == 5:
            not_signed(at, "pkh", day(11), second, "perlu hasil musyawarah yang sah")
        if len(mine["families"]) >= 5:
            house = "status_tanah=milik_sendiri|luas=36|biaya=15000000|uraian=atap bocor"
            made.append(
                propose_one(
                    at,
                    "rtlh",
                    day(10),
                    mine["families"],
                    house,
                    foto=photos,
                    sptjm=letter,
                    **meeting,
                )
            )
            group = "usaha=warung|rab=modal|biaya=20000000|rekening_kelompok=0123456789"
            made.append(
                propose_one(
                    at, "kube", day(10), mine["people"], group + "|anggota_memenuhi=true", **meeting
                )
            )
        sign(at, made)
        mine["proposals"] = made

    everywhere(proposes)


def last_work():
    """Of the former TKSK, while the link is down; it arrives after the hand-over."""
    at = PASSED_ON
    mine = month.offices[at]
    last = propose_one(at, "alat_bantu", day(11), mine["people"][:1], "uraian=kursi roda")
    sign(at, [last])
    mine["last"] = [last, new(at, "orang", nama="Sebelum Serah Terima", jk="P")]


def taken_over():
    at = PASSED_ON
    until_true(LIMIT_S, f"{at}: sends the last work", lambda: status(at)["queued"] == 0)
    is_("the last proposal", fields_of_hub(month.offices[at]["last"][0])["status"], "diterima")
    try:
        tksk(at, "isi", "orang", "nama=Sesudah", "jk=P", f"kode_kec={at}")
    except Failed as failed:
        check("exit 1" in str(failed), str(failed))
    else:
        raise Failed("the former TKSK still enters")
    month.offices[at]["tksk"] = "Penerus"


def contest():
    """A meeting of the office that is cut off; nobody can tell it."""
    meeting = month.offices[CUT_OFF]["meeting"]
    at_the_district([meeting])
    officer("ubah", meeting, "status=digugat", "alasan_gugatan=daftar hadir diragukan")


def write_rules(path):
    """The limit of Sembako from the 15th on; all other limits as they are."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    start = text.index("table desil_maks")
    end = text.index("\n}\n", start)
    version = f"""
    version '{day(15)}' {{ basis = 'Keputusan Menteri (bulan ini)'
        row pbi_jkn {{ value = 5 }}
        row pkh {{ value = 4 }}
        row sembako {{ value = 3 }}
    }}"""
    later = text.find("version '2026-01-01'", start, end)
    check(later > 0 and day(15) > "2026-01-01", "the table of limits has other versions now")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text[:end] + version + text[end:])


def early(at):
    """The first two days: the proposals that are to be signed."""
    mine = month.offices[at]
    meeting, family = {"musyawarah": mine["meeting"]}, mine["families"][1]
    new(at, "orang", nama="Warga Baru 1", jk="L", ciri="rambut putih")
    counted(at)
    new(
        at,
        "kegiatan",
        jenis="pendataan",
        fungsi="koordinasi",
        tanggal=day(15),
        lokasi="Kantor Desa",
    )
    counted(at)
    made = [propose_one(at, "alat_bantu", day(16), mine["people"][:1], "uraian=kursi roda")]
    if at in (CUT_OFF, LATE):
        # One has not heard of the new limit; of the other's families nobody knows a decile.
        made.append(
            propose_one(at, "sembako", day(16), [family], "uraian=hamil", fate_at(at), **meeting)
        )
    elif at != POWER:
        not_signed(at, "sembako", day(16), family, "Desil penerima di atas batas", **meeting)
    counted(at)
    return made


def fate_at(at):
    """An office that is cut off cannot know that its meeting is contested: what builds on it is
    refused by the district."""
    return REFUSED if at == CUT_OFF else TAKEN


def last_hours(at, made):
    mine = month.offices[at]
    family = [mine["families"][1]]
    # What is dated before the 15th goes by the limit of its own day, whenever it is entered.
    for kind, date in (("sembako", day(14)), ("pbi_jkn", day(17))):
        meeting = mine["meeting"]
        made.append(
            propose_one(at, kind, date, family, "uraian=sakit", fate_at(at), musyawarah=meeting)
        )
    sign(at, made)
    mine["proposals"] += made
    visit(at, day(17), usulan=mine["proposals"][0], foto=proof("kunjungan.jpg", "kunjungan"))
    counted(at)
    complaint = new(
        at,
        "pengaduan",
        kategori="agen",
        tgl_pengaduan=day(17),
        uraian="agen tutup",
        bidang_tujuan="linjamsos",
    )
    month.hand_in(at, "pengaduan", day(17), complaint)
    flood = new(
        at,
        "kejadian",
        jenis="bencana_alam",
        waktu=f"{day(17)} 15:30",
        pelapor="nama=Ahmad Fauzi|unsur=psm",
        uraian="banjir merendam rumah",
        korban="l=2|p=3",
    )
    move(at, flood, "dilaporkan", "dikonfirmasi_tksk")
    move(at, flood, "dikonfirmasi_tksk", "diteruskan")
    month.hand_in(at, "kejadian", day(17), flood)
    for i in range(LOAD - 9):
        new(at, "orang", nama=f"Warga Terakhir {i + 1}", jk="P")
        counted(at)


def counted(at):
    """Seen by month.sh, which takes the power away in the middle."""
    with open(f"{W}/{at}/entered", "a", encoding="utf-8") as file:
        file.write(".\n")


def visit(at, date, **whom):
    new(
        at,
        "verifikasi",
        tgl_kunjungan=date,
        lat="-6.04",
        lon="106.37",
        keberadaan="ditemukan",
        hasil="layak",
        **whom,
    )


def rush():
    """The three days before the cut-off: four entries, then all others in the last hours."""

    def enters(at):
        last_hours(at, early(at))
        if at == CUT_OFF:  # the district changes the same field, meanwhile
            tksk(at, "ubah", month.offices[at]["people"][0], "status_hidup=pindah")

    officer("ubah", month.offices[CUT_OFF]["people"][0], "status_hidup=meninggal")
    everywhere(enters)


def settle(*words):
    """All that was entered is at the hub; but OFFICE: except there."""
    for at in [DISTRICT, *month.offices]:
        if at not in words:
            until_true(LIMIT_S, f"{at}: sends all", lambda: status(at)["queued"] == 0)


def taken_at_hub():
    rows = hub_json(
        "query",
        "SELECT lower(hex(_id)) FROM usulan WHERE status = 'diterima' "
        f"AND tgl_usulan BETWEEN '{day(1)}' AND '{day(17)}'",
    )["rows"]
    return {str(uuid.UUID(row["cells"][0])) for row in rows if "cells" in row}


def proposals(fate, but=()):
    return {
        ident
        for ident, one in month.handed_in.items()
        if one["fate"] == fate
        and one["kind"] not in ("pengaduan", "kejadian")
        and not (one["at"] in but and ident not in month.offices[one["at"]].get("early", []))
    }


def draw():
    # Of the office that is cut off, what it handed in before; of the one without an SK, nothing.
    month.offices[CUT_OFF]["early"] = [
        i for i in month.of(CUT_OFF) if month.handed_in[i]["day"] < day(12)
    ]
    wanted = proposals(TAKEN, but=(CUT_OFF, LATE))
    same("drawn on the 18th", taken_at_hub(), wanted)
    month.offices[CUT_OFF]["journal"] = hub_json("status")["journal"]


def returned():
    """All that lay at the office came, what is urgent before everything else."""
    before = month.offices[CUT_OFF]["journal"]
    lanes = [
        row["cells"][0]
        for row in hub_json(
            "query",
            f"SELECT lane FROM tksk_txn WHERE node = '{CUT_OFF}' AND number > {before} "
            "ORDER BY number",
        )["rows"]
        if "cells" in row
    ]
    check(len(set(lanes)) > 1 and lanes == sorted(lanes), f"lanes of the burst: {lanes}")
    same("with what came in a burst", taken_at_hub(), proposals(TAKEN, but=(LATE,)))
    until_true(LIMIT_S, "two values of one field", lambda: hub_json("status")["conflicts"] == 1)


def released():
    comes_to("with what waited for an SK", taken_at_hub, proposals(TAKEN))
    announcement = month.offices[LATE]["announcement"]
    until_true(
        LIMIT_S,
        "all receipts of the announcement",
        lambda: hub_json("cakupan", announcement)["read"] == len(month.offices),
    )
    for at in month.offices:
        comes_to(f"refused, as {at} is told", lambda: told(at), month.of(at, REFUSED))


def answer():
    """Two of five are approved, one refused, one returned; one waits, verified."""

    def decides(at):
        for turn, ident in enumerate(sorted(month.of(at, TAKEN))):
            kind = month.handed_in[ident]["kind"]
            if (turn + month.offices[at]["place"]) % 5 == 4:
                continue
            decision = ("disetujui", "ditolak", "dikembalikan", "disetujui", "disetujui")[turn % 5]
            more = [f"state={decision}"]
            if kind == "kejadian":
                decision, more = "ditangani", ["state=ditangani"]
            elif kind == "pengaduan":
                decision, more = "ditindaklanjuti", ["state=selesai", "jawaban=agen sudah ditegur"]
            else:
                officer("ubah", ident, "status=diverifikasi", "bidang_tujuan=linjamsos")
                if decision == "disetujui":
                    more.append("nilai_disetujui=1500000")
                else:
                    more.append("alasan=persyaratan belum lengkap")
            officer("disposisi", ident, f"decision={decision}", f"target={day(28)}", *more)
            with month.lock:
                month.answered[ident] = decision

    at_the_district(sorted(month.unanswered()))
    everywhere(decides)


def distribute():
    receipt = proof("terima.jpg", "tanda terima bercap")

    def recipient(at, date):
        mine = month.offices[at]
        return enter(
            "Kepala Bidang",
            DISTRICT,
            "kpm",
            keluarga=mine["families"][0],
            pengurus=mine["people"][0],
            program="sembako",
            tgl_penetapan=date,
            kode_kec=at,
        )

    def aids(at):
        mine = month.offices[at]
        kpm = recipient(at, day(12))
        officer("ubah", kpm, "status_kepesertaan=aktif")
        if mine["place"] % 6 == 1:  # decided after the 15th: decile 4 is over the limit
            other = recipient(at, day(16))
            try:
                officer("--lang", "id", "ubah", other, "status_kepesertaan=aktif")
            except Failed as failed:
                check("Desil keluarga di atas batas" in str(failed), str(failed))
            else:
                raise Failed(f"{at}: a decile over the limit of its day")
        until_true(LIMIT_S, f"{at}: its recipient", lambda: sees(at, kpm))
        visit(at, day(24), kpm=kpm)
        for i, date in enumerate((day(24), day(25))):
            aid = new(
                at,
                "penyaluran",
                kpm=kpm,
                program="sembako",
                periode=f"{MONTH[:5]}{i + 1:02}",
                bentuk="uang",
                nilai="200000",
                satuan="rupiah",
            )
            if i == 0:
                tksk(
                    at,
                    "ubah",
                    aid,
                    "status=tersalur",
                    f"tgl={date}",
                    "titik=Kantor Desa",
                    f"bukti={receipt}",
                )
            else:
                tksk(at, "ubah", aid, "status=gagal", "alasan_gagal=saldo_nol")

    everywhere(aids)


if __name__ == "__main__":
    STEP, *WORDS = sys.argv[1:]
    if STEP == "offices":
        offices(*WORDS)
    else:
        month.load()
        try:
            (globals().get(STEP) or getattr(month_end, STEP))(*WORDS)
        except Failed as failed:
            sys.exit(f"month.py {STEP}: {failed}")
    month.save()
