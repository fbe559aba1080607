#include "common/tkskctl/say.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "common/must.h"

static enum lang lang_now = LANG_EN;

void say_lang(enum lang lang)
{
    lang_now = lang;
}

enum lang say_lang_now(void)
{
    return lang_now;
}

enum err say_choose(const char *option, enum lang *ret_lang)
{
    static const char *const variables[] = { "LC_ALL", "LC_MESSAGES", "LANG" };
    if (option) {
        bool id = strcmp(option, "id") == 0;
        if (!id && strcmp(option, "en") != 0)
            return ERR_USAGE;
        *ret_lang = id ? LANG_ID : LANG_EN;
        return OK;
    }
    *ret_lang = LANG_EN;
    for (size_t i = 0; i < COUNT_OF(variables); i++) {
        const char *value = getenv(variables[i]);
        if (!value || value[0] == '\0')
            continue;
        bool word_ends = value[0] == 'i' && value[1] == 'd' &&
                         (value[2] == '\0' || value[2] == '_' || value[2] == '.');
        *ret_lang = word_ends ? LANG_ID : LANG_EN;
        break;
    }
    return OK;
}

const char *tr(const char *en, const char *id)
{
    return lang_now == LANG_ID ? id : en;
}

struct word {
    const char *name;
    const char *text[2];
};

static const struct word words[] = {
    /* where a change is */
    { "queued", { "stored here, not sent yet", "tersimpan di netbook, belum terkirim" } },
    { "pending", { "stored here, not sent yet", "tersimpan di netbook, belum terkirim" } },
    { "sent", { "on its way", "sedang dikirim" } },
    { "to_countersign",
      { "stored here, waits for a countersignature",
        "tersimpan di netbook, menunggu tanda tangan" } },
    { "received", { "arrived at the district office", "sudah sampai di Dinas" } },
    { "confirmed", { "arrived at the district office", "sudah sampai di Dinas" } },
    { "safe", { "in a backup of the district office", "sudah dicadangkan Dinas" } },
    /* what became of it */
    { "accepted", { "accepted", "diterima" } },
    { "superseded",
      { "valid, but a later value stands", "sah, tetapi sudah ada nilai lebih baru" } },
    { "rejected", { "rejected", "ditolak" } },
    { "held", { "waits for a decision: two values", "menunggu keputusan: isian berbeda" } },
    { "quarantined", { "kept for review, not lost", "ditahan untuk diperiksa, tidak hilang" } },
    { "parked", { "waits for another record", "menunggu catatan lain" } },
    { "unreadable", { "unreadable here, kept", "tidak terbaca di sini, disimpan" } },
    { "deleted", { "deleted", "dihapus" } },
    { "conflict", { "two values", "isian berbeda" } },
    { "draft", { "draft", "draf" } },
    { "term", { "term of office", "masa tugas" } },
    { "answer", { "answered", "sudah dijawab" } },
    { "unread", { "not read yet", "belum dibaca" } },
    { "rules", { "new rules", "aturan baru" } },
    { "notice", { "notice", "pemberitahuan" } },
    /* offices and people */
    { "linked", { "linked", "tersambung" } },
    { "reopen", { "opens its queue anew", "membuka antrean baru" } },
    { "away", { "no link", "tidak tersambung" } },
    { "waiting", { "waits for approval", "menunggu persetujuan" } },
    { "approved", { "approved", "disetujui" } },
    { "refused", { "refused", "ditolak" } },
    { "ended", { "ended", "berakhir" } },
    { "never", { "never linked", "belum pernah tersambung" } },
    { "none", { "not enrolled", "belum terdaftar" } },
    { "active", { "active", "aktif" } },
    /* operations and lanes */
    { "create", { "entered", "diisi" } },
    { "update", { "changed", "diubah" } },
    { "first", { "first seen here", "pertama tampak di sini" } },
    { "delete", { "deleted", "dihapus" } },
    { "resolve", { "decided", "diputuskan" } },
    { "urgent", { "urgent", "mendesak" } },
    { "normal", { "normal", "biasa" } },
    { "bulk", { "bulk", "massal" } },
};

/* The same in a column of a table. */
static const struct word short_words[] = {
    { "queued", { "not sent yet", "belum terkirim" } },
    { "to_countersign", { "to be signed", "menunggu tanda tangan" } },
    { "pending", { "not sent yet", "belum terkirim" } },
    { "received", { "arrived", "sampai" } },
    { "confirmed", { "arrived", "sampai" } },
    { "safe", { "in a backup", "dicadangkan" } },
    { "superseded", { "a later value stands", "ada nilai lebih baru" } },
    { "held", { "two values", "isian berbeda" } },
    { "quarantined", { "kept for review", "ditahan, diperiksa" } },
    { "parked", { "waits for another", "menunggu catatan lain" } },
    { "waiting", { "to be approved", "menunggu persetujuan" } },
    { "away", { "no link", "tidak tersambung" } },
    { "never", { "never linked", "belum pernah" } },
};

static const char *find_word(const struct word *list, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(list[i].name, name) == 0)
            return list[i].text[lang_now == LANG_ID ? 1 : 0];
    }
    return NULL;
}

const char *say_state(const char *name)
{
    const char *text = name ? find_word(words, COUNT_OF(words), name) : "-";
    return text ? text : name;
}

const char *say_state_short(const char *name)
{
    const char *text = name ? find_word(short_words, COUNT_OF(short_words), name) : "-";
    return text ? text : say_state(name);
}

const char *say_waits_for(const char *reason)
{
    bool term = reason && (strcmp(reason, "term_ended") == 0 || strcmp(reason, "term_start") == 0);
    return term ? tr("waits for an SK", "menunggu SK") : NULL;
}

/* --- times ---------------------------------------------------------------------------------- */

#define DAY_S 86400

static bool zone_known;
static int zone_minutes;
static time_t now_given;

void say_zone(int utc_offset_minutes)
{
    zone_known = true;
    zone_minutes = utc_offset_minutes;
}

static bool parse_time(const char *rfc3339, time_t *ret_at)
{
    struct tm utc = { 0 };
    if (!rfc3339 || !strptime(rfc3339, "%Y-%m-%dT%H:%M:%S", &utc))
        return false;
    *ret_at = timegm(&utc);
    return true;
}

void say_now(const char *rfc3339)
{
    if (!parse_time(rfc3339, &now_given))
        now_given = 0;
}

static time_t now_here(void)
{
    return now_given != 0 ? now_given : time(NULL);
}

static bool to_local(time_t at, struct tm *ret_local)
{
    if (!zone_known)
        return localtime_r(&at, ret_local) != NULL;
    at += (time_t)zone_minutes * 60;
    return gmtime_r(&at, ret_local) != NULL;
}

/* Days from the day of `a` to that of `b`, as the calendar on the wall counts. */
static long days_between(const struct tm *a, const struct tm *b)
{
    struct tm noon_a = { .tm_year = a->tm_year, .tm_mon = a->tm_mon, .tm_mday = a->tm_mday };
    struct tm noon_b = { .tm_year = b->tm_year, .tm_mon = b->tm_mon, .tm_mday = b->tm_mday };
    return (long)((timegm(&noon_b) - timegm(&noon_a)) / DAY_S);
}

static const char *month_name(int month)
{
    static const char *const names[12][2] = {
        { "Jan", "Jan" }, { "Feb", "Feb" }, { "Mar", "Mar" }, { "Apr", "Apr" },
        { "May", "Mei" }, { "Jun", "Jun" }, { "Jul", "Jul" }, { "Aug", "Agu" },
        { "Sep", "Sep" }, { "Oct", "Okt" }, { "Nov", "Nov" }, { "Dec", "Des" },
    };
    must(month >= 0 && month < 12);
    return names[month][lang_now == LANG_ID ? 1 : 0];
}

void say_time(const char *rfc3339, char ret[SAY_TIME_MAX])
{
    struct tm local, today;
    time_t at;
    if (!parse_time(rfc3339, &at) || !to_local(at, &local) || !to_local(now_here(), &today)) {
        (void)snprintf(ret, SAY_TIME_MAX, "%.*s", SAY_TIME_MAX - 1, rfc3339 ? rfc3339 : "-");
        return;
    }
    char clock[16], day[24] = "";
    long days = days_between(&today, &local);
    (void)snprintf(clock, sizeof(clock), tr("%02d:%02d", "%02d.%02d"), local.tm_hour, local.tm_min);
    if (days == -1)
        (void)snprintf(day, sizeof(day), "%s ", tr("yesterday", "kemarin"));
    else if (days == 1)
        (void)snprintf(day, sizeof(day), "%s ", tr("tomorrow", "besok"));
    else if (days != 0 && local.tm_year == today.tm_year)
        (void)snprintf(day, sizeof(day), "%d %s ", local.tm_mday, month_name(local.tm_mon));
    else if (days != 0)
        (void)snprintf(day, sizeof(day), "%d %s %d ", local.tm_mday, month_name(local.tm_mon),
                       local.tm_year + 1900);
    (void)snprintf(ret, SAY_TIME_MAX, "%s%s", day, clock);
}

void say_clock(char ret[SAY_TIME_MAX])
{
    struct tm local;
    ret[0] = '\0';
    if (to_local(now_here(), &local))
        (void)snprintf(ret, SAY_TIME_MAX, tr("%02d:%02d:%02d", "%02d.%02d.%02d"), local.tm_hour,
                       local.tm_min, local.tm_sec);
}

void say_ago(const char *rfc3339, char ret[SAY_TIME_MAX])
{
    time_t at;
    long seconds = parse_time(rfc3339, &at) ? (long)(now_here() - at) : -1;
    if (seconds < 0 || seconds >= DAY_S)
        say_time(rfc3339, ret); /* a clock that is wrong, or long ago */
    else if (seconds < 60)
        (void)snprintf(ret, SAY_TIME_MAX, "%s", tr("just now", "baru saja"));
    else if (seconds < 3600)
        (void)snprintf(ret, SAY_TIME_MAX, tr("%ld min ago", "%ld menit lalu"), seconds / 60);
    else
        (void)snprintf(ret, SAY_TIME_MAX, tr("%ld h ago", "%ld jam lalu"), seconds / 3600);
}

void say_span(uint64_t seconds, char ret[SAY_TIME_MAX])
{
    uint64_t minutes = (seconds + 30) / 60, hours = (seconds + 1800) / 3600;
    if (seconds < 60)
        (void)snprintf(ret, SAY_TIME_MAX, "%s", tr("less than 1 minute", "kurang dari 1 menit"));
    else if (minutes > 10 && minutes < 100)
        (void)snprintf(ret, SAY_TIME_MAX, tr("± %" PRIu64 " minutes", "± %" PRIu64 " menit"),
                       minutes < 60 ? (minutes + 2) / 5 * 5 : (minutes + 5) / 10 * 10);
    else if (minutes <= 10)
        (void)snprintf(ret, SAY_TIME_MAX,
                       minutes == 1 ? tr("± %" PRIu64 " minute", "± %" PRIu64 " menit")
                                    : tr("± %" PRIu64 " minutes", "± %" PRIu64 " menit"),
                       minutes);
    else if (seconds < DAY_S)
        (void)snprintf(ret, SAY_TIME_MAX, tr("± %" PRIu64 " hours", "± %" PRIu64 " jam"), hours);
    else
        (void)snprintf(ret, SAY_TIME_MAX, "%s", tr("more than a day", "lebih dari sehari"));
}

/* --- numbers -------------------------------------------------------------------------------- */

void say_number(int64_t number, char ret[SAY_NUMBER_MAX])
{
    char digits[24];
    uint64_t size = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
    int len = snprintf(digits, sizeof(digits), "%" PRIu64, size);
    char *out = ret;
    must(len > 0);
    if (number < 0)
        *out++ = '-';
    for (int i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0)
            *out++ = lang_now == LANG_ID ? '.' : ',';
        *out++ = digits[i];
    }
    *out = '\0';
    must(out < ret + SAY_NUMBER_MAX);
}

void say_size(uint64_t count, char ret[SAY_SIZE_MAX])
{
    static const char *const units[] = { "B", "kB", "MB", "GB", "TB" };
    size_t unit = 0;
    uint64_t tenths = count * 10;
    if (count > UINT64_MAX / 10)
        tenths = UINT64_MAX;
    while (tenths >= 10000 && unit + 1 < COUNT_OF(units)) {
        tenths /= 1000;
        unit++;
    }
    if (unit == 0)
        (void)snprintf(ret, SAY_SIZE_MAX, "%" PRIu64 " B", count);
    else
        (void)snprintf(ret, SAY_SIZE_MAX, "%" PRIu64 "%c%" PRIu64 " %s", tenths / 10,
                       lang_now == LANG_ID ? ',' : '.', tenths % 10, units[unit]);
}
