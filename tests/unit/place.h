/* A fresh directory for each test, removed behind it: cmocka's setup and teardown. *state is the
 * `struct place`. */
#pragma once

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/bytes.h"

struct place {
    char dir[64];
};

static inline int place_make(void **state)
{
    struct place *place = calloc(1, sizeof(*place));
    if (!place)
        return -1;
    memcpy(place->dir, "/tmp/tksk-test.XXXXXX", 22);
    *state = place;
    return mkdtemp(place->dir) ? 0 : -1;
}

static inline void place_empty(const char *dir)
{
    DIR *opened = opendir(dir);
    char path[PATH_MAX];
    if (!opened)
        return;
    for (struct dirent *entry; (entry = readdir(opened)) != NULL;) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        int len = snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
        if (len > 0 && (size_t)len < sizeof(path) && unlink(path) != 0) {
            place_empty(path);
            (void)rmdir(path);
        }
    }
    closedir(opened);
}

static inline int place_remove(void **state)
{
    struct place *place = *state;
    place_empty(place->dir);
    int code = rmdir(place->dir);
    free(place);
    return code;
}

/* DIR/name, in one of four buffers that take turns. */
static inline const char *place_path(const void *place, const char *name)
{
    static char paths[4][PATH_MAX];
    static unsigned turn;
    char *path = paths[turn++ % COUNT_OF(paths)];
    (void)snprintf(path, PATH_MAX, "%s/%s", ((const struct place *)place)->dir, name);
    return path;
}
