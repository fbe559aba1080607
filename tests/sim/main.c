/* The simulator: `sim --seeds N` runs seeds 1 … N, `sim --seed S [--verbose]` replays one. Each
 * seed is one district for some simulated hours under faults, then healed; docs in the headers of
 * this directory. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/log.h"
#include "tests/sim/sim_carry.h"
#include "tests/sim/sim_check.h"
#include "tests/sim/sim_fate.h"
#include "tests/sim/sim_officer.h"
#include "tests/sim/sim_random.h"

#define SETTLE_STEPS_MAX 4000

static void settle(bool decided)
{
    unsigned steps = 0;
    while (!sim_check_settled(decided, steps == SETTLE_STEPS_MAX)) {
        if (++steps > SETTLE_STEPS_MAX)
            sim_fail("I2: faults ended and not everything is %s", decided ? "decided" : "answered");
        world.step++;
        sim_work_countersign();
        sim_carry_round();
        sim_advance(1000);
        sim_check_step();
    }
}

static int run_seed(uint64_t seed, unsigned steps, bool verbose)
{
    sim_world_open(seed, verbose);
    sim_work_start((enum sim_plan)(seed % PLAN_COUNT));
    /* Mostly the offices have their policy before the work begins. */
    for (unsigned i = 0; seed / PLAN_COUNT % 4 != 0 && i < 30; i++)
        sim_advance(1000);
    for (world.step = 0; world.step < steps; world.step++) {
        sim_work_step();
        sim_advance(1 + sim_below(2000));
        sim_check_step();
        if (world.step % 10 == 9)
            sim_fate_check();
        if (world.step % 50 == 49)
            sim_check_answers();
    }
    sim_work_heal();
    settle(false);
    sim_officer_decide_all();
    settle(true);
    sim_check_answers();
    sim_check_end();
    sim_say("seed %llu: %zu changes, all answered", (unsigned long long)seed, sim_promise_count);
    sim_work_stop();
    sim_world_close();
    return 0;
}

/* Seeds run in children, two at a time: one that dies says so and does not take the others along.
 */
static unsigned run_many(uint64_t first, unsigned count, unsigned steps)
{
    unsigned failed = 0, running = 0, next = 0;
    pid_t pids[2] = { 0, 0 };
    uint64_t seeds[2] = { 0, 0 };
    while (next < count || running > 0) {
        for (unsigned slot = 0; slot < 2 && next < count; slot++) {
            if (pids[slot] != 0)
                continue;
            seeds[slot] = first + next++;
            fflush(NULL);
            pids[slot] = fork();
            if (pids[slot] == 0)
                exit(run_seed(seeds[slot], steps, false));
            running++;
        }
        int status = 0;
        pid_t done = wait(&status);
        for (unsigned slot = 0; slot < 2; slot++) {
            if (pids[slot] != done)
                continue;
            pids[slot] = 0;
            running--;
            if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
                failed++;
                printf("seed %llu FAILED (%s %d)\n", (unsigned long long)seeds[slot],
                       WIFSIGNALED(status) ? "signal" : "exit",
                       WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
                fflush(stdout);
            }
        }
    }
    return failed;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        { "seeds", required_argument, NULL, 'n' }, { "first", required_argument, NULL, 'f' },
        { "seed", required_argument, NULL, 's' },  { "steps", required_argument, NULL, 't' },
        { "verbose", no_argument, NULL, 'v' },     { NULL, 0, NULL, 0 }
    };
    unsigned count = 20, steps = 300;
    uint64_t one = 0, first = 1;
    bool verbose = false;
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'n')
            count = (unsigned)strtoul(optarg, NULL, 10);
        else if (option == 'f')
            first = strtoull(optarg, NULL, 10);
        else if (option == 's')
            one = strtoull(optarg, NULL, 10);
        else if (option == 't')
            steps = (unsigned)strtoul(optarg, NULL, 10);
        else if (option == 'v')
            verbose = true;
        else
            return 2;
    }
    if (crypto_start() != OK)
        return 1;
    log_start(verbose ? LOG_LEVEL_DEBUG : LOG_LEVEL_ERROR);
    if (one != 0)
        return run_seed(one, steps, verbose);
    unsigned failed = run_many(first, count, steps);
    printf("%u passed, %u failed\n", count - failed, failed);
    return failed == 0 ? 0 : 1;
}
