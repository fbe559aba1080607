/* Words for people, English and Indonesian side by side where they are used. The language is chosen
 * once a process; so are the office's time zone and what counts as now. */
#pragma once

#include "common/err.h"

void say_lang(enum lang lang);
enum lang say_lang_now(void);

/* --lang, else LC_ALL, LC_MESSAGES or LANG beginning with "id", else English. `option` may be NULL.
 * ERR_USAGE: neither id nor en. */
NODISCARD enum err say_choose(const char *option, enum lang *ret_lang);

/* The text in the chosen language. Both may be printf formats with the same arguments. */
const char *tr(const char *en, const char *id) __attribute__((format_arg(1), format_arg(2)));

/* What a state, disposition, kind or standing that a daemon names means to a person; the name
 * itself when it is a new one. */
const char *say_state(const char *name);
/* A word for a narrow column. */
const char *say_state_short(const char *name);

/* "menunggu SK": what work that is kept for this reason waits for; NULL: for a person's decision.
 */
const char *say_waits_for(const char *reason);

/* Times are shown in the office's zone, which the policy names; until then in this machine's. */
void say_zone(int utc_offset_minutes);
/* The daemon knows the time better than a netbook with a dead battery; NULL: this machine's. */
void say_now(const char *rfc3339);

/* An RFC 3339 UTC time: "16.02", "kemarin 16.02", "17 Okt 16.02", "17 Okt 2025 16.02"; English
 * "16:02", "yesterday 16:02", …. "-" for NULL; other text as it is. */
#define SAY_TIME_MAX 40
void say_time(const char *rfc3339, char ret[SAY_TIME_MAX]);
/* Now, to the second: "09.12.31". */
void say_clock(char ret[SAY_TIME_MAX]);
/* "baru saja", "5 menit lalu", "3 jam lalu", "kemarin 16.02" and so on. */
void say_ago(const char *rfc3339, char ret[SAY_TIME_MAX]);
/* How long something will take, in words that claim no more than is known: "kurang dari 1 menit",
 * "± 40 menit", "± 5 jam", "lebih dari sehari". */
void say_span(uint64_t seconds, char ret[SAY_TIME_MAX]);

/* "3.672" in Indonesian, "3,672" in English. */
#define SAY_NUMBER_MAX 32
void say_number(int64_t number, char ret[SAY_NUMBER_MAX]);
/* "1,2 MB" and "1.2 MB". */
#define SAY_SIZE_MAX 24
void say_size(uint64_t count, char ret[SAY_SIZE_MAX]);
