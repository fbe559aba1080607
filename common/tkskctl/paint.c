#include "common/tkskctl/paint.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool colours;

void paint_choose(void)
{
    const char *no = getenv("NO_COLOR");
    const char *term = getenv("TERM");
    colours = isatty(STDOUT_FILENO) && !(no && no[0] != '\0') && term && term[0] != '\0' &&
              strcmp(term, "dumb") != 0;
}

void paint_set(int on)
{
    colours = on != 0;
}

const char *paint_begin(enum paint paint)
{
    static const char *const codes[] = {
        [PAINT_NONE] = "",         [PAINT_HEAD] = "\033[1m",  [PAINT_DIM] = "\033[2m",
        [PAINT_GOOD] = "\033[32m", [PAINT_WAIT] = "\033[33m", [PAINT_BAD] = "\033[1;31m",
    };
    return colours ? codes[paint] : "";
}

const char *paint_end(enum paint paint)
{
    return colours && paint != PAINT_NONE ? "\033[0m" : "";
}
