/* Disks of the simulated machines: a SQLite VFS in memory that knows which writes were synced.
 *
 * A path "m3/node.db" lives on machine 3. A crash freezes the machine: at that moment each write
 * since the last sync of its file is kept, dropped or torn at a sector, in random order, and
 * whatever the dying process still writes goes nowhere. sim_disk_restart gives the survivor's bytes
 * to the next life. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define SIM_MACHINES_MAX 16
#define SIM_VFS "sim"

void sim_disk_start(void); /* registers the VFS, wipes all disks */

/* The machine dies after `writes` more writes or syncs; 0: at once. */
void sim_disk_crash_after(unsigned machine, unsigned writes);
bool sim_disk_frozen(unsigned machine);
void sim_disk_restart(unsigned machine);

/* Every write fails with SQLITE_FULL while on. */
void sim_disk_full(unsigned machine, bool full);
bool sim_disk_is_full(unsigned machine);
void sim_disk_heal(unsigned machine); /* space again, and no crash to come */

/* A backup of all of a machine's files as they stand, and its return. Slot 0..3. */
void sim_disk_save(unsigned machine, unsigned slot);
void sim_disk_load(unsigned machine, unsigned slot);
bool sim_disk_saved(unsigned machine, unsigned slot);
void sim_disk_wipe(unsigned machine);            /* another machine takes its place */
void sim_disk_clone(unsigned from, unsigned to); /* as it stands, onto an empty machine */

uint64_t sim_disk_syncs(unsigned machine);
