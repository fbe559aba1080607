#include "tests/sim/sim_net.h"

#include <stdlib.h>

#include "common/must.h"
#include "tests/sim/sim_disk.h"
#include "tests/sim/sim_random.h"

#define PACKETS_MAX 4096

static struct sim_packet packets[PACKETS_MAX];
static size_t packet_count;
static struct sim_net_faults faults;
static bool cut_off[SIM_MACHINES_MAX];
static bool calm;
static uint64_t packets_made;

void sim_net_start(const struct sim_net_faults *wanted)
{
    sim_net_stop();
    faults = *wanted;
    calm = false;
    memset(cut_off, 0, sizeof(cut_off));
}

void sim_net_stop(void)
{
    for (size_t i = 0; i < packet_count; i++)
        free(packets[i].at);
    packet_count = 0;
}

void sim_net_calm(void)
{
    faults = (struct sim_net_faults){ .delay_ms_max = 20 };
    calm = true;
    memset(cut_off, 0, sizeof(cut_off));
}

void sim_net_cut(unsigned machine, bool cut)
{
    cut_off[machine] = cut;
}

bool sim_net_is_cut(unsigned machine)
{
    return cut_off[machine];
}

static void packet_add(unsigned from, unsigned to, uint8_t connection, struct bytes frame,
                       uint64_t now_ms)
{
    if (packet_count == PACKETS_MAX)
        return; /* a full network loses, as real ones do */
    struct sim_packet *packet = &packets[packet_count++];
    *packet =
        (struct sim_packet){ .from = from,
                             .to = to,
                             .connection = connection,
                             .due_ms = now_ms + (calm ? 10 : 1 + sim_below(faults.delay_ms_max)),
                             .order = packets_made++,
                             .len = frame.len };
    packet->at = malloc(frame.len ? frame.len : 1);
    must(packet->at != NULL);
    memcpy(packet->at, frame.at, frame.len);
    if (frame.len > 0 && sim_chance(faults.corrupt))
        packet->at[sim_below(frame.len)] ^= (uint8_t)(1u << sim_below(8));
}

bool sim_net_send(unsigned from, unsigned to, uint8_t connection, struct bytes frame,
                  uint64_t now_ms)
{
    unsigned node = from == SIM_HUB ? to : from;
    if (cut_off[node])
        return sim_chance(500);
    if (sim_chance(faults.loss))
        return true;
    packet_add(from, to, connection, frame, now_ms);
    if (sim_chance(faults.duplicate))
        packet_add(from, to, connection, frame, now_ms);
    return true;
}

bool sim_net_take(uint64_t now_ms, struct sim_packet *ret_packet)
{
    size_t due = 0, chosen = 0;
    for (size_t i = 0; i < packet_count; i++) {
        if (packets[i].due_ms > now_ms)
            continue;
        due++;
        if (calm ? due == 1 || packets[i].order < packets[chosen].order : sim_below(due) == 0)
            chosen = i;
    }
    if (due == 0)
        return false;
    *ret_packet = packets[chosen];
    packets[chosen] = packets[--packet_count];
    return true;
}

uint64_t sim_net_next_ms(void)
{
    uint64_t next = UINT64_MAX;
    for (size_t i = 0; i < packet_count; i++) {
        if (packets[i].due_ms < next)
            next = packets[i].due_ms;
    }
    return next;
}
