/* The lexical half of a policy source. libconfuse takes the last of two equal keys, expands
 * "${HOME}", ends strings at \x00, accepts an unclosed section and forgets lines; so the text is
 * read here first, strictly, and every section and key is remembered with its file and line. Not
 * for others. */
#pragma once

#include "common/err.h"

#define SOURCE_FILES_MAX 64
#define SOURCE_FILE_BYTES_MAX ((size_t)1024 * 1024)
#define SOURCE_PATH_MAX 160
#define SOURCE_DEPTH_MAX 8

/* "collection orang field nik" (a section) or "collection orang field nik type" (a key). */
struct source_entry {
    char *path;
    const char *file; /* borrowed from the caller of source_read */
    unsigned line;
    unsigned order;
};

struct source_index {
    struct source_entry *entries;
    size_t count;
    size_t cap;
};

/* Reads one file's text into the index. `file` stays the caller's and outlives the index.
 * ERR_POLICY_SYNTAX with file and line; ERR_MEMORY. */
NODISCARD enum err source_read(struct source_index *index, const char *file, struct bytes text,
                               struct problem *problem);
/* After the last file: sorts. ERR_POLICY_DUPLICATE for a section or key that stands twice. */
NODISCARD enum err source_finish(struct source_index *index, struct problem *problem);
/* "orang.conf:12" of a place as policy_decode names it, or of the nearest section around it; empty
 * when there is none. A field of a collection may stand in the section `common`. */
void source_find(const struct source_index *index, const char *place, char *ret, size_t cap);
void source_close(struct source_index *index);
