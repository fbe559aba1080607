/* The network between hub and nodes in virtual time: delay, loss, duplication, reordering,
 * corruption and partitions. Packets are whole frames. */
#pragma once

#include "common/bytes.h"

#define SIM_HUB 0 /* machine number of the hub; nodes are 1 … */

struct sim_net_faults {
    unsigned loss, duplicate, corrupt; /* per mille */
    uint64_t delay_ms_max; /* each packet takes 1 … this, so they overtake each other */
};

void sim_net_start(const struct sim_net_faults *faults);
void sim_net_stop(void);
void sim_net_calm(void); /* no faults from now on, and frames keep their order */
void sim_net_cut(unsigned machine, bool cut); /* the link of one node */
bool sim_net_is_cut(unsigned machine);

/* False when the link is cut: the sender knows at once (as ZMQ_IMMEDIATE does), or, every other
 * time, not. */
bool sim_net_send(unsigned from, unsigned to, uint8_t connection, struct bytes frame,
                  uint64_t now_ms);

struct sim_packet {
    unsigned from, to;
    uint8_t connection;
    uint64_t due_ms, order;
    uint8_t *at; /* owned by the packet */
    size_t len;
};
/* Takes one packet that is due, a random one of them. False: nothing is due. */
bool sim_net_take(uint64_t now_ms, struct sim_packet *ret_packet);
uint64_t sim_net_next_ms(void); /* UINT64_MAX: nothing is under way */
