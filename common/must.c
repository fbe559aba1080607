#include "common/must.h"

#include <stdio.h>
#include <stdlib.h>

void must_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "<2>bug: must(%s) failed at %s:%d\n", condition, file, line);
    fflush(stderr);
    abort();
}
