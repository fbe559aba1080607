/* Shows something again and again: on a terminal in place, on the alternate screen, following its
 * size; elsewhere as text that is appended. Ctrl-C (or SIGTERM, SIGHUP) ends it with code 0 and
 * leaves the terminal as it was; Ctrl-Z and fg work. */
#pragma once

#include <stddef.h>
#include <stdio.h>

#define WATCH_MS 2000

/* Writes the picture for a terminal `width` columns wide; 0: not a terminal, and then nothing at
 * all when nothing changed. */
typedef void watch_picture(void *ctx, FILE *out, size_t width);

/* Does not return: what ends it is a signal, or an output that cannot be written. */
_Noreturn void watch_run(watch_picture *picture, void *ctx);
