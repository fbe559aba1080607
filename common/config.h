/* Configuration of a daemon: `key = 'value'` lines read with libconfuse, strictly. Refused with
 * file, line and rule: unknown and doubled keys, "${" and backslashes (libconfuse would expand them
 * in double quotes), NUL, an unfinished comment or value, a value that is off. */
#pragma once

#include "common/err.h"
#include "common/log.h"

enum config_kind { CONFIG_HUB, CONFIG_NODE };

#define CONFIG_PATH_MAX 200
#define CONFIG_SOCKET_MAX 107 /* sun_path of unix(7), less its NUL */
#define CONFIG_ENDPOINT_MAX 127
#define CONFIG_ADVERTISE_MAX 4
#define CONFIG_BYTES_MAX (64 * 1024)

struct config {
    char state[CONFIG_PATH_MAX + 1];
    char socket[CONFIG_SOCKET_MAX + 1];
    char group[64]; /* of the admin socket; empty: none */
    enum log_level log_level;
    /* Hub alone. `advertise` is what invites name: endpoints between spaces or commas. */
    char listen[CONFIG_ENDPOINT_MAX + 1];
    char advertise[CONFIG_ADVERTISE_MAX][CONFIG_ENDPOINT_MAX + 1];
    size_t advertise_count;
    /* The admin socket of the hub's own office, through which officers enter records. */
    char office[CONFIG_SOCKET_MAX + 1];
};

/* Where the file is when nobody names it: /etc/tksk/hub.conf or node.conf. */
const char *config_default_path(enum config_kind kind);

/* Reads `path`; with NULL the default one, whose absence is fine. ERR_CONFIG, or as files_read. */
NODISCARD enum err config_load(enum config_kind kind, const char *path, struct config *ret_config,
                               struct problem *problem);

/* The same from text; `name` stands for it in problems. */
NODISCARD enum err config_parse(enum config_kind kind, struct bytes text, const char *name,
                                struct config *ret_config, struct problem *problem);
