/* What the people who do the work asked for, field by field, as they wrote it down: the reference
 * policy is held against it. Types as there: str(n), nik, kk, wil (area), date, ts (time), idr
 * (rupiah), int, float, num (one of the three), bool, enum, map, blob, sig, ref(a,b), [x]; "" where
 * nothing was said. `need`: "!" at the start. Letters of authority in any order. */
#pragma once

struct domain_field {
    const char *collection; /* "*": every one */
    const char *field;
    const char *type;
    const char *need;
    const char *sensitivity; /* "P/S": one of them */
    const char *authority;
    const char *codes; /* in force today; "" where nothing was said */
};

#define PROGRAM "pkh sembako rastra pbi_jkn atensi permakanan bltd blt_kesra lokal"

static const struct domain_field domain_fields[] = {
    { "*", "id", "id", "!", "U", "TKD", "" },
    { "*", "kode_kec", "wil", "!", "U", "TKD", "" },
    { "*", "kode_desa", "wil", "", "U", "TKD", "" },
    { "*", "dasar_pemrosesan", "enum", "!", "U", "TD",
      "tugas_publik persetujuan kepentingan_vital" },
    { "*", "persetujuan", "enum", "", "P", "T", "subjek orang_tua wali belum" },
    { "*", "retensi_sampai", "date", "", "U", "H", "" },
    { "*", "status_rekaman", "enum", "!", "U", "TDH", "aktif digabung dihapus dimusnahkan" },
    { "*", "alasan_status", "str(200)", "", "P", "TD", "" },

    { "wilayah", "kode", "wil", "!", "U", "D", "" },

    { "penugasan", "peran", "enum", "!", "U", "D",
      "tksk korteks operator_kec verifikator kabid kadis admin_ti pembaca_provinsi" },
    { "penugasan", "nama", "str(100)", "!", "P", "D", "" },
    { "penugasan", "kode_wilayah", "wil", "!", "U", "D", "" },
    { "penugasan", "no_sk", "str(60)", "!", "U", "D", "" },
    { "penugasan", "tgl_sk", "date", "!", "U", "D", "" },
    { "penugasan", "berlaku_dari", "date", "!", "U", "D", "" },
    { "penugasan", "berlaku_sampai", "date", "!", "U", "D", "" },
    { "penugasan", "sumber_dana", "enum", "", "U", "D", "apbn apbd_prov apbd_kab apbk" },
    { "penugasan", "unsur_asal", "enum", "", "P", "D", "psm karang_taruna lks lainnya" },
    { "penugasan", "status_kepegawaian", "enum", "", "P", "D", "relawan diusulkan_p3k p3k" },
    { "penugasan", "kunci_ttd", "str(64)", "!", "U", "D", "" },
    { "penugasan", "kunci_enkripsi", "str(64)", "!", "U", "D", "" },
    { "penugasan", "status", "enum", "!", "U", "D",
      "aktif cuti berakhir diganti diberhentikan kunci_bocor" },
    { "penugasan", "cabut_pada", "position", "", "U", "D", "" },

    { "kebijakan", "kunci", "str(60)", "!", "U", "DM", "" },

    { "orang", "nik", "nik", "", "P", "TD", "" },
    { "orang", "nik_status", "enum", "!", "P", "H",
      "belum_dicek valid_format format_salah ganda tidak_padan padan nonaktif sementara "
      "tidak_ada" },
    { "orang", "nik_lama", "[nik]", "", "P", "TH", "" },
    { "orang", "nama", "str(100)", "!", "P", "T", "" },
    { "orang", "jk", "enum", "!", "P", "T", "L P" },
    { "orang", "tempat_lahir", "str(60)", "", "P", "T", "" },
    { "orang", "tgl_lahir", "date", "", "S", "T", "" },
    { "orang", "tgl_lahir_presisi", "enum", "", "P", "T", "hari bulan tahun perkiraan" },
    { "orang", "nama_ibu_kandung", "str(100)", "", "S", "T", "" },
    { "orang", "status_hidup", "enum", "!", "P", "TD", "hidup meninggal tidak_ditemukan pindah" },
    { "orang", "tgl_meninggal", "date", "", "P", "T", "" },
    { "orang", "bukti_meninggal", "blob", "", "P", "T", "" },
    { "orang", "keluarga", "ref(keluarga)", "", "P", "T", "" },
    { "orang", "hubungan_kk", "enum", "", "P", "T",
      "kepala istri_suami anak menantu cucu orang_tua mertua famili lainnya" },
    { "orang", "disabilitas", "[enum]", "", "S", "T", "fisik intelektual mental sensorik ganda" },
    { "orang", "ciri", "str(300)", "", "S", "T", "" },
    { "orang", "digabung_ke", "ref(orang)", "", "P", "D", "" },

    { "keluarga", "no_kk", "kk", "", "P", "T", "" },
    { "keluarga", "no_kk_lama", "[kk]", "", "P", "TH", "" },
    { "keluarga", "kepala", "ref(orang)", "!", "P", "T", "" },
    { "keluarga", "alamat", "str(150)", "!", "P", "T", "" },
    { "keluarga", "rt", "str(3)", "!", "P", "T", "" },
    { "keluarga", "rw", "str(3)", "!", "P", "T", "" },
    { "keluarga", "lat", "float", "", "P", "T", "" },
    { "keluarga", "lon", "float", "", "P", "T", "" },
    { "keluarga", "akurasi_m", "float", "", "P", "T", "" },
    { "keluarga", "foto_rumah", "[blob]", "", "P", "T", "" },
    { "keluarga", "id_dtsen", "str(40)", "", "P", "MD", "" },
    { "keluarga", "desil", "1..10", "", "S", "M", "" },
    { "keluarga", "desil_periode", "str(7)", "", "S", "M", "" },
    { "keluarga", "kondisi_rumah", "map", "", "P", "T", "" },

    { "ppks", "subjek", "ref(orang,keluarga)", "!", "P", "T", "" },
    { "ppks", "jenis", "[enum]", "!", "R", "T",
      "ABT AT ABH AJ ADK AKTK AMPK LUT PD TS GEL PGM PML KM BWBP ODHIV NAPZA KTRF KTK PMBS KBA KBS "
      "PRSE FM KBSP KAT" },
    { "ppks", "kode_ver", "", "", "", "", "" },
    { "ppks", "tgl_pendataan", "date", "!", "U", "T", "" },
    { "ppks", "sumber", "enum", "!", "U", "T",
      "tksk psm karang_taruna desa masyarakat polisi dinsos" },
    { "ppks", "kondisi", "str(500)", "", "S", "T", "" },
    { "ppks", "kebutuhan", "[enum]", "!", "S", "T",
      "pangan alat_bantu kesehatan pengasuhan hunian dokumen modal pendidikan hukum "
      "rujukan_panti" },
    { "ppks", "layanan_diterima", "[ref(penyaluran,kasus)]", "", "S", "H", "" },
    { "ppks", "status", "enum", "!", "P", "TD", "terdata diverifikasi dilayani selesai keluar" },
    { "ppks", "alasan_keluar", "enum", "", "P", "T",
      "meninggal pindah tidak_memenuhi ganda mandiri" },

    { "psks", "jenis", "enum", "!", "U", "T",
      "PSP PSM TAGANA LKS KT LK3 KPI WKSBM WPKS PENSOS TKSK DU" },
    { "psks", "nama", "str(100)", "!", "P", "T", "" },
    { "psks", "kontak", "str(20)", "!", "P", "T", "" },
    { "psks", "orang", "ref(orang)", "", "P", "T", "" },
    { "psks", "badan_hukum", "str", "", "U", "TD", "" },
    { "psks", "no_izin", "str", "", "U", "TD", "" },
    { "psks", "masa_izin", "date", "", "U", "TD", "" },
    { "psks", "layanan", "[enum]", "", "U", "T", "" },
    { "psks", "jumlah_anggota", "int", "", "U", "T", "" },
    { "psks", "status", "enum", "!", "U", "T", "aktif tidak_aktif" },

    { "kpm", "keluarga", "ref", "!", "P", "T", "" },
    { "kpm", "pengurus", "ref", "!", "P", "T", "" },
    { "kpm", "program", "enum", "!", "U", "MD", PROGRAM },
    { "kpm", "no_peserta", "str(30)", "", "P", "M", "" },
    { "kpm", "komponen", "[enum]", "", "S", "TM",
      "bumil usia_dini sd smp sma disabilitas_berat lansia korban_ham_berat" },
    { "kpm", "no_kks", "str(16)", "", "S", "MK", "" },
    { "kpm", "bank", "enum", "", "S", "MK", "" },
    { "kpm", "no_rekening", "str(20)", "", "S", "MK", "" },
    { "kpm", "status_rekening", "enum", "", "S", "KT",
      "belum registrasi_bank dibuka kartu_dicetak kartu_diterima aktif gagal_cek dorman ditutup" },
    { "kpm", "status_kepesertaan", "enum", "!", "P", "MD",
      "calon aktif ditangguhkan exclude graduasi keluar" },
    { "kpm", "alasan_keluar", "enum", "", "P", "TD",
      "meninggal pindah ganda mampu tidak_ditemukan asn_tni_polri desil menolak" },
    { "kpm", "periode_terakhir", "str(7)", "", "U", "H", "" },

    { "verifikasi", "kpm", "ref", "!", "P", "TK", "" },
    { "verifikasi", "usulan", "ref", "!", "P", "TK", "" },
    { "verifikasi", "tgl_kunjungan", "date", "!", "P", "TK", "" },
    { "verifikasi", "lat", "float", "!", "P", "TK", "" },
    { "verifikasi", "lon", "float", "!", "P", "TK", "" },
    { "verifikasi", "keberadaan", "enum", "!", "P", "TK",
      "ditemukan pindah meninggal ganda tidak_dikenal" },
    { "verifikasi", "hasil", "enum", "!", "P", "TK", "layak tidak_layak perlu_musyawarah" },
    { "verifikasi", "alasan", "[enum]", "", "P", "T", "mampu aset penghasilan asn ganda menolak" },
    { "verifikasi", "padan", "enum", "", "P", "DM", "belum padan tidak_padan" },
    { "verifikasi", "foto", "[blob]", "", "P", "T", "" },
    { "verifikasi", "koordinator_cek", "enum", "", "U", "K", "belum sesuai ulang" },

    { "usulan", "jenis", "enum", "!", "U", "T",
      "rtlh kube dtsen_baru dtsen_ubah dtsen_hapus pkh sembako pbi_jkn atensi bencana alat_bantu "
      "lainnya" },
    { "usulan", "pengusul", "map", "!", "P", "T", "" },
    { "usulan", "penerima", "[ref(keluarga,orang)]", "!", "P", "T", "" },
    { "usulan", "isi", "map", "!", "S", "T", "" },
    { "usulan", "diketahui_tksk", "bool", "", "U", "T", "" },
    { "usulan", "ttd_tksk", "sig", "", "U", "T", "" },
    { "usulan", "musyawarah", "ref(musyawarah)", "", "U", "T", "" },
    { "usulan", "status", "enum", "!", "U", "TDMH",
      "draf diajukan ditandatangani diterima diverifikasi disetujui ditolak dikembalikan "
      "diteruskan ditetapkan tidak_ditetapkan direalisasi selesai batal" },
    { "usulan", "disposisi", "[map]", "", "U", "DM", "" },
    { "usulan", "bidang_tujuan", "enum", "", "U", "D",
      "rehsos kessos_pfm potensi_dayasos linjamsos" },
    { "usulan", "nilai_disetujui", "idr", "", "U", "D", "" },
    { "usulan", "nilai_realisasi", "idr", "", "U", "D", "" },
    { "usulan", "bukti_realisasi", "[blob]", "", "U", "T", "" },

    { "musyawarah", "tingkat", "enum", "!", "U", "V", "desa kelurahan" },
    { "musyawarah", "tanggal", "date", "!", "U", "V", "" },
    { "musyawarah", "tempat", "str", "!", "U", "V", "" },
    { "musyawarah", "peserta", "[map]", "!", "P", "V", "" },
    { "musyawarah", "kuorum", "bool", "!", "U", "H", "" },
    { "musyawarah", "berita_acara", "blob", "", "P", "V", "" },
    { "musyawarah", "fasilitator", "ref(penugasan)", "!", "U", "T", "" },
    { "musyawarah", "status", "enum", "!", "U", "TD", "dijadwalkan berlangsung sah batal digugat" },

    { "musyawarah_hasil", "musyawarah", "ref(musyawarah)", "!", "P", "V", "" },
    { "musyawarah_hasil", "subjek", "ref", "!", "P", "V", "" },
    { "musyawarah_hasil", "program", "", "!", "P", "V", "" },
    { "musyawarah_hasil", "putusan", "enum", "!", "P", "V", "layak tidak_layak tunda" },
    { "musyawarah_hasil", "alasan", "", "", "P", "V", "" },
    { "musyawarah_hasil", "keberatan", "", "", "P", "V", "" },

    { "penyaluran", "kpm", "ref", "!", "P", "TK", "" },
    { "penyaluran", "subjek", "ref", "!", "P", "TK", "" },
    { "penyaluran", "program", "enum", "!", "U", "TK", PROGRAM },
    { "penyaluran", "periode", "str(7)", "!", "U", "TK", "" },
    { "penyaluran", "sumber", "enum", "!", "U", "T",
      "apbn apbd dana_desa baznas csr perorangan ormas" },
    { "penyaluran", "bentuk", "enum", "!", "S", "TK", "uang beras_kg sembako alat jasa" },
    { "penyaluran", "nilai", "num", "!", "S", "TK", "" },
    { "penyaluran", "satuan", "", "!", "S", "TK", "" },
    { "penyaluran", "status", "enum", "!", "U", "TK",
      "dijadwalkan tersalur sebagian gagal dikembalikan" },
    { "penyaluran", "alasan_gagal", "enum", "", "P", "T",
      "tidak_hadir kartu_hilang saldo_nol rekening_blokir meninggal pindah mesin sinyal" },
    { "penyaluran", "tgl", "date", "", "P", "T", "" },
    { "penyaluran", "titik", "str", "", "P", "T", "" },
    { "penyaluran", "bukti", "[blob]", "", "P", "T", "" },

    { "pantauan_penyaluran", "titik", "", "!", "U", "T", "" },
    { "pantauan_penyaluran", "periode", "", "!", "U", "T", "" },
    { "pantauan_penyaluran", "jumlah_rencana", "num", "", "U", "T", "" },
    { "pantauan_penyaluran", "jumlah_tersalur", "num", "", "U", "T", "" },
    { "pantauan_penyaluran", "harga", "num", "", "U", "T", "" },
    { "pantauan_penyaluran", "kualitas", "enum", "", "U", "T", "" },
    { "pantauan_penyaluran", "jumlah_kilo", "num", "", "U", "T", "" },
    { "pantauan_penyaluran", "keluhan", "", "", "U", "T", "" },
    { "pantauan_penyaluran", "foto", "", "", "U", "T", "" },

    { "kejadian", "jenis", "enum", "!", "P/S", "T",
      "bencana_alam kebakaran kekerasan orang_terlantar odgj kematian keracunan konflik lainnya" },
    { "kejadian", "waktu", "ts", "!", "P/S", "T", "" },
    { "kejadian", "pelapor", "map", "!", "P/S", "T", "" },
    { "kejadian", "uraian", "", "!", "P/S", "T", "" },
    { "kejadian", "korban", "map", "", "P/S", "T", "" },
    { "kejadian", "kebutuhan_mendesak", "", "", "P/S", "T", "" },
    { "kejadian", "status", "enum", "", "P/S", "TD",
      "dilaporkan dikonfirmasi_tksk diteruskan ditangani selesai palsu" },

    { "kasus", "subjek", "ref", "!", "R", "T", "" },
    { "kasus", "asal", "ref(kejadian,ppks)", "", "R", "T", "" },
    { "kasus", "asesmen", "", "", "R", "T", "" },
    { "kasus", "rujukan_ke", "enum", "!", "R", "TD",
      "puskesmas rsud panti lks polisi dukcapil provinsi sentra_kemensos" },
    { "kasus", "status", "enum", "", "U", "TD",
      "dibuka asesmen dirujuk diterima ditolak dalam_layanan selesai ditutup" },
    { "kasus", "hasil", "", "", "R", "TD", "" },

    { "pengaduan", "kategori", "enum", "!", "R", "TD",
      "salah_sasaran tidak_menerima pemotongan data_salah petugas agen tali_asih lainnya" },
    { "pengaduan", "pelapor", "", "", "R", "TD", "" },
    { "pengaduan", "terhadap", "", "", "R", "TD", "" },
    { "pengaduan", "uraian", "", "!", "R", "TD", "" },
    { "pengaduan", "status", "enum", "", "U", "TD",
      "masuk klarifikasi tindak_lanjut selesai banding" },
    { "pengaduan", "batas_waktu", "date", "", "U", "H", "" },
    { "pengaduan", "jawaban", "", "", "R", "D", "" },

    { "kegiatan", "jenis", "enum", "!", "U/P", "T",
      "pendataan pendampingan penyuluhan bimbingan_sosial sosialisasi koordinasi "
      "fasilitasi_musdes pemantauan penyaluran bimtek relawan_bencana" },
    { "kegiatan", "fungsi", "enum", "!", "U/P", "T", "koordinasi fasilitasi administrasi" },
    { "kegiatan", "program", "", "", "U/P", "T", "" },
    { "kegiatan", "tanggal", "date", "!", "U/P", "T", "" },
    { "kegiatan", "lokasi", "", "!", "U/P", "T", "" },
    { "kegiatan", "peserta_jumlah", "int", "", "U/P", "T", "" },
    { "kegiatan", "mitra", "[ref(psks)]", "", "U/P", "T", "" },
    { "kegiatan", "hasil", "", "", "U/P", "T", "" },
    { "kegiatan", "foto", "[blob]", "", "U/P", "T", "" },

    { "lampiran", "hash", "", "!", "", "", "" },

    { "laporan", "jenis", "enum", "!", "U", "TKD",
      "bulanan_camat bulanan_dinsos bansos_korteks pmks_psks kinerja_tksk kejadian" },
    { "laporan", "periode", "", "!", "U", "TKD", "" },
    { "laporan", "dari_rev", "", "", "U", "TKD", "" },
    { "laporan", "isi", "blob", "", "U", "TKD", "" },
    { "laporan", "tujuan", "enum", "!", "U", "TKD", "camat kadis kemensos" },
    { "laporan", "tembusan", "[enum]", "", "U", "TKD", "dinsos_prov" },
    { "laporan", "status", "enum", "", "U", "TKD",
      "draf ditandatangani dikirim diterima dikembalikan" },
    { "laporan", "terima_pada", "", "", "U", "TKD", "" },

    { "tali_asih", "penugasan", "ref(penugasan)", "!", "S", "D", "" },
    { "tali_asih", "periode", "", "!", "S", "D", "" },
    { "tali_asih", "sumber", "enum", "!", "S", "D", "apbn apbd_prov apbd_kab" },
    { "tali_asih", "nilai_hak", "idr", "!", "S", "D", "" },
    { "tali_asih", "potongan", "[map]", "", "S", "D", "" },
    { "tali_asih", "nilai_terima", "idr", "", "S", "H", "" },
    { "tali_asih", "status", "enum", "", "S", "TD",
      "dianggarkan dibayar dikonfirmasi disengketakan" },
    { "tali_asih", "konfirmasi_tksk", "", "", "S", "T", "" },

    { "pengumuman", "judul", "", "", "", "DM", "" },
    { "pengumuman", "isi", "", "", "", "DM", "" },
    { "pengumuman", "lampiran", "", "", "", "DM", "" },
    { "pengumuman", "berlaku_dari", "date", "", "", "DM", "" },
    { "pengumuman", "sasaran", "[wil]", "", "", "DM", "" },
    { "pengumuman", "wajib_baca", "bool", "", "", "DM", "" },

    { "pesan_forum", "kanal", "", "", "", "TKD", "" },
    { "pesan_forum", "isi", "", "", "", "TKD", "" },
    { "pesan_forum", "balas_ke", "ref(pesan_forum)", "", "", "TKD", "" },
    { "pesan_forum", "penulis", "", "", "", "TKD", "" },

    { "tumpang_tindih", "jenis", "enum", "!", "", "H", "" },
    { "konflik", "rekaman", "", "!", "", "", "" },
    { "log_pemrosesan", "waktu", "", "", "", "H", "" },

    { "permintaan_subjek", "jenis", "enum", "", "", "", "akses perbaikan hapus tunda" },
    { "permintaan_subjek", "diterima_pada", "ts", "", "", "", "" },
    { "permintaan_subjek", "batas", "ts", "", "", "H", "" },
    { "permintaan_subjek", "status", "", "", "", "", "" },
    { "permintaan_subjek", "jawaban", "", "", "", "", "" },

    { "insiden_pdp", "diketahui_pada", "ts", "", "", "", "" },
    { "insiden_pdp", "batas", "ts", "", "", "H", "" },
    { "insiden_pdp", "data_terungkap", "", "", "", "", "" },
    { "insiden_pdp", "kapan_bagaimana", "", "", "", "", "" },
    { "insiden_pdp", "penanganan", "", "", "", "", "" },
    { "insiden_pdp", "subjek_terdampak", "", "", "", "", "" },
    { "insiden_pdp", "status", "", "", "", "", "" },
};

/* Codes that stand inside maps, or decide on others. */
static const struct {
    const char *list;
    const char *codes;
} domain_lists[] = {
    { "jenis_pengusul", "desa kelompok lks perorangan" },
    { "unsur_peserta", "kades rt rw bpd babinsa kpm psm tksk operator" },
    { "unsur_pelapor", "psm karang_taruna warga polisi" },
    { "foto_verifikasi", "rumah_depan dalam kpm_dengan_ktp" },
    { "program_bansos", "pkh sembako rastra bltd blt_kesra" },
};

/* Kinds whose knowledge would harm. */
static const char domain_restricted[] = "ABH AKTK TS KM BWBP ODHIV NAPZA KTRF KTK";
/* The kinds of before, 22. */
static const char domain_older_kinds[] =
    "ABT AT AN AJ WRSE KTK LUT PACA TS PGM GEL BWBP NAPZA KFM KBTLH KBSP KAT KBA KBS PMT ODHA KR";

/* What must be there when a state is entered. */
static const struct domain_need {
    const char *collection;
    const char *field;
    const char *state_field;
    const char *state;
} domain_needs[] = {
    { "*", "alasan_status", "status_rekaman", "dihapus" },
    { "*", "alasan_status", "status_rekaman", "digabung" },
    { "orang", "tgl_meninggal", "status_hidup", "meninggal" },
    { "orang", "bukti_meninggal", "status_hidup", "meninggal" },
    { "ppks", "alasan_keluar", "status", "keluar" },
    { "ppks", "digabung_ke", "status", "keluar" },
    { "kpm", "alasan_keluar", "status_kepesertaan", "keluar" },
    { "kpm", "alasan_keluar", "status_kepesertaan", "exclude" },
    { "kpm", "komponen", "status_kepesertaan", "aktif" },
    { "verifikasi", "alasan", "hasil", "tidak_layak" },
    { "verifikasi", "foto", "hasil", "layak" },
    { "usulan", "diketahui_tksk", "status", "ditandatangani" },
    { "usulan", "ttd_tksk", "status", "ditandatangani" },
    { "usulan", "ttd_tksk", "status", "diterima" },
    { "usulan", "musyawarah", "status", "diterima" },
    { "usulan", "alasan", "status", "ditolak" },
    { "usulan", "alasan", "status", "dikembalikan" },
    { "usulan", "nilai_disetujui", "status", "disetujui" },
    { "usulan", "nilai_realisasi", "status", "direalisasi" },
    { "usulan", "bukti_realisasi", "status", "selesai" },
    { "musyawarah", "berita_acara", "status", "sah" },
    { "penyaluran", "alasan_gagal", "status", "gagal" },
    { "penyaluran", "tgl", "status", "tersalur" },
    { "penyaluran", "titik", "status", "tersalur" },
    { "penyaluran", "bukti", "status", "tersalur" },
    { "pengaduan", "jawaban", "status", "selesai" },
    { "kegiatan", "foto", "jenis", "penyuluhan" },
};

/* The state machines: who moves from where to where. Where nothing was said of who, it is whoever
 * may write the state otherwise. "" is the beginning. */
static const struct domain_move {
    const char *collection;
    const char *field;
    const char *from; /* several, with spaces */
    const char *to;
    const char *letters;
} domain_moves[] = {
    { "usulan", "status", "", "draf", "T" },
    { "usulan", "status", "draf dikembalikan", "diajukan", "T" },
    { "usulan", "status", "diajukan", "ditandatangani", "T" },
    { "usulan", "status", "ditandatangani", "diterima", "H" },
    { "usulan", "status", "diterima", "diverifikasi", "D" },
    { "usulan", "status", "diverifikasi", "disetujui", "D" },
    { "usulan", "status", "diverifikasi", "ditolak", "D" },
    { "usulan", "status", "diverifikasi", "dikembalikan", "D" },
    { "usulan", "status", "disetujui", "diteruskan", "D" },
    { "usulan", "status", "diteruskan", "ditetapkan", "M" },
    { "usulan", "status", "diteruskan", "tidak_ditetapkan", "M" },
    { "usulan", "status", "disetujui ditetapkan", "direalisasi", "D" },
    { "usulan", "status", "direalisasi", "selesai", "T" },
    { "usulan", "status", "draf diajukan ditandatangani diterima", "batal", "T" },

    { "kpm", "status_kepesertaan", "", "calon", "DM" },
    { "kpm", "status_kepesertaan", "calon", "aktif", "M" },
    { "kpm", "status_kepesertaan", "aktif", "ditangguhkan", "D" },
    { "kpm", "status_kepesertaan", "ditangguhkan", "aktif", "D" },
    { "kpm", "status_kepesertaan", "ditangguhkan", "keluar", "D" },
    { "kpm", "status_kepesertaan", "aktif", "exclude", "M" },
    { "kpm", "status_kepesertaan", "aktif", "graduasi", "M" },
    { "kpm", "status_kepesertaan", "exclude", "aktif", "M" },

    { "kpm", "status_rekening", "", "belum", "KT" },
    { "kpm", "status_rekening", "belum", "registrasi_bank", "KT" },
    { "kpm", "status_rekening", "registrasi_bank", "dibuka", "KT" },
    { "kpm", "status_rekening", "dibuka", "kartu_dicetak", "KT" },
    { "kpm", "status_rekening", "kartu_dicetak", "kartu_diterima", "KT" },
    { "kpm", "status_rekening", "kartu_diterima", "aktif", "KT" },
    { "kpm", "status_rekening",
      "belum registrasi_bank dibuka kartu_dicetak kartu_diterima aktif dorman ditutup", "gagal_cek",
      "KT" },
    { "kpm", "status_rekening", "gagal_cek", "registrasi_bank", "KT" },
    { "kpm", "status_rekening", "aktif", "dorman", "KT" },
    { "kpm", "status_rekening", "dorman", "aktif", "KT" },
    { "kpm", "status_rekening", "dorman", "ditutup", "KT" },

    { "penyaluran", "status", "", "dijadwalkan", "KT" },
    { "penyaluran", "status", "dijadwalkan", "tersalur", "KT" },
    { "penyaluran", "status", "dijadwalkan", "sebagian", "KT" },
    { "penyaluran", "status", "dijadwalkan", "gagal", "KT" },
    { "penyaluran", "status", "gagal", "dijadwalkan", "KT" },
    { "penyaluran", "status", "gagal", "dikembalikan", "KT" },

    { "ppks", "status", "", "terdata", "T" },
    { "ppks", "status", "terdata", "diverifikasi", "D" },
    { "ppks", "status", "diverifikasi", "dilayani", "T" },
    { "ppks", "status", "dilayani", "selesai", "T" },
    { "ppks", "status", "terdata diverifikasi dilayani selesai", "keluar", "T" },

    { "kejadian", "status", "", "dilaporkan", "T" },
    { "kejadian", "status", "dilaporkan", "dikonfirmasi_tksk", "T" },
    { "kejadian", "status", "dilaporkan", "palsu", "T" },
    { "kejadian", "status", "dikonfirmasi_tksk", "diteruskan", "T" },
    { "kejadian", "status", "diteruskan", "ditangani", "D" },
    { "kejadian", "status", "ditangani", "selesai", "D" },
};
