#include "tests/sim/sim_random.h"

static uint64_t state;

void sim_random_start(uint64_t seed)
{
    state = seed * 0x9e3779b97f4a7c15u + 0x1234567u;
}

/* splitmix64: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014. */
uint64_t sim_random(void)
{
    uint64_t z = (state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

uint64_t sim_below(uint64_t bound)
{
    return sim_random() % bound;
}

bool sim_chance(unsigned per_mille)
{
    return sim_below(1000) < per_mille;
}

void sim_random_fill(void *buffer, size_t len)
{
    uint8_t *at = buffer;
    for (size_t i = 0; i < len; i++)
        at[i] = (uint8_t)sim_random();
}
