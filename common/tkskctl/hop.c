#include "common/tkskctl/hop.h"

#include "common/tkskctl/table.h"

static const struct {
    const char *name;
    const char *text[2]; /* by enum lang */
} steps[] = {
    { "local", { "here", "lokal" } },
    { "queued", { "queued, not sent yet", "antre, belum terkirim" } },
    { "sent", { "sent", "terkirim" } },
    { "received", { "received by the district office", "diterima Dinas" } },
    { "merged", { "merged", "digabung" } },
    { "answered", { "answered", "ditindaklanjuti" } },
};

static size_t step_of(const char *hop)
{
    size_t i = 0;
    while (i < COUNT_OF(steps) && (!hop || strcmp(steps[i].name, hop) != 0))
        i++;
    return i;
}

const char *hop_word(const char *hop)
{
    size_t step = step_of(hop);
    if (step == COUNT_OF(steps))
        return say_state_short(hop);
    return steps[step].text[say_lang_now() == LANG_ID ? 1 : 0];
}

/* "; belum dijawab, 3 hari (batas 14 hari)" */
static void add_answer(const json_t *done, char *ret, size_t cap)
{
    char days[SAY_NUMBER_MAX], limit[SAY_NUMBER_MAX];
    if (!json_is_integer(json_object_get(done, "unanswered_days")))
        return;
    say_number(number_of(done, "unanswered_days"), days);
    say_number(number_of(done, "limit_days"), limit);
    size_t used = strlen(ret);
    (void)snprintf(ret + used, cap - used,
                   tr("; not answered, %s days (limit %s)", "; belum dijawab, %s hari (batas %s)"),
                   days, limit);
}

void hop_text(const json_t *done, char ret[HOP_TEXT_MAX])
{
    size_t at = step_of(maybe_text_of(done, "hop")), len = 0;
    ret[0] = '\0';
    if (at == COUNT_OF(steps))
        return;
    for (size_t i = 0; i <= at && len < HOP_TEXT_MAX; i++) {
        const char *word = steps[i].text[say_lang_now() == LANG_ID ? 1 : 0];
        /* What a step means stands only where it is the present one. */
        int width = i < at ? (int)strcspn(word, ",") : (int)strlen(word);
        len += (size_t)snprintf(ret + len, HOP_TEXT_MAX - len, "%s%s%.*s%s", i > 0 ? " > " : "",
                                i == at ? "[" : "", width, word, i == at ? "]" : "");
    }
    add_answer(done, ret, HOP_TEXT_MAX);
}

void hop_receipt(const json_t *row)
{
    if (!maybe_text_of(row, "receipt"))
        return;
    (void)fputs(tr("Receipt number: ", "Nomor tanda terima: "), stdout);
    text_print(stdout, text_of(row, "receipt"));
    (void)fputc('\n', stdout);
}
