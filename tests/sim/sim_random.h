/* One stream of randomness a seed; everything random in a run, libsodium included, comes from it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void sim_random_start(uint64_t seed);
uint64_t sim_random(void);
uint64_t sim_below(uint64_t bound); /* bound > 0 */
bool sim_chance(unsigned per_mille);
void sim_random_fill(void *buffer, size_t len);
