#include "tests/sim/sim_disk.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/must.h"
#include "tests/sim/sim_random.h"

#define FILES_MAX 128
#define NAME_MAX_BYTES 96
#define SECTOR 512
#define SLOTS 4

struct image {
    uint8_t *at;
    size_t len, cap;
};

struct pending {
    size_t offset, len;
    uint8_t *data; /* NULL: a truncation to `offset` */
};

struct disk_file {
    char name[NAME_MAX_BYTES];
    unsigned machine;
    bool exists;
    struct image live;       /* what the process reads back */
    struct image synced;     /* what the platter surely holds */
    struct pending *pending; /* since the last sync, oldest first */
    size_t pending_count, pending_cap;
};

struct machine {
    bool frozen, full, armed;
    unsigned countdown;
    uint64_t syncs;
};

struct saved_file {
    char name[NAME_MAX_BYTES];
    struct image image;
};

static struct disk_file files[FILES_MAX];
static struct machine machines[SIM_MACHINES_MAX];
static struct saved_file saved[SIM_MACHINES_MAX][SLOTS][8];
static bool saved_any[SIM_MACHINES_MAX][SLOTS];

static void image_reserve(struct image *image, size_t len)
{
    if (len <= image->cap)
        return;
    size_t cap = image->cap ? image->cap : 4096;
    while (cap < len)
        cap *= 2;
    image->at = realloc(image->at, cap);
    must(image->at != NULL);
    memset(image->at + image->cap, 0, cap - image->cap);
    image->cap = cap;
}

static void image_copy(struct image *to, const struct image *from)
{
    image_reserve(to, from->len);
    if (from->len > 0)
        memcpy(to->at, from->at, from->len);
    to->len = from->len;
}

static void image_write(struct image *image, size_t offset, const void *data, size_t len)
{
    image_reserve(image, offset + len);
    if (offset > image->len)
        memset(image->at + image->len, 0, offset - image->len);
    memcpy(image->at + offset, data, len);
    if (offset + len > image->len)
        image->len = offset + len;
}

static void pending_clear(struct disk_file *file)
{
    for (size_t i = 0; i < file->pending_count; i++)
        free(file->pending[i].data);
    file->pending_count = 0;
}

static void pending_add(struct disk_file *file, size_t offset, const void *data, size_t len)
{
    if (file->pending_count == file->pending_cap) {
        file->pending_cap = file->pending_cap ? file->pending_cap * 2 : 64;
        file->pending = realloc(file->pending, file->pending_cap * sizeof(*file->pending));
        must(file->pending != NULL);
    }
    struct pending *entry = &file->pending[file->pending_count++];
    *entry = (struct pending){ .offset = offset, .len = len };
    if (data != NULL) {
        entry->data = malloc(len ? len : 1);
        must(entry->data != NULL);
        memcpy(entry->data, data, len);
    }
}

static void file_wipe(struct disk_file *file)
{
    pending_clear(file);
    free(file->pending);
    free(file->live.at);
    free(file->synced.at);
    *file = (struct disk_file){ .exists = false };
}

static unsigned machine_of(const char *name)
{
    unsigned machine = 0;
    must(sscanf(name, "m%u/", &machine) == 1);
    must(machine < SIM_MACHINES_MAX);
    return machine;
}

static struct disk_file *file_find(const char *name)
{
    for (size_t i = 0; i < FILES_MAX; i++) {
        if (files[i].name[0] != '\0' && strcmp(files[i].name, name) == 0)
            return &files[i];
    }
    return NULL;
}

static struct disk_file *file_make(const char *name)
{
    size_t free_slot = 0;
    while (free_slot < FILES_MAX && files[free_slot].name[0] != '\0')
        free_slot++;
    must(free_slot < FILES_MAX && strlen(name) < NAME_MAX_BYTES);
    memcpy(files[free_slot].name, name, strlen(name) + 1);
    files[free_slot].machine = machine_of(name);
    return &files[free_slot];
}

/* ---- crash */

/* What survives: unsynced writes are kept, dropped or torn, each for itself; a disk reorders as it
 * likes, so a later write may be there without an earlier one. */
static void file_settle(struct disk_file *file)
{
    for (size_t i = 0; i < file->pending_count; i++) {
        const struct pending *write = &file->pending[i];
        uint64_t fate = sim_below(3);
        if (fate == 0)
            continue;
        if (write->data == NULL) {
            if (write->offset < file->synced.len)
                file->synced.len = write->offset;
            continue;
        }
        size_t len = write->len;
        if (fate == 1 && len > SECTOR)
            len = SECTOR * (1 + (size_t)sim_below(len / SECTOR));
        image_write(&file->synced, write->offset, write->data, len);
    }
    pending_clear(file);
}

static void machine_freeze(unsigned machine)
{
    machines[machine].frozen = true;
    machines[machine].armed = false;
    for (size_t i = 0; i < FILES_MAX; i++) {
        if (files[i].exists && files[i].machine == machine)
            file_settle(&files[i]);
    }
}

static void machine_step(unsigned machine)
{
    struct machine *m = &machines[machine];
    if (!m->armed || m->frozen)
        return;
    if (m->countdown == 0)
        machine_freeze(machine);
    else
        m->countdown--;
}

void sim_disk_crash_after(unsigned machine, unsigned writes)
{
    if (writes == 0) {
        machine_freeze(machine);
        return;
    }
    machines[machine].armed = true;
    machines[machine].countdown = writes;
}

bool sim_disk_frozen(unsigned machine)
{
    return machines[machine].frozen;
}

void sim_disk_restart(unsigned machine)
{
    for (size_t i = 0; i < FILES_MAX; i++) {
        if (files[i].exists && files[i].machine == machine) {
            pending_clear(&files[i]);
            image_copy(&files[i].live, &files[i].synced);
        }
    }
    machines[machine].frozen = false;
    machines[machine].armed = false;
    machines[machine].full = false;
}

void sim_disk_full(unsigned machine, bool full)
{
    machines[machine].full = full;
}

bool sim_disk_is_full(unsigned machine)
{
    return machines[machine].full;
}

void sim_disk_heal(unsigned machine)
{
    machines[machine].full = false;
    machines[machine].armed = false;
}

uint64_t sim_disk_syncs(unsigned machine)
{
    return machines[machine].syncs;
}

void sim_disk_save(unsigned machine, unsigned slot)
{
    size_t count = 0;
    for (size_t i = 0; i < FILES_MAX; i++) {
        if (!files[i].exists || files[i].machine != machine)
            continue;
        must(count < 8);
        struct saved_file *copy = &saved[machine][slot][count++];
        memcpy(copy->name, files[i].name, NAME_MAX_BYTES);
        image_copy(&copy->image, &files[i].live);
    }
    for (; count < 8; count++)
        saved[machine][slot][count].name[0] = '\0';
    saved_any[machine][slot] = true;
}

bool sim_disk_saved(unsigned machine, unsigned slot)
{
    return saved_any[machine][slot];
}

void sim_disk_wipe(unsigned machine)
{
    for (size_t i = 0; i < FILES_MAX; i++) {
        if (files[i].exists && files[i].machine == machine)
            file_wipe(&files[i]);
    }
    machines[machine].frozen = false;
    machines[machine].armed = false;
}

void sim_disk_load(unsigned machine, unsigned slot)
{
    must(saved_any[machine][slot]);
    sim_disk_wipe(machine);
    for (size_t i = 0; i < 8 && saved[machine][slot][i].name[0] != '\0'; i++) {
        struct disk_file *file = file_make(saved[machine][slot][i].name);
        file->exists = true;
        image_copy(&file->live, &saved[machine][slot][i].image);
        image_copy(&file->synced, &saved[machine][slot][i].image);
    }
}

void sim_disk_clone(unsigned from, unsigned to)
{
    for (size_t i = 0; i < FILES_MAX; i++) {
        char name[NAME_MAX_BYTES];
        const char *path = strchr(files[i].name, '/');
        if (!files[i].exists || files[i].machine != from)
            continue;
        must(path != NULL && snprintf(name, sizeof(name), "m%u%s", to, path) < NAME_MAX_BYTES);
        must(file_find(name) == NULL);
        struct disk_file *file = file_make(name);
        file->exists = true;
        image_copy(&file->live, &files[i].live);
        image_copy(&file->synced, &files[i].live);
    }
}

/* ---- the VFS */

struct sim_file {
    sqlite3_file base;
    struct disk_file *file;
    unsigned machine;
};

static struct disk_file *disk_of(sqlite3_file *file)
{
    return ((struct sim_file *)file)->file;
}

static int vfs_close(sqlite3_file *file)
{
    (void)file;
    return SQLITE_OK;
}

static int vfs_read(sqlite3_file *file, void *buffer, int amount, sqlite3_int64 offset)
{
    const struct image *live = &disk_of(file)->live;
    size_t at = (size_t)offset, want = (size_t)amount;
    size_t have = at < live->len ? live->len - at : 0;
    size_t take = have < want ? have : want;
    if (take > 0)
        memcpy(buffer, live->at + at, take);
    if (take == want)
        return SQLITE_OK;
    memset((uint8_t *)buffer + take, 0, want - take);
    return SQLITE_IOERR_SHORT_READ;
}

static int vfs_write(sqlite3_file *file, const void *buffer, int amount, sqlite3_int64 offset)
{
    struct disk_file *disk = disk_of(file);
    machine_step(disk->machine);
    if (machines[disk->machine].full && !machines[disk->machine].frozen)
        return SQLITE_FULL;
    image_write(&disk->live, (size_t)offset, buffer, (size_t)amount);
    if (!machines[disk->machine].frozen)
        pending_add(disk, (size_t)offset, buffer, (size_t)amount);
    return SQLITE_OK;
}

static int vfs_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    struct disk_file *disk = disk_of(file);
    machine_step(disk->machine);
    if ((size_t)size < disk->live.len)
        disk->live.len = (size_t)size;
    if (!machines[disk->machine].frozen)
        pending_add(disk, (size_t)size, NULL, 0);
    return SQLITE_OK;
}

static int vfs_sync(sqlite3_file *file, int flags)
{
    (void)flags;
    struct disk_file *disk = disk_of(file);
    machine_step(disk->machine);
    if (machines[disk->machine].frozen)
        return SQLITE_OK;
    machines[disk->machine].syncs++;
    pending_clear(disk);
    image_copy(&disk->synced, &disk->live);
    return SQLITE_OK;
}

static int vfs_size(sqlite3_file *file, sqlite3_int64 *ret_size)
{
    *ret_size = (sqlite3_int64)disk_of(file)->live.len;
    return SQLITE_OK;
}

static int vfs_lock(sqlite3_file *file, int level)
{
    (void)file;
    (void)level;
    return SQLITE_OK;
}

static int vfs_reserved(sqlite3_file *file, int *ret_reserved)
{
    (void)file;
    *ret_reserved = 0;
    return SQLITE_OK;
}

static int vfs_control(sqlite3_file *file, int op, void *arg)
{
    (void)file;
    (void)op;
    (void)arg;
    return SQLITE_NOTFOUND;
}

static int vfs_sector(sqlite3_file *file)
{
    (void)file;
    return SECTOR;
}

static int vfs_traits(sqlite3_file *file)
{
    (void)file;
    return SQLITE_IOCAP_POWERSAFE_OVERWRITE | SQLITE_IOCAP_UNDELETABLE_WHEN_OPEN;
}

static const sqlite3_io_methods methods = {
    .iVersion = 1,
    .xClose = vfs_close,
    .xRead = vfs_read,
    .xWrite = vfs_write,
    .xTruncate = vfs_truncate,
    .xSync = vfs_sync,
    .xFileSize = vfs_size,
    .xLock = vfs_lock,
    .xUnlock = vfs_lock,
    .xCheckReservedLock = vfs_reserved,
    .xFileControl = vfs_control,
    .xSectorSize = vfs_sector,
    .xDeviceCharacteristics = vfs_traits,
};

static int vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
                    int *ret_flags)
{
    (void)vfs;
    static unsigned temporary;
    char fallback[NAME_MAX_BYTES];
    if (name == NULL) {
        snprintf(fallback, sizeof(fallback), "m15/temporary-%u", temporary++);
        name = fallback;
    }
    struct disk_file *disk = file_find(name);
    if (disk == NULL && !(flags & SQLITE_OPEN_CREATE))
        return SQLITE_CANTOPEN;
    if (disk == NULL)
        disk = file_make(name);
    disk->exists = true;
    struct sim_file *opened = (struct sim_file *)file;
    opened->file = disk;
    opened->machine = disk->machine;
    opened->base.pMethods = &methods;
    if (ret_flags != NULL)
        *ret_flags = flags;
    return SQLITE_OK;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *name, int sync_directory)
{
    (void)vfs;
    (void)sync_directory;
    struct disk_file *disk = file_find(name);
    if (disk == NULL)
        return SQLITE_IOERR_DELETE_NOENT;
    machine_step(disk->machine);
    if (!machines[disk->machine].frozen)
        file_wipe(disk);
    return SQLITE_OK;
}

static int vfs_access(sqlite3_vfs *vfs, const char *name, int flags, int *ret_yes)
{
    (void)vfs;
    (void)flags;
    const struct disk_file *disk = file_find(name);
    *ret_yes = disk != NULL && disk->exists;
    return SQLITE_OK;
}

static int vfs_full_path(sqlite3_vfs *vfs, const char *name, int cap, char *ret)
{
    (void)vfs;
    if ((int)strlen(name) >= cap)
        return SQLITE_CANTOPEN;
    memcpy(ret, name, strlen(name) + 1);
    return SQLITE_OK;
}

static int vfs_random(sqlite3_vfs *vfs, int amount, char *ret)
{
    (void)vfs;
    sim_random_fill(ret, (size_t)amount);
    return amount;
}

static int vfs_sleep(sqlite3_vfs *vfs, int microseconds)
{
    (void)vfs;
    return microseconds;
}

static int vfs_time(sqlite3_vfs *vfs, double *ret_now)
{
    (void)vfs;
    *ret_now = 2461000.5;
    return SQLITE_OK;
}

void sim_disk_start(void)
{
    static sqlite3_vfs vfs = {
        .iVersion = 1,
        .szOsFile = sizeof(struct sim_file),
        .mxPathname = NAME_MAX_BYTES,
        .zName = SIM_VFS,
        .xOpen = vfs_open,
        .xDelete = vfs_delete,
        .xAccess = vfs_access,
        .xFullPathname = vfs_full_path,
        .xRandomness = vfs_random,
        .xSleep = vfs_sleep,
        .xCurrentTime = vfs_time,
    };
    for (size_t i = 0; i < FILES_MAX; i++)
        file_wipe(&files[i]);
    memset(machines, 0, sizeof(machines));
    memset(saved_any, 0, sizeof(saved_any));
    must(sqlite3_vfs_register(&vfs, 0) == SQLITE_OK);
}
