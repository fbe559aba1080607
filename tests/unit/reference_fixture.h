/* The reference policy, compiled, for the tests of what it says. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/crypto.h"
#include "proto/limits.h"
#include "proto/policy_text.h"

static struct policy *policy;

static int open_policy(void **state)
{
    (void)state;
    static uint8_t space[RULES_BYTES_MAX];
    static const struct hash zero;
    struct buf document = buf_of(space, sizeof space);
    struct problem problem = { .code = OK };
    if (crypto_start() != OK)
        return -1;
    enum err err = policy_text_compile("hub/policy", "36.04", 1, &zero, &document, &problem);
    if (err == OK)
        err = policy_decode(buf_bytes(&document), &policy, &problem);
    if (err != OK)
        print_error("%s: %s\n", problem.thing, problem.detail);
    return err == OK ? 0 : -1;
}

static int close_policy(void **state)
{
    (void)state;
    policy_close(&policy);
    return 0;
}
