/* A sample of each kind of feed item, and a batch to stand in. */
#pragma once

#include "proto/feed.h"
#include "tests/unit/proto_samples.h"

#define FEED_SAMPLE_COUNT 7

static inline struct feed_item feed_record_sample(void)
{
    static uint8_t fields_space[128];
    struct writer space = writer_of(fields_space, sizeof(fields_space));
    return (struct feed_item){ .kind = FEED_RECORD,
                               .number = 88,
                               .collection = bytes_text("orang"),
                               .record = sample_id(1),
                               .deleted = false,
                               .short_text = bytes_text("29-0417"),
                               .fields = sample_fields(&space, "Siti"),
                               .origin = { bytes_text("36.04.28"), 7, 1790000000000 } };
}

static inline struct feed_item feed_sample_item(unsigned which)
{
    static const uint8_t value_a[] = { 0xa1, 'A' }, value_b[] = { 0xc0 };
    switch (which) {
    case 0:
        return (struct feed_item){ .kind = FEED_TRUST,
                                   .number = 3,
                                   .document = bytes_text("signed trust") };
    case 1:
        return (struct feed_item){ .kind = FEED_RULES,
                                   .number = 4,
                                   .document = bytes_text("signed rules") };
    case 2:
        return (struct feed_item){ .kind = FEED_DECISION,
                                   .number = 5,
                                   .leaf = sample_hash(0x61),
                                   .decision = { false, 2, DISPOSITION_REJECTED,
                                                 bytes_text("reference"),
                                                 bytes_text("keluarga") } };
    case 3:
        return (struct feed_item){ .kind = FEED_DICTIONARY,
                                   .number = 6,
                                   .version = 2,
                                   .document = bytes_text("a dictionary") };
    case 4:
        return feed_record_sample();
    case 5:
        return (struct feed_item){ .kind = FEED_CONFLICT,
                                   .number = 89,
                                   .conflict = sample_id(2),
                                   .collection = bytes_text("orang"),
                                   .record = sample_id(1),
                                   .field = bytes_text("alamat"),
                                   .value_a = bytes_of(value_a, 2),
                                   .value_b = bytes_of(value_b, 1),
                                   .author_a = bytes_text("36.04"),
                                   .author_b = bytes_text("36.04.29") };
    default:
        return (struct feed_item){ .kind = FEED_RESOLVED,
                                   .number = 90,
                                   .conflict = sample_id(2),
                                   .record = sample_id(1),
                                   .field = bytes_text(""),
                                   .value_a = bytes_of(value_a, 2) };
    }
}

static inline struct feed_batch feed_sample_batch(enum feed_stream stream, uint64_t count)
{
    return (struct feed_batch){ .district = bytes_text(SAMPLE_DISTRICT),
                                .node = bytes_text(SAMPLE_NODE),
                                .stream = stream,
                                .epoch = 1,
                                .from = 80,
                                .to = 90,
                                .journal_hash = sample_hash(0x0a),
                                .count = count };
}
