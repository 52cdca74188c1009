"""How much faster than real time the simulator runs.

Five servers that do nothing but 50 ms heartbeats, 80 round trips in a virtual second, on one core:
the real Raft, RPC and stream code over the simulated network, with the invariants checked after
each step of a server, and without.
"""
import os
import statistics
import subprocess
import sys

from bench import options, table

MUST, GOAL = 1500, 3000   # times faster than real time, with the invariants on
HEADINGS = ["invariants", "virtual s", "CPU s", "times real time", "p25", "p75", "segments/s",
            "trace events/s", "must", "goal"]


def parse():
    made = options.parser("simulator", __doc__.splitlines()[0])
    made.add_argument("--rounds", type=int, default=9, help="rounds, with and without in turn "
                      "(default 9)")
    made.add_argument("--seconds", type=int, default=600, help="virtual seconds (default 600)")
    chosen = options.parse(made)
    if chosen.rounds < 1 or chosen.seconds < 1:
        made.error("--rounds and --seconds are at least 1")
    if chosen.quick:
        chosen.rounds, chosen.seconds = 2, 60
    return chosen


def run_once(chosen, invariants):
    command = [os.path.join(chosen.binaries, "bench_simulator"), "--invariants", invariants,
               "--seconds", str(chosen.seconds)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=600, check=True)
    return [float(value) for value in done.stdout.split()[1].split(",")]


def main():
    chosen = parse()
    runs = {"on": [], "off": []}
    for _ in range(chosen.rounds):
        for invariants, results in runs.items():
            results.append(run_once(chosen, invariants))
    rows = []
    for invariants, results in runs.items():
        cpu = statistics.median(result[1] for result in results)
        factors = sorted(result[0] / result[1] for result in results)
        rows.append([invariants, chosen.seconds, cpu, statistics.median(factors),
                     factors[len(factors) // 4], factors[-1 - len(factors) // 4],
                     results[0][3] / cpu, results[0][2] / cpu,
                     *((float(MUST), float(GOAL)) if invariants == "on" else (None, None))])
    table.show("A simulated cluster of five, idle: times faster than real time, on one core",
               HEADINGS, rows)
    table.save(os.path.join(chosen.out, "simulator.csv"), HEADINGS, rows)


if __name__ == "__main__":
    sys.exit(main())
