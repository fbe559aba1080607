#include "common/tkskctl/screen.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>

#include "common/tkskctl/ctl.h"

#define LINE_BYTES_MAX 1024

void screen_line(FILE *out, enum paint paint, size_t width, const char *fmt, ...)
{
    char line[LINE_BYTES_MAX];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(line, sizeof(line), fmt, args);
    va_end(args);
    (void)fputs(paint_begin(paint), out);
    text_wrap(out, line, 2, width);
    (void)fputs(paint_end(paint), out);
}

/* --- the next command ----------------------------------------------------------------------- */

/* What daemons write in capitals, as a person would fill it in. */
static const char *place_of(const char *word)
{
    static const struct {
        const char *en, *id;
    } places[] = { { "INVITE", "UNDANGAN" }, { "NAME", "NAMA" },   { "NODE", "KANTOR" },
                   { "CODE", "KODE" },       { "FILE", "BERKAS" }, { "DIR", "DIREKTORI" } };
    for (size_t i = 0; say_lang_now() == LANG_ID && i < COUNT_OF(places); i++) {
        if (strcmp(places[i].en, word) == 0)
            return places[i].id;
    }
    return word;
}

void screen_next(FILE *out, const json_t *done, size_t width)
{
    char text[256], line[512];
    const char *words[16];
    size_t count = 0, used = 0;
    if (!maybe_text_of(done, "next"))
        return;
    (void)snprintf(text, sizeof(text), "%s", text_of(done, "next"));
    for (char *rest = text, *word; (word = strsep(&rest, " ")) && count < COUNT_OF(words);)
        words[count++] = word;
    (void)snprintf(line, sizeof(line), "%s", tr("Next:", "Berikutnya:"));
    const struct command *command = count > 1 ? command_find(words + 1, count - 1, &used) : NULL;
    bool alias = command && command->alias && say_lang_now() == LANG_ID;
    for (size_t i = 0; i < count; i++) {
        size_t len = strlen(line);
        if (alias && i >= 1 && i <= used) {
            if (i == 1)
                (void)snprintf(line + len, sizeof(line) - len, " %s", command->alias);
            continue;
        }
        (void)snprintf(line + len, sizeof(line) - len, " %s", place_of(words[i]));
    }
    screen_line(out, PAINT_HEAD, width, "%s", line);
}

/* --- rows of labelled lists ----------------------------------------------------------------- */

void screen_number(struct table *table, const char *label, const json_t *done, const char *key)
{
    char number[SAY_NUMBER_MAX];
    if (!json_is_integer(json_object_get(done, key)))
        return;
    say_number(number_of(done, key), number);
    table_label(table, label, number);
}

void screen_some(struct table *table, const char *label, const json_t *done, const char *key,
                 enum paint paint)
{
    if (number_of(done, key) == 0)
        return;
    screen_number(table, label, done, key);
    table_paint(table, 1, paint);
}

void screen_size(struct table *table, const char *label, const json_t *done, const char *key)
{
    char size[SAY_SIZE_MAX];
    if (!json_is_integer(json_object_get(done, key)))
        return;
    say_size((uint64_t)number_of(done, key), size);
    table_label(table, label, size);
}

void screen_time(struct table *table, const char *label, const json_t *done, const char *key)
{
    char time_text[SAY_TIME_MAX];
    if (!maybe_text_of(done, key))
        return;
    say_time(text_of(done, key), time_text);
    table_label(table, label, time_text);
}

/* --- an office ------------------------------------------------------------------------------ */

static const char *number_text(const json_t *done, const char *key)
{
    static char texts[8][SAY_NUMBER_MAX];
    static unsigned turn;
    char *text = texts[turn++ % COUNT_OF(texts)];
    say_number(number_of(done, key), text);
    return text;
}

/* "1 record", "3,672 records", "3.672 catatan". */
static const char *records_text(const json_t *done, const char *key)
{
    static char texts[4][SAY_NUMBER_MAX + 16];
    static unsigned turn;
    char *text = texts[turn++ % COUNT_OF(texts)];
    (void)snprintf(text, sizeof(texts[0]), "%s %s", number_text(done, key),
                   number_of(done, key) == 1 ? tr("record", "catatan") : tr("records", "catatan"));
    return text;
}

static const char *answers_text(const json_t *done, const char *key)
{
    static char texts[4][SAY_NUMBER_MAX + 16];
    static unsigned turn;
    char *text = texts[turn++ % COUNT_OF(texts)];
    (void)snprintf(text, sizeof(texts[0]), "%s %s", number_text(done, key),
                   number_of(done, key) == 1 ? tr("answer", "jawaban") : tr("answers", "jawaban"));
    return text;
}

/* Before an office may work there is only one thing to say. */
static bool not_enrolled(FILE *out, const json_t *done, size_t width)
{
    const char *enrolment = text_of(done, "enrolment");
    if (strcmp(enrolment, "approved") == 0 || enrolment[0] == '\0')
        return false;
    if (strcmp(enrolment, "waiting") == 0)
        screen_line(out, PAINT_WAIT, width, "%s",
                    tr("Waiting for the district office to approve this office.",
                       "Menunggu persetujuan Dinas untuk kantor ini."));
    else if (strcmp(enrolment, "refused") == 0)
        screen_line(out, PAINT_BAD, width, "%s",
                    tr("The district office refused this office; ask for a new invite.",
                       "Dinas menolak kantor ini; mintalah undangan baru."));
    else
        screen_line(out, PAINT_WAIT, width, "%s",
                    tr("This machine does not belong to an office yet.",
                       "Komputer ini belum terdaftar sebagai kantor."));
    return true;
}

/* The first line answers the question that most people have. */
static void link_line(FILE *out, const json_t *done, size_t width)
{
    const char *standing = text_of(done, "standing"), *text;
    enum paint paint = PAINT_WAIT;
    char since[SAY_TIME_MAX], linked[96], refused[256];
    say_time(maybe_text_of(done, "linked_since"), since);
    (void)snprintf(linked, sizeof(linked), tr("linked since %s.", "tersambung sejak %s."), since);
    if (strcmp(standing, "quarantined") == 0) {
        paint = PAINT_BAD;
        text = tr("two machines speak for this office, so the district office keeps what comes "
                  "from here for review. Nothing is lost; call the district office.",
                  "dua komputer memakai nama kantor ini, jadi kirimannya ditahan untuk diperiksa, "
                  "tidak hilang. Hubungi Dinas.");
    } else if (strcmp(standing, "waiting") == 0) {
        text = tr("the district office takes nothing at present. Entering goes on; what is stored "
                  "here goes by itself later.",
                  "Dinas sedang tidak menerima. Mengisi tetap bisa; yang tersimpan nanti terkirim "
                  "sendiri.");
    } else if (truth_of(done, "linked")) {
        paint = PAINT_GOOD;
        text = linked;
    } else if (maybe_text_of(done, "last_refusal")) {
        paint = PAINT_WAIT;
        (void)snprintf(refused, sizeof(refused),
                       tr("no link now; the district office last said: %s. If that stays so, call "
                          "it; entering goes on.",
                          "belum tersambung; kata Dinas terakhir: %s. Bila tetap begitu, hubungi "
                          "Dinas; mengisi tetap bisa."),
                       text_of(done, "last_refusal"));
        text = refused;
    } else {
        text = tr("no link now; entering goes on.", "belum tersambung; mengisi tetap bisa.");
    }
    screen_line(out, paint, width, tr("Office %s: %s", "Kantor %s: %s"), text_of(done, "node"),
                text);
}

/* "Since yesterday 16:02: 245 records arrived, 246 answers (2 rejected)." */
static void news_line(FILE *out, const json_t *done, size_t width)
{
    static const char *const kinds[] = { "rejected", "held", "quarantined" };
    const json_t *news = json_object_get(done, "news");
    char since[SAY_TIME_MAX], sorts[256] = "";
    if (!json_is_object(news))
        return;
    say_time(maybe_text_of(news, "since"), since);
    if (number_of(news, "answers") == 0 && number_of(news, "arrived") == 0) {
        screen_line(out, PAINT_NONE, width,
                    tr("Since %s no new answers.", "Sejak %s belum ada jawaban baru."), since);
        return;
    }
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        size_t used = strlen(sorts);
        if (number_of(news, kinds[i]) > 0)
            (void)snprintf(sorts + used, sizeof(sorts) - used, "%s%s %s", used ? ", " : "",
                           number_text(news, kinds[i]), say_state_short(kinds[i]));
    }
    screen_line(out, number_of(news, "rejected") > 0 ? PAINT_WAIT : PAINT_NONE, width,
                tr("Since %s: %s arrived at the district office, %s came%s%s%s.",
                   "Sejak %s: %s sudah sampai di Dinas, %s datang%s%s%s."),
                since, records_text(news, "arrived"), answers_text(news, "answers"),
                sorts[0] ? " (" : "", sorts, sorts[0] ? ")" : "");
}

/* ", ± 40 minutes with this link"; empty when nothing waits. */
static void forecast_text(const json_t *done, char *ret, size_t cap)
{
    char span[SAY_TIME_MAX];
    ret[0] = '\0';
    if (number_of(done, "queued") == 0)
        return;
    if (!json_is_integer(json_object_get(done, "forecast_s"))) {
        (void)snprintf(
            ret, cap, "%s",
            tr("; how long sending takes is not known yet", "; lama pengiriman belum diketahui"));
        return;
    }
    say_span((uint64_t)number_of(done, "forecast_s"), span);
    (void)snprintf(ret, cap,
                   truth_of(done, "linked")
                       ? tr(", %s with this link", ", %s dengan sinyal ini")
                       : tr(", %s once there is a link", ", %s setelah tersambung"),
                   span);
}

static void queue_line(FILE *out, const json_t *done, size_t width)
{
    char forecast[160];
    if (number_of(done, "queued") == 0) {
        if (number_of(done, "accepted") + number_of(done, "superseded") +
                number_of(done, "rejected") + number_of(done, "held") +
                number_of(done, "quarantined") + number_of(done, "parked") >
            0)
            screen_line(out, PAINT_GOOD, width, "%s",
                        number_of(done, "to_countersign") > 0
                            ? tr("All that was signed here has arrived at the district office.",
                                 "Semua yang sudah ditandatangani di sini sudah sampai di Dinas.")
                        : number_of(done, "drafts") > 0
                            ? tr("All that was entered here, drafts aside, has arrived at the "
                                 "district office.",
                                 "Semua yang diisi di sini, selain draf, sudah sampai di Dinas.")
                            : tr("All that was entered here has arrived at the district office.",
                                 "Semua yang diisi di sini sudah sampai di Dinas."));
        return;
    }
    forecast_text(done, forecast, sizeof(forecast));
    screen_line(out, PAINT_WAIT, width,
                tr("%s stored here, not sent yet%s.", "%s tersimpan di netbook, belum terkirim%s."),
                records_text(done, "queued"), maybe_text_of(done, "cutoff") ? "" : forecast);
}

static void cutoff_line(FILE *out, const json_t *done, size_t width)
{
    char when[SAY_TIME_MAX], forecast[160];
    int64_t queued = number_of(done, "queued"), left_s = number_of(done, "cutoff_left_s");
    const json_t *takes = json_object_get(done, "forecast_s");
    if (!maybe_text_of(done, "cutoff")) {
        /* Nobody knows what day it is; the rule is known all the same. */
        if (json_is_integer(json_object_get(done, "cutoff_day")))
            screen_line(out, PAINT_NONE, width,
                        tr("Cut-off: day %d of every month, %02d:%02d.",
                           "Batas: tanggal %d setiap bulan, pukul %02d.%02d."),
                        (int)number_of(done, "cutoff_day"), (int)number_of(done, "cutoff_hour"),
                        (int)number_of(done, "cutoff_minute"));
        return;
    }
    say_time(text_of(done, "cutoff"), when);
    forecast_text(done, forecast, sizeof(forecast));
    if (queued == 0) {
        screen_line(out, PAINT_NONE, width,
                    tr("Cut-off %s; nothing left to send.", "Batas %s; semua sudah terkirim."),
                    when);
        return;
    }
    bool late = json_is_integer(takes) && json_integer_value(takes) > left_s;
    screen_line(out, late ? PAINT_BAD : PAINT_WAIT, width,
                tr("Cut-off %s; %s left%s%s.", "Batas %s; sisa %s%s%s."), when,
                records_text(done, "queued"), forecast,
                late ? tr(": too late for it, look for a better link",
                          ": tidak sempat, carilah sinyal yang lebih baik")
                     : "");
}

/* A dead clock battery is told, and stops nothing. */
static void clock_line(FILE *out, const json_t *done, size_t width)
{
    const json_t *off = json_object_get(done, "clock_off_s");
    char now[SAY_TIME_MAX];
    if (strcmp(text_of(done, "clock"), "wrong") != 0)
        return;
    say_time(maybe_text_of(done, "now"), now);
    if (json_is_integer(off))
        screen_line(out, PAINT_WAIT, width,
                    tr("The netbook's clock is wrong: at the district office it is %s. Entering "
                       "and sending go on; please set the clock.",
                       "Jam netbook salah: menurut Dinas sekarang %s. Mengisi dan mengirim tetap "
                       "jalan; mohon jamnya disetel."),
                    now);
    else
        screen_line(out, PAINT_WAIT, width, "%s",
                    tr("The netbook's clock is wrong; without a link nobody knows the time. "
                       "Entering goes on; please set the clock.",
                       "Jam netbook salah, dan tanpa sambungan waktu tidak diketahui. Mengisi "
                       "tetap bisa; mohon jamnya disetel."));
}

static int64_t load_percent(const json_t *load)
{
    int64_t to = number_of(load, "to");
    return to > 0 ? number_of(load, "number") * 100 / to : 0;
}

void screen_load(struct table *table, const char *label, const json_t *done)
{
    const json_t *load = json_object_get(done, "load");
    char text[32];
    if (!json_is_object(load))
        return;
    (void)snprintf(text, sizeof(text), "%" PRId64 " %%", load_percent(load));
    table_label(table, label, text);
    table_paint(table, 1, PAINT_WAIT);
}

/* "Loading records: 3.200 are here (62 %)." */
static void load_line(FILE *out, const json_t *done, size_t width)
{
    const json_t *load = json_object_get(done, "load");
    if (json_is_object(load) && !truth_of(done, "locked"))
        screen_line(out, PAINT_WAIT, width,
                    tr("Loading records: %s are here (%" PRId64 " %%). Entering goes on.",
                       "Memuat catatan: %s sudah di sini (%" PRId64 " %%). Mengisi tetap bisa."),
                    number_text(done, "records"), load_percent(load));
    if (number_of(done, "lost") > 0)
        screen_line(out, PAINT_WAIT, width,
                    tr("The former netbook had %s entries that never arrived at the district "
                       "office.",
                       "Netbook yang lama menyimpan %s kiriman yang tidak pernah sampai di "
                       "Dinas."),
                    number_text(done, "lost"));
}

static void node_figures(FILE *out, const json_t *done, size_t width)
{
    struct table table;
    table_open(&table, 2, NULL);
    table_label(&table, tr("district", "kabupaten/kota"), maybe_text_of(done, "district"));
    screen_number(&table, tr("operators", "petugas"), done, "operators");
    screen_number(&table, tr("records here", "catatan di sini"), done, "records");
    screen_some(&table, tr("drafts", "draf"), done, "drafts", PAINT_WAIT);
    screen_some(&table, tr("on their way", "sedang dikirim"), done, "in_flight", PAINT_NONE);
    screen_number(&table, say_state("accepted"), done, "accepted");
    screen_some(&table, say_state("superseded"), done, "superseded", PAINT_NONE);
    screen_some(&table, say_state("rejected"), done, "rejected", PAINT_NONE);
    screen_some(&table, say_state("held"), done, "held", PAINT_WAIT);
    screen_some(&table, say_state("quarantined"), done, "quarantined", PAINT_WAIT);
    screen_some(&table, tr("of these, waiting for an SK", "di antaranya menunggu SK"), done,
                "awaiting_term", PAINT_WAIT);
    screen_some(&table, say_state("parked"), done, "parked", PAINT_NONE);
    screen_number(&table, say_state("safe"), done, "safe");
    /* Own values that wait are among them, and said already. */
    if (number_of(done, "conflicts") > number_of(done, "held"))
        screen_some(&table, tr("open conflicts", "isian berbeda"), done, "conflicts", PAINT_WAIT);
    screen_size(&table, tr("queue", "antrean"), done, "queued_bytes");
    screen_number(&table, tr("roster version", "versi daftar petugas"), done, "trust_version");
    screen_number(&table, tr("policy version", "versi kebijakan"), done, "rules_version");
    table_label(&table, tr("last refusal", "penolakan terakhir"),
                maybe_text_of(done, "last_refusal"));
    screen_size(&table, tr("free disk space", "sisa ruang disk"), done, "disk_free_bytes");
    (void)fputc('\n', out);
    table_print(&table, out, width);
    table_close(&table);
}

/* "3 jawaban Dinas baru; 2 berkas belum dijawab lewat batas." */
static void answered_line(FILE *out, const json_t *done, size_t width)
{
    int64_t late = number_of(done, "unanswered_late");
    if (number_of(done, "replies_new") > 0)
        screen_line(out, PAINT_WAIT, width,
                    tr("%s of your submissions were answered or moved on (tkskctl attention).",
                       "%s berkas sudah ditindaklanjuti Dinas (tkskctl perhatian)."),
                    number_text(done, "replies_new"));
    if (late > 0)
        screen_line(out, PAINT_BAD, width,
                    tr("%s submissions are not answered in time (tkskctl unanswered).",
                       "%s berkas belum dijawab, lewat batas (tkskctl belum-dijawab)."),
                    number_text(done, "unanswered_late"));
    else if (number_of(done, "unanswered") > 0)
        screen_line(out, PAINT_NONE, width,
                    tr("%s submissions wait for an answer.", "%s berkas menunggu jawaban."),
                    number_text(done, "unanswered"));
}

/* What waits for a second signature, and whether anybody can give it. */
static void countersign_line(FILE *out, const json_t *done, size_t width)
{
    const char *missing = maybe_text_of(done, "countersigner_missing");
    if (number_of(done, "to_countersign_mine") > 0)
        screen_line(out, PAINT_WAIT, width,
                    tr("%s entries wait for your signature (tkskctl countersign).",
                       "%s isian menunggu tanda tangan Anda (tkskctl tandatangan)."),
                    number_text(done, "to_countersign_mine"));
    else if (number_of(done, "to_countersign") > 0)
        screen_line(out, PAINT_WAIT, width,
                    tr("%s changes are stored here and wait for a countersignature.",
                       "%s perubahan tersimpan di sini dan menunggu tanda tangan."),
                    number_text(done, "to_countersign"));
    if (missing)
        screen_line(out, PAINT_BAD, width,
                    tr("Nobody at this office may countersign (%s); the district office appoints "
                       "them.",
                       "Di kantor ini belum ada yang boleh ikut menandatangani (%s); Dinas yang "
                       "menunjuk."),
                    missing);
}

/* Terms that end soon, or have ended: the SK takes longer to get than a warning to read. */
static void terms_line(FILE *out, const json_t *done, size_t width)
{
    size_t index;
    json_t *term;
    json_array_foreach(json_object_get(done, "terms"), index, term) {
        if (number_of(term, "days") < 0)
            screen_line(out, PAINT_BAD, width,
                        tr("The term of %s ended on %s; new entries wait for an SK, none is lost.",
                           "Masa tugas %s sudah berakhir %s; isian baru menunggu SK, tidak "
                           "hilang."),
                        text_of(term, "name"), text_of(term, "until"));
        else
            screen_line(out, PAINT_WAIT, width,
                        tr("The term of %s (SK %s) ends on %s, in %s days.",
                           "Masa tugas %s (SK %s) berakhir %s, %s hari lagi."),
                        text_of(term, "name"), text_of(term, "sk"), text_of(term, "until"),
                        number_text(term, "days"));
    }
}

/* Who may not enter yet, and where their six words are. */
static void waiting_line(FILE *out, const json_t *done, size_t width)
{
    char names[256] = "";
    const json_t *waiting = json_object_get(done, "operators_waiting"), *name;
    size_t index;
    json_array_foreach(waiting, index, name) {
        size_t used = strlen(names);
        (void)snprintf(names + used, sizeof(names) - used, "%s%s", index ? ", " : "",
                       json_string_value(name));
    }
    if (names[0])
        screen_line(out, PAINT_WAIT, width,
                    tr("Waits for approval by the district office: %s. `tkskctl operator words "
                       "NAME` shows the six words to read out.",
                       "Menunggu persetujuan Dinas: %s. `tkskctl operator words NAMA` "
                       "menampilkan enam kata untuk dibacakan."),
                    names);
}

static void unread_line(FILE *out, const json_t *done, size_t width)
{
    if (number_of(done, "unread") > 0)
        screen_line(out, PAINT_BAD, width,
                    number_of(done, "unread") == 1
                        ? tr("%s announcement must be read (tkskctl announcements --unread).",
                             "%s pengumuman wajib dibaca (tkskctl pengumuman --unread).")
                        : tr("%s announcements must be read (tkskctl announcements --unread).",
                             "%s pengumuman wajib dibaca (tkskctl pengumuman --unread)."),
                    number_text(done, "unread"));
}

void screen_node(FILE *out, const json_t *done, size_t width)
{
    int64_t attention = number_of(done, "attention");
    say_now(maybe_text_of(done, "now"));
    if (!not_enrolled(out, done, width)) {
        link_line(out, done, width);
        if (truth_of(done, "locked"))
            screen_line(out, PAINT_WAIT, width, "%s",
                        tr("Locked: sending goes on, entering and reading wait for `tkskctl "
                           "unlock`.",
                           "Terkunci: pengiriman tetap jalan, mengisi dan membaca menunggu "
                           "`tkskctl buka`."));
        waiting_line(out, done, width);
        load_line(out, done, width);
        news_line(out, done, width);
        answered_line(out, done, width);
        queue_line(out, done, width);
        cutoff_line(out, done, width);
        terms_line(out, done, width);
        clock_line(out, done, width);
        countersign_line(out, done, width);
        unread_line(out, done, width);
        if (attention > 0)
            screen_line(out, PAINT_BAD, width,
                        attention == 1 ? tr("%s thing waits for you (tkskctl attention).",
                                            "%s hal menunggu Anda (tkskctl perhatian).")
                                       : tr("%s things wait for you (tkskctl attention).",
                                            "%s hal menunggu Anda (tkskctl perhatian)."),
                        number_text(done, "attention"));
        node_figures(out, done, width);
    }
    (void)fputc('\n', out);
    screen_next(out, done, width);
}
