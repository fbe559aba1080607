/* "@front.jpg" as the value of a field for photos and files: tkskctl opens the file with the
 * person's rights and hands its bytes to the office's daemon, which keeps them; the value becomes
 * the reference "hash size media/type". In a list "@a.jpg|@b.jpg", beside references. A path that
 * begins with "~/" lies in the home directory, another one is relative to `base` (NULL: to where
 * the person stands). Values of other fields may begin with "@" as they like. */
#pragma once

#include "common/tkskctl/ctl.h"

/* Does a value of these begin with "@"? Else nothing is asked or done. */
bool attach_wanted(const json_t *fields);
/* Is this field, as `collections` describes it, for photos and files? */
bool attach_field(const json_t *field);

/* Replaces in `fields` {name: text or list of texts}. What goes wrong is said; then some may have
 * been replaced. The collection is described {fields: […]}, named, or that of a record or draft. */
NODISCARD enum exit_code attach_fields(struct ctl *ctl, const json_t *collection, const char *base,
                                       json_t *fields);
NODISCARD enum exit_code attach_named(struct ctl *ctl, const char *collection, const char *base,
                                      json_t *fields);
NODISCARD enum exit_code attach_record(struct ctl *ctl, const char *id, const char *base,
                                       json_t *fields);
NODISCARD enum exit_code attach_draft(struct ctl *ctl, const char *draft, json_t *fields);
/* Of `apply`: [{collection or id, fields}]. */
NODISCARD enum exit_code attach_changes(struct ctl *ctl, const char *base, json_t *changes);

/* One value, typed; *ret_text is the caller's. A refusal is left unsaid in *ret_error {code, thing,
 * rule, remedy}. `dry`: the file is read and nothing is stored. */
NODISCARD enum exit_code attach_text(struct ctl *ctl, const char *typed, bool list,
                                     const char *base, bool dry, char **ret_text,
                                     json_t **ret_error);
/* Can all files that it names be read? For forms, which ask again. */
NODISCARD enum err attach_readable(const char *typed, bool list, struct problem *problem);
/* Directory of a file; the caller's. */
char *attach_base(const char *path);
