/* Colours of a terminal, few and by meaning. None unless standard output is a terminal that has
 * them (TERM not "dumb") and NO_COLOR is not set. */
#pragma once

#include <stdio.h>

enum paint {
    PAINT_NONE,
    PAINT_HEAD, /* the head line of a table, the title of a screen */
    PAINT_DIM,  /* what helps but is not asked for */
    PAINT_GOOD,
    PAINT_WAIT, /* waits for someone or something */
    PAINT_BAD,  /* needs a person */
};

/* Looks at standard output and the environment; once, at the start. */
void paint_choose(void);
void paint_set(int on); /* for tests */
/* Escape sequences; empty texts where there are no colours, and for PAINT_NONE. */
const char *paint_begin(enum paint paint);
const char *paint_end(enum paint paint);
