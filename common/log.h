/* One line an event to stderr: a message, then key=value. Under systemd (JOURNAL_STREAM names our
 * stderr) a line starts with "<N>", the journal's priority; elsewhere with the UTC time and level.
 * Never pass personal data: ids, positions, codes and counts only. */
#pragma once

#include "common/err.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* Until it is called, everything up to INFO is logged. */
void log_start(enum log_level level);

/* "error", "warning", "info", "debug"; false when there is no such level. */
NODISCARD bool log_level_from_name(const char *name, enum log_level *ret_level);

/* Control characters in the result become '?', a long line is cut. errno is kept. */
void log_write(enum log_level level, const char *fmt, ...) PRINTF_LIKE(2, 3);

#define log_error(...) log_write(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_write(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...) log_write(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_write(LOG_LEVEL_DEBUG, __VA_ARGS__)

/* "<what> thing=… code=… rule=… remedy=…" in English. Only for problems with files, sockets, peers
 * and configuration: problems with records may quote what a person entered. */
void log_problem(enum log_level level, const char *what, const struct problem *problem);
