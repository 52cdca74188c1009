"""The micro-costs: CPU per operation of Coracle, Asio and libuv, and the floor beneath them all.

The contenders of a row run one right after the other, for several rounds; medians are shown.
"""
import json
import os
import re
import statistics
import subprocess

from bench import chart, options, table

# What must hold and where we want to be, in ns, and what the contenders took on the machine where
# these were set. This machine's speed in relation to that one scales them.
TARGETS = {
    "await a ready child": (14, 10),
    "chain of 64 awaits, per level": (18, 13),
    "yield through the loop": (20, 8),
    "spawn and join": (90, 45),
    "spawn in a group of 64, per child": (None, None),
    "channel, two messages back and forth": (70, 30),
    "operation with a timeout that does not fire": (250, 100),
    "arm and cancel a timer, 100,000 armed": (150, 80),
    "100,000 sleeping fibers, CPU per sleep": (900, 500),
    "cancel a fiber four awaits deep": (15_000, 10_000),
}
REFERENCE = {
    ("await a ready child", "floor"): 8.8,
    ("await a ready child", "asio"): 19,
    ("chain of 64 awaits, per level", "floor"): 12,
    ("chain of 64 awaits, per level", "asio"): 43,
    ("yield through the loop", "asio"): 113,
    ("spawn and join", "asio"): 331,
    ("channel, two messages back and forth", "asio"): 561,
    ("operation with a timeout that does not fire", "asio"): 4833,
    ("arm and cancel a timer, 100,000 armed", "libuv"): 125,
    ("100,000 sleeping fibers, CPU per sleep", "libuv"): 909,
    ("100,000 sleeping fibers, CPU per sleep", "asio"): 1954,
}
CONTENDERS = ["floor", "libuv", "asio", "coracle"]
HEADINGS = ["operation", *CONTENDERS, "coracle/asio", "must", "goal", "must here", "goal here"]


def parse():
    made = options.parser("micro", __doc__.splitlines()[0])
    made.add_argument("--rounds", type=int, default=9, help="rounds (default 9)")
    made.add_argument("--seconds", type=float, default=0.1,
                      help="at least so long per contender and round (default 0.1)")
    made.add_argument("--filter", default="", metavar="TEXT", help="only rows that contain TEXT")
    chosen = options.parse(made)
    if not any(chosen.filter in row for row in TARGETS):
        made.error(f"no row contains '{chosen.filter}'; rows: " + "; ".join(TARGETS))
    if chosen.quick:
        chosen.rounds, chosen.seconds = 1, 0.01
    return chosen


def run_round(chosen):
    """One run of the binary: {(row, contender): ns of CPU per operation}."""
    command = [os.path.join(chosen.binaries, "bench_micro"), "--benchmark_format=json",
               f"--benchmark_min_time={chosen.seconds}",
               f"--benchmark_filter=^.*{re.escape(chosen.filter)}.*/[a-z]+$"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=True)
    figures = {}
    for entry in json.loads(done.stdout)["benchmarks"]:
        row, contender = entry["name"].rsplit("/", 1)
        figures[row, contender] = 1e9 / entry["items_per_second"]
    return figures


def scale(rounds):
    """How much time this machine takes for what the reference took 1."""
    shares = [statistics.median(figures[key] for figures in rounds) / reference
              for key, reference in REFERENCE.items() if key in rounds[0]]
    return statistics.median(shares) if shares else 1.0


def main():
    chosen = parse()
    rounds = []
    for number in range(chosen.rounds):
        rounds.append(run_round(chosen))
        print(f"round {number + 1} of {chosen.rounds} done", flush=True)
    rows, groups, here = [], [], scale(rounds)
    for row, (must, goal) in TARGETS.items():
        medians = {who: statistics.median(figures[row, who] for figures in rounds)
                   for who in CONTENDERS if (row, who) in rounds[0]}
        if not medians:
            continue
        ratio = None
        if "coracle" in medians and "asio" in medians:
            ratio = statistics.median(figures[row, "coracle"] / figures[row, "asio"]
                                      for figures in rounds)
        rows.append([row, *(medians.get(who) for who in CONTENDERS), ratio,
                     *(target and target * factor
                       for factor in (1, here) for target in (must, goal))])
        groups.append((row, list(medians.items())))
    table.show(f"CPU per operation (ns), medians of {chosen.rounds} rounds; this machine takes "
               f"{here:.2f} of the time of the one that the targets were set on", HEADINGS, rows)
    table.save(os.path.join(chosen.out, "micro.csv"), HEADINGS, rows)
    table.save(os.path.join(chosen.out, "micro_rounds.csv"),
               ["operation", "contender", "round", "ns"],
               [[*key, number, ns] for number, figures in enumerate(rounds)
                for key, ns in figures.items()])
    chart.bars(os.path.join(chosen.out, "micro.svg"), "CPU per operation",
               "relative to the slowest",
               [(row, [(who, ns / max(v for _, v in values)) for who, ns in values])
                for row, values in groups])


if __name__ == "__main__":
    main()
