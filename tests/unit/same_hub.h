/* Member by member: the bytes between members are nobody's promise. */
#pragma once

#include "proto/trust.h"

static inline void assert_same_hub(const struct trust_hub *a, const struct trust_hub *b)
{
    assert_memory_equal(&a->sign_key, &b->sign_key, sizeof(a->sign_key));
    assert_memory_equal(&a->seal_key, &b->seal_key, sizeof(a->seal_key));
    assert_memory_equal(&a->curve_key, &b->curve_key, sizeof(a->curve_key));
    assert_int_equal(a->seal_number, b->seal_number);
    assert_int_equal(a->endpoint_count, b->endpoint_count);
    for (unsigned i = 0; i < a->endpoint_count; i++)
        assert_string_equal(a->endpoints[i], b->endpoints[i]);
}
