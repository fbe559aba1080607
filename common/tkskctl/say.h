/* Words for people, English and Indonesian side by side where they are used. The language is chosen
 * once a process. */
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

/* An RFC 3339 UTC time as people read it here: "08:12" today, else "2026-11-22 08:12"; "-" for
 * NULL. */
#define SAY_TIME_MAX 32
void say_time(const char *rfc3339, char ret[SAY_TIME_MAX]);
/* "1.2 MB". */
#define SAY_SIZE_MAX 24
void say_size(uint64_t count, char ret[SAY_SIZE_MAX]);
