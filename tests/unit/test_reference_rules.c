/* What the rules of the reference policy do with records as people make them, asked as the hub
 * asks: it knows everything and decides. */
#include "tests/unit/reference_rules_fixture.h"

/* --- meetings -------------------------------------------------------------------------------- */

#define SEVEN                                                                                      \
    "nama=A;unsur=kades;hadir=true|nama=B;unsur=rt;hadir=true|nama=C;unsur=rw;hadir=true"          \
    "|nama=D;unsur=kpm;hadir=true|nama=E;unsur=bpd;hadir=true|nama=F;unsur=psm;hadir=true"
#define PAPER                                                                                      \
    "0000000000000000000000000000000000000000000000000000000000000001 5000 application/pdf"

static void a_meeting_is_settled_with_its_quorum_and_its_minutes(void **state)
{
    (void)state;
    set(1, "musyawarah",
        "tingkat=desa\ntanggal=2026-11-20\nstatus=berlangsung\n"
        "peserta=" SEVEN "|nama=G;unsur=operator;hadir=false");
    refused("TV", 1, "status=sah", ERR_REQUIRED, "musyawarah.berita_acara");
    refused("TV", 1, "status=sah\nberita_acara=" PAPER, ERR_RULE, "musyawarah.kuorum_tercapai");
    finished(1);
    assert_string_equal(put_text[0], "kuorum=tidak");
    set(1, "musyawarah",
        "tingkat=desa\ntanggal=2026-11-20\nstatus=berlangsung\n"
        "peserta=" SEVEN "|nama=G;unsur=operator;hadir=true");
    taken("TV", 1, "status=sah\nberita_acara=" PAPER);
    refused("DM", 1, "status=sah\nberita_acara=" PAPER, ERR_AUTHORITY, "musyawarah.berita_acara");
    finished(1);
    assert_string_equal(put_text[0], "kuorum=ya");

    set(1, "musyawarah", "tingkat=desa\ntanggal=2026-11-23\nstatus=dijadwalkan\npeserta=" SEVEN);
    refused("TV", 1, "status=berlangsung", ERR_RULE, "musyawarah.musyawarah_di_depan");
}

static void what_a_settled_meeting_decided_stays(void **state)
{
    (void)state;
    set(1, "musyawarah", "status=berlangsung\ntanggal=2026-11-20\ntempat=Balai Desa");
    set(2, "orang", "nama=Ani");
    set(3, "musyawarah_hasil", "musyawarah=@1\nsubjek=@2\nputusan=layak");
    begun("TV", "musyawarah_hasil", "musyawarah=@1\nsubjek=@2\nprogram=pkh\nputusan=layak");
    taken("TV", 3, "putusan=tunda");

    set(1, "musyawarah", "status=sah\ntanggal=2026-11-20\ntempat=Balai Desa");
    not_begun("TV", "musyawarah_hasil", "musyawarah=@1\nsubjek=@2\nprogram=pkh\nputusan=layak",
              ERR_RULE, "musyawarah_hasil.musyawarah_sah");
    refused("TV", 3, "putusan=tunda", ERR_RULE, "musyawarah_hasil.musyawarah_sah");
    assert_int_equal(ask("TV", OP_DELETE, 3, "musyawarah_hasil", "", TODAY), ERR_RULE);
    refused("TV", 1, "tempat=Kantor Desa", ERR_FROZEN, "musyawarah.tempat");
    assert_int_equal(ask("TV", OP_DELETE, 1, "musyawarah", "", TODAY), ERR_FROZEN);
    refused("TV", 1, "status=digugat", ERR_WORKFLOW, "musyawarah.status");
    taken("DM", 1, "status=digugat\nalasan_gugatan=warga tidak diundang");
}

/* --- proposals ------------------------------------------------------------------------------- */

#define HOUSES "@2|@3|@4|@5|@6"
#define PHOTO(n)                                                                                   \
    "000000000000000000000000000000000000000000000000000000000000000" n " 90000 image/jpeg"
#define RTLH                                                                                       \
    "jenis=rtlh\ntgl_usulan=2026-11-10\npengusul=jenis=desa|nama=Desa Sukamaju\n"                  \
    "diketahui_tksk=ya\nmusyawarah=@1\nsptjm=" PAPER "\nfoto=" PHOTO("1") "|" PHOTO(               \
        "2") "|" PHOTO("3") "|" PHOTO("4") "|" PHOTO("5") "|" PHOTO("6") "\nstatus=diajukan\n"
#define RTLH_CONTENT "isi=status_tanah=milik_sendiri|luas=36|biaya=15000000\n"
#define SIGNED                                                                                     \
    "status=ditandatangani\nttd_tksk=7/3/1795000000000/"                                           \
    "00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000" \
    "000000000000000000000000000000000000"

static void proposal(const char *lines)
{
    set(1, "musyawarah", "status=sah");
    for (size_t i = 2; i < 7; i++)
        set(i, "keluarga", "desil=5");
    set(7, "usulan", lines);
}

static void five_reasons_keep_a_proposal_from_the_district(void **state)
{
    (void)state;
    proposal(RTLH RTLH_CONTENT "penerima=" HOUSES);
    taken("TV", 7, SIGNED);
    signature_says = SIGNATURE_NONE;
    refused("TV", 7, SIGNED, ERR_RULE, "usulan.tolak_tanpa_ttd");
    signature_says = SIGNATURE_ENDED;
    refused("TV", 7, SIGNED, ERR_RULE, "usulan.tolak_kunci_dicabut");
    signature_says = SIGNATURE_AREA;
    refused("TV", 7, SIGNED, ERR_RULE, "usulan.tolak_wilayah");
    signature_says = SIGNATURE_OK;
    refused("TV", 7, SIGNED "\ndiketahui_tksk=tidak", ERR_RULE, "usulan.tolak_tanpa_ttd");
    refused("TV", 7, SIGNED "\npenerima=@2|@3", ERR_RULE, "usulan.tolak_skema");
    refused("TV", 7, SIGNED "\nisi=status_tanah=milik_sendiri|luas=36|biaya=15000001", ERR_RULE,
            "usulan.tolak_skema_rtlh");
    refused("TV", 7, SIGNED "\nisi=status_tanah=sewa|luas=36|biaya=9", ERR_RULE,
            "usulan.tolak_skema_rtlh");
    refused("TV", 7, SIGNED "\nisi=status_tanah=milik_sendiri|luas=36|biaya=9|pernah_dibantu=true",
            ERR_RULE, "usulan.tolak_skema_rtlh");
    refused("TV", 7, SIGNED "\nmusyawarah=\nsptjm=", ERR_RULE, "usulan.tolak_musyawarah");
    set(1, "musyawarah", "status=berlangsung");
    refused("TV", 7, SIGNED "\nsptjm=", ERR_RULE, "usulan.tolak_musyawarah");
    refused("TV", 7, "status=diterima", ERR_WORKFLOW, "usulan.status");
}

static void a_proposal_for_atensi_has_its_kind_assessment_and_service(void **state)
{
    (void)state;
#define ATENSI                                                                                     \
    "jenis=atensi\ntgl_usulan=2026-11-10\npengusul=jenis=desa|nama=X\ndiketahui_tksk=ya\n"         \
    "isi=uraian=anak terlantar\npenerima=@2\nstatus=diajukan\n"
    proposal(ATENSI);
    refused("TV", 7, SIGNED, ERR_RULE, "usulan.tolak_skema_atensi");
    proposal(ATENSI "atensi=jenis_ppks=AN|asesmen=sendiri|layanan=pengasuhan"); /* one of the 22 */
    refused("TV", 7, SIGNED, ERR_RULE, "usulan.tolak_skema_atensi");
    proposal(ATENSI "atensi=jenis_ppks=AT|layanan=pengasuhan");
    refused("TV", 7, SIGNED, ERR_RULE, "usulan.tolak_skema_atensi");
    proposal(ATENSI "atensi=jenis_ppks=AT|asesmen=sendiri|layanan=pengasuhan");
    taken("TV", 7, SIGNED);
}

static void the_hub_takes_what_is_whole(void **state)
{
    (void)state;
    proposal("jenis=lainnya\ntgl_usulan=2026-11-10\ndiketahui_tksk=ya\npenerima=@2\n" SIGNED);
    finished(7);
    assert_int_equal(put_count, 1);
    assert_string_equal(put_text[0], "status=diterima");
    set(7, "usulan", "jenis=rtlh\ntgl_usulan=2026-11-10\npenerima=@2\n" SIGNED);
    finished(7);
    assert_int_equal(put_count, 0);
}

static void decile_limits_go_by_the_day_of_the_proposal(void **state)
{
    (void)state;
#define SEMBAKO(day)                                                                               \
    "jenis=sembako\ntgl_usulan=" day "\npengusul=jenis=desa|nama=X\ndiketahui_tksk=ya\n"           \
    "musyawarah=@1\nisi=uraian=lansia\npenerima=@2|@3\nstatus=diajukan"
    proposal(SEMBAKO("2025-07-01"));
    taken("TV", 7, SIGNED);
    proposal(SEMBAKO("2026-07-01"));
    refused("TV", 7, SIGNED, ERR_RULE, "usulan.tolak_skema_desil");
    set(2, "keluarga", "desil=4");
    set(3, "keluarga", "alamat=Kp. Baru");
    taken("TV", 7, SIGNED);

    set(8, "kpm",
        "keluarga=@4\nprogram=sembako\ntgl_penetapan=2025-07-01\n"
        "status_kepesertaan=calon");
    taken("DM", 8, "status_kepesertaan=aktif");
    refused("DM", 8, "status_kepesertaan=aktif\ntgl_penetapan=2026-07-01", ERR_RULE,
            "kpm.batas_desil");
}

static void a_proposal_that_was_taken_is_the_districts(void **state)
{
    (void)state;
    proposal("jenis=lainnya\ntgl_usulan=2026-11-10\nisi=uraian=a\nstatus=diterima\n"
             "pengusul=jenis=desa|nama=Desa Sukamaju\n"
             "disposisi=waktu=2026-11-11;keputusan=diverifikasi");
    refused("TV", 7, "isi=uraian=b", ERR_FROZEN, "usulan.isi");
    refused("TV", 7, "status=diverifikasi", ERR_WORKFLOW, "usulan.status");
    taken("DM", 7, "status=diverifikasi");
    refused("DM", 7, "disposisi=waktu=2026-11-12;keputusan=lain", ERR_APPEND, "usulan.disposisi");
    taken("TV", 7, "status=batal");
    set(7, "usulan", "jenis=lainnya\npengusul=jenis=desa|nama=Desa Sukamaju\nstatus=diverifikasi");
    refused("TV", 7, "status=batal", ERR_WORKFLOW, "usulan.status");
    refused("DM", 7, "status=ditolak", ERR_REQUIRED, "usulan.alasan");
    taken("DM", 7, "status=dikembalikan\nalasan=foto kurang");
}

/* --- recipients and payments ----------------------------------------------------------------- */

static void the_korteks_counts_in_cash_and_food_programmes_only(void **state)
{
    (void)state;
    set(1, "kpm", "program=sembako\nstatus_rekening=belum");
    set(2, "kpm", "program=atensi\nstatus_rekening=belum");
    taken("K", 1, "no_kks=1234567890123456\nstatus_rekening=registrasi_bank");
    refused("K", 2, "no_kks=1234567890123456", ERR_AUTHORITY, "kpm.no_kks");
    refused("K", 2, "status_rekening=registrasi_bank", ERR_AUTHORITY, "kpm.status_rekening");
    set(3, "verifikasi", "kpm=@1\nkoordinator_cek=belum\nhasil=layak");
    taken("K", 3, "koordinator_cek=sesuai");
    refused("K", 3, "hasil=tidak_layak", ERR_FROZEN, "verifikasi.hasil");
    set(3, "verifikasi", "kpm=@2\nkoordinator_cek=belum\nhasil=layak");
    refused("K", 3, "koordinator_cek=sesuai", ERR_AUTHORITY, "verifikasi.koordinator_cek");
    begun("K", "laporan", "jenis=bansos_korteks\nperiode=2026-11\ntujuan=kadis\nstatus=draf");
    not_begun("K", "laporan", "jenis=pmks_psks\nperiode=2026-11\ntujuan=kadis", ERR_AUTHORITY,
              "laporan.jenis");
    begun("K", "pesan_forum", "isi=Jadwal sudah keluar\nkanal=umum");
}

static void accounts_and_memberships_go_their_ways(void **state)
{
    (void)state;
    begun("DM", "kpm", "program=pkh\nstatus_kepesertaan=calon\nstatus_rekening=belum");
    not_begun("DM", "kpm", "program=pkh\nstatus_kepesertaan=aktif", ERR_WORKFLOW,
              "kpm.status_kepesertaan");
    set(1, "kpm", "program=pkh\nstatus_kepesertaan=calon\nstatus_rekening=belum");
    refused("DM", 1, "status_kepesertaan=aktif", ERR_RULE, "kpm.komponen_pkh");
    taken("DM", 1, "status_kepesertaan=aktif\nkomponen=sd|lansia");
    refused("TV", 1, "status_rekening=aktif", ERR_WORKFLOW, "kpm.status_rekening");
    taken("TV", 1, "status_rekening=registrasi_bank");
    set(1, "kpm", "program=pkh\nstatus_kepesertaan=ditangguhkan");
    refused("DM", 1, "status_kepesertaan=keluar", ERR_REQUIRED, "kpm.alasan_keluar");
    taken("DM", 1, "status_kepesertaan=keluar\nalasan_keluar=mampu");
    set(1, "kpm", "program=pkh\nstatus_kepesertaan=keluar");
    refused("DM", 1, "status_kepesertaan=aktif\nkomponen=sd", ERR_WORKFLOW,
            "kpm.status_kepesertaan");
}

static void a_visit_is_told_once(void **state)
{
    (void)state;
    set(1, "kpm", "program=sembako");
#define VISIT                                                                                      \
    "tgl_kunjungan=2026-11-20\nlat=-6.1\nlon=106.2\nkeberadaan=ditemukan\nkoordinator_cek=belum\n"
    begun("TV", "verifikasi", VISIT "kpm=@1\nhasil=layak");
    assert_true(warns("verifikasi.foto"));
    not_begun("TV", "verifikasi", VISIT "hasil=layak", ERR_RULE, "verifikasi.sasaran_kunjungan");
    not_begun("TV", "verifikasi", VISIT "kpm=@1\nhasil=tidak_layak", ERR_RULE,
              "verifikasi.alasan_tidak_layak");
    begun("TV", "verifikasi", VISIT "kpm=@1\nhasil=tidak_layak\nalasan=mampu");
    assert_int_equal(
        ask("TV", OP_CREATE, 0, "verifikasi", VISIT "kpm=@1\nhasil=layak", "2026-11-19"), ERR_RULE);
    assert_string_equal(found.thing, "verifikasi.kunjungan_di_depan");
    set(2, "verifikasi", VISIT "kpm=@1\nhasil=layak");
    refused("TV", 2, "hasil=perlu_musyawarah", ERR_FROZEN, "verifikasi.hasil");
    assert_int_equal(ask("TV", OP_DELETE, 2, "verifikasi", "", TODAY), ERR_FROZEN);
    taken("DM", 2, "padan=padan");
}

static void a_payment_has_its_proof(void **state)
{
    (void)state;
    set(1, "kpm", "program=sembako\nstatus_kepesertaan=aktif");
    set(2, "penyaluran",
        "kpm=@1\nprogram=sembako\nbentuk=uang\nsatuan=rupiah\nnilai=600000\n"
        "rincian=bulan=3\nstatus=dijadwalkan\nsumber=apbn");
    refused("TV", 2, "status=tersalur\ntgl=2026-11-20\ntitik=Kantor Desa", ERR_REQUIRED,
            "penyaluran.bukti");
    taken("TV", 2, "status=tersalur\ntgl=2026-11-20\ntitik=Kantor Desa\nbukti=" PHOTO("1"));
    assert_int_equal(warned.count, 0);
    taken("TV", 2, "nilai=500000\nrincian=");
    assert_true(warns("penyaluran.nilai"));
    refused("TV", 2, "status=gagal", ERR_REQUIRED, "penyaluran.alasan_gagal");
    refused("TV", 2, "program=pkh", ERR_RULE, "penyaluran.program_kpm");
    refused("TV", 2, "satuan=kg", ERR_RULE, "penyaluran.satuan_uang");
    refused("TV", 2, "kpm=", ERR_RULE, "penyaluran.penerima_penyaluran");
    begun("TV", "penyaluran",
          "subjek=@1\nprogram=lokal\nbentuk=sembako\nsatuan=paket\nnilai=1\nsumber=perorangan\n"
          "status=tersalur\ntgl=2026-11-20\ntitik=rumah\nbukti=" PHOTO("1"));
}

static void the_allowance_is_that_of_its_month_and_deductions_are_counted(void **state)
{
    (void)state;
    set(1, "penugasan", "peran=tksk\nsumber_dana=apbn");
#define MONTH(day) "penugasan=@1\nperiode=2026-11\ntgl_periode=" day "\nsumber=apbn\n"
    begun("DM", "tali_asih", MONTH("2026-11-01") "nilai_hak=700000\nstatus=dianggarkan");
    not_begun("DM", "tali_asih", MONTH("2026-11-01") "nilai_hak=500000", ERR_RULE,
              "tali_asih.nilai_hak_tabel");
    begun("DM", "tali_asih", MONTH("2015-03-01") "nilai_hak=250000\nstatus=dianggarkan");
    begun("DM", "tali_asih",
          MONTH("2026-11-01") "nilai_hak=700000\npotongan=nama=Iuran;nilai=50000");
    assert_true(warns("tali_asih.potongan"));
    set(2, "tali_asih",
        MONTH("2026-11-01") "nilai_hak=700000\nstatus=dibayar\n"
                            "potongan=nama=PPh;nilai=35000;dasar_hukum=UU|nama=Iuran;nilai=50000");
    finished(2);
    assert_string_equal(put_text[0], "nilai_terima=615000");
    refused("TV", 2, "status=disengketakan", ERR_REQUIRED, "tali_asih.alasan_sengketa");
    taken("TV", 2, "status=disengketakan\nalasan_sengketa=iuran tanpa dasar");
    taken("TV", 2, "status=dikonfirmasi\nkonfirmasi_tksk=2026-11-22");
    refused("DM", 2, "status=dikonfirmasi", ERR_WORKFLOW, "tali_asih.status");
}

/* --- the rest -------------------------------------------------------------------------------- */

static void work_is_told_within_a_week(void **state)
{
    (void)state;
    set(1, "kegiatan", "jenis=penyuluhan\ntanggal=2026-11-15\nhasil=baik");
    taken("TV", 1, "hasil=baik sekali");
    set(1, "kegiatan", "jenis=penyuluhan\ntanggal=2026-11-14\nhasil=baik");
    refused("TV", 1, "hasil=baik sekali", ERR_RULE, "kegiatan.tujuh_hari");
    refused("TV", 1, "tanggal=2026-11-20", ERR_RULE, "kegiatan.tujuh_hari");
    assert_int_equal(ask("TV", OP_DELETE, 1, "kegiatan", "", TODAY), ERR_RULE);
    not_begun("TV", "kegiatan", "jenis=bimtek\ntanggal=2026-11-20", ERR_RULE,
              "kegiatan.bimtek_versi");
    begun("TV", "kegiatan", "jenis=bimtek\ntanggal=2026-11-20\nversi_aturan=4");
}

static void numbers_of_clients_stay_out_of_what_everybody_reads(void **state)
{
    (void)state;
    not_begun("TV", "pesan_forum", "isi=NIK 3604 2941 0190 0001 belum padan", ERR_RULE,
              "pesan_forum.tanpa_nomor_pribadi");
    begun("TV", "pesan_forum", "isi=Rapat 22-11-2026 09.00-12.00, ruang 2");
    not_begun("DM", "pengumuman", "judul=Data\nisi=3604294101900001", ERR_RULE,
              "pengumuman.tanpa_nomor_pribadi");
}

static void incidents_name_who_told_them(void **state)
{
    (void)state;
    begun("TV", "kejadian", "jenis=kebakaran\npelapor=nama=Udin|unsur=psm\nstatus=dilaporkan");
    not_begun("TV", "kejadian", "jenis=kebakaran\npelapor=unsur=psm", ERR_RULE,
              "kejadian.pelapor_lengkap");
    not_begun("TV", "kejadian", "jenis=kebakaran\npelapor=nama=Udin|unsur=camat", ERR_RULE,
              "kejadian.pelapor_lengkap");
    set(1, "kejadian", "status=dilaporkan\npelapor=nama=Udin|unsur=psm");
    refused("TV", 1, "status=palsu", ERR_REQUIRED, "kejadian.alasan");
    taken("TV", 1, "status=dikonfirmasi_tksk");
    refused("DM", 1, "status=dikonfirmasi_tksk", ERR_WORKFLOW, "kejadian.status");
}

static void deadlines_are_counted(void **state)
{
    (void)state;
    set(1, "pengaduan", "kategori=petugas\ntgl_pengaduan=2026-11-20\nstatus=masuk");
    finished(1);
    assert_string_equal(put_text[0], "batas_waktu=2026-12-04");
    set(1, "permintaan_subjek", "diterima_pada=2026-11-20 09:00\nstatus=masuk");
    finished(1);
    assert_string_equal(put_text[0], "batas=2026-11-23T02:00:00Z");
}

static void ages_and_consent_warn_and_never_refuse(void **state)
{
    (void)state;
    set(1, "orang", "nama=Ani\ntgl_lahir=2015-01-01");
    begun("TV", "ppks", "subjek=@1\njenis=LUT\ntgl_pendataan=2026-11-20\nstatus=terdata");
    assert_true(warns("ppks.jenis") && warns("ppks.persetujuan"));
    begun("TV", "ppks",
          "subjek=@1\njenis=AT\ntgl_pendataan=2026-11-20\npersetujuan=wali\nstatus=terdata");
    assert_int_equal(warned.count, 0);
    set(2, "ppks", "subjek=@1\nstatus=dilayani");
    refused("TV", 2, "status=keluar", ERR_REQUIRED, "ppks.alasan_keluar");
    refused("TV", 2, "status=keluar\nalasan_keluar=ganda", ERR_RULE, "ppks.ganda_perlu_gabung");
    taken("TV", 2, "status=keluar\nalasan_keluar=mandiri");
    taken("TV", 1, "status_rekaman=dihapus\nalasan_status=salah masuk");
    refused("TV", 1, "status_rekaman=dihapus", ERR_RULE, "orang.alasan_status_perlu");
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup(name, start)
    const struct CMUnitTest tests[] = {
        CASE(a_meeting_is_settled_with_its_quorum_and_its_minutes),
        CASE(what_a_settled_meeting_decided_stays),
        CASE(five_reasons_keep_a_proposal_from_the_district),
        CASE(a_proposal_for_atensi_has_its_kind_assessment_and_service),
        CASE(the_hub_takes_what_is_whole),
        CASE(decile_limits_go_by_the_day_of_the_proposal),
        CASE(a_proposal_that_was_taken_is_the_districts),
        CASE(the_korteks_counts_in_cash_and_food_programmes_only),
        CASE(accounts_and_memberships_go_their_ways),
        CASE(a_visit_is_told_once),
        CASE(a_payment_has_its_proof),
        CASE(the_allowance_is_that_of_its_month_and_deductions_are_counted),
        CASE(work_is_told_within_a_week),
        CASE(numbers_of_clients_stay_out_of_what_everybody_reads),
        CASE(incidents_name_who_told_them),
        CASE(deadlines_are_counted),
        CASE(ages_and_consent_warn_and_never_refuse),
    };
    return cmocka_run_group_tests(tests, open_policy, close_policy);
}
