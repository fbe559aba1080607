#include "common/tkskctl/say.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

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
    { "deleted", { "deleted", "dihapus" } },
    { "conflict", { "two values", "isian berbeda" } },
    { "draft", { "draft", "draf" } },
    { "notice", { "notice", "pemberitahuan" } },
    /* offices and people */
    { "linked", { "linked", "tersambung" } },
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

const char *say_state(const char *name)
{
    if (!name)
        return "-";
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        if (strcmp(words[i].name, name) == 0)
            return words[i].text[lang_now == LANG_ID ? 1 : 0];
    }
    return name;
}

void say_time(const char *rfc3339, char ret[SAY_TIME_MAX])
{
    struct tm utc = { 0 };
    struct tm local, now_local;
    const char *rest = rfc3339 ? strptime(rfc3339, "%Y-%m-%dT%H:%M:%S", &utc) : NULL;
    time_t now = time(NULL);
    if (!rest) {
        (void)snprintf(ret, SAY_TIME_MAX, "%.31s", rfc3339 ? rfc3339 : "-");
        return;
    }
    time_t at = timegm(&utc);
    if (!localtime_r(&at, &local) || !localtime_r(&now, &now_local)) {
        (void)snprintf(ret, SAY_TIME_MAX, "%.31s", rfc3339);
        return;
    }
    bool today = local.tm_year == now_local.tm_year && local.tm_yday == now_local.tm_yday;
    size_t len = today ? strftime(ret, SAY_TIME_MAX, "%H:%M", &local)
                       : strftime(ret, SAY_TIME_MAX, "%Y-%m-%d %H:%M", &local);
    if (len == 0)
        ret[0] = '\0';
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
        (void)snprintf(ret, SAY_SIZE_MAX, "%" PRIu64 ".%" PRIu64 " %s", tenths / 10, tenths % 10,
                       units[unit]);
}
