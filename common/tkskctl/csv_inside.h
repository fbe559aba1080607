/* What the files of csv share: csv_file.c knows bytes, csv.c knows rows. */
#pragma once

#include "common/tkskctl/csv.h"

/* The byte at a place; -1 at the end. */
int csv_file_byte(struct csv_file *file, uint64_t at);

/* How many bytes of UTF-8 it became; 0: windows-1252 has no such byte (NUL is one). */
size_t csv_1252_to_utf8(uint8_t byte, char ret[3]);
