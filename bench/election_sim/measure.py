"""Figure 16 of the Raft paper in the simulator, with the real Raft code.

Five servers of the paper's Raft (`plain`), a heartbeat of half the minimum timeout. The leader
sends a heartbeat to all, and its machine dies at a uniformly random time within the interval after
it. The logs of the four survivors have four lengths, so that two of them cannot win. Measured from
the death to the moment at which the last of the others has the first heartbeat of a leader that
stays. What the paper calls a broadcast time of 15 ms is disk: one way on the wire is 0.05 ms, a
durable write takes 1 ms and an exponentially distributed share of mean 3.4 ms. Clocks gain or lose
up to 100 millionths.

The other rows change one thing each: see SETUPS.
"""
import concurrent.futures
import os
import subprocess
import sys

from bench import options, table
from bench.election import paper
from bench.election.statistics import summarize
from bench.election_sim import figure

RANGES = list(paper.RANGES)
MUST = {"p50": 0.05, "p75": 0.10}   # how far a percentile may be from the paper's
NO_MUST = ("150-150", "150-151")    # depend on jitter: reported only
SETUPS = {
    "paper": "as in Figure 16",
    "naive": "15 ms read as a round trip of the wire, disks that take no time",
    "careful": "with pre-vote, quorum check and the voters' rule",
    "three": "three servers with equal logs",
    "today": "one way 20 to 60 us, a durable write 50 to 150 us",
}
SHOWN = ["min", "p10", "p25", "p50", "p75", "p90", "p95", "p99", "max", "mean"]


def parse():
    made = options.parser("election-sim", __doc__.splitlines()[0])
    made.add_argument("--trials", type=int, default=10_000,
                      help="trials per row (default 10000; 1000 for 150-151, 100 for 150-150)")
    made.add_argument("--setups", type=options.one_of(list(SETUPS)), default=list(SETUPS),
                      metavar="NAME,...", help=f"of {','.join(SETUPS)} (default all)")
    made.add_argument("--ranges", type=options.one_of(RANGES), default=RANGES, metavar="A-B,...",
                      help=f"election timeouts in ms, of {','.join(RANGES)} (default all)")
    made.add_argument("--seed", type=int, default=1, help="of the first trial (default 1)")
    chosen = options.parse(made)
    if chosen.trials < 1:
        made.error("--trials is at least 1")
    if chosen.quick:
        chosen.trials, chosen.ranges, chosen.setups = 50, ["150-300", "12-24"], ["paper", "three"]
    return chosen


def trials_of(chosen, name):
    return min(chosen.trials, {"150-150": 100, "150-151": 1000}.get(name, chosen.trials))


def run_part(chosen, setup, name, seed, trials):
    command = [os.path.join(chosen.binaries, "bench_election_sim"), "--setup", setup,
               "--timeout", name, "--trials", str(trials), "--seed", str(seed)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=7200, check=True)
    return [float(line) for line in done.stdout.split()[1:]]


def run_trials(chosen, setup, name):
    """The times of one row in ms, in the order of their seeds; a process on each core."""
    trials = trials_of(chosen, name)
    workers = min(os.cpu_count() or 1, trials)
    ends = [trials * i // workers for i in range(workers + 1)]
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        parts = pool.map(lambda i: run_part(chosen, setup, name, chosen.seed + ends[i],
                                            ends[i + 1] - ends[i]), range(workers))
        return [time for part in parts for time in part]


def off(measured, theirs):
    return f"{measured / theirs - 1:+.1%}"


def show_paper(rows):
    """The table beside the paper's, and what misses a must."""
    shown, missed = [], []
    for name, told in rows:
        theirs = paper.figures(name)
        shown.append([name, "ours", *(told[column] for column in SHOWN)])
        shown.append(["", "paper", *(float(theirs[column]) for column in SHOWN)])
        shown.append(["", "off by", *(off(told[column], theirs[column]) for column in SHOWN)])
        for column, most in MUST.items():
            if name not in NO_MUST and abs(told[column] / theirs[column] - 1) > most:
                missed.append(f"missed: {name} ms: {column} is {off(told[column], theirs[column])} "
                              f"off the paper's, {most:.0%} at most is the must")
    table.show("Figure 16: time without a leader (ms), ours beside the paper's",
               ["timeout ms", "", *SHOWN], shown)
    print("\n".join(missed) if missed else
          "Every median is within 5 % of the paper's, and every third quartile within 10 %.")


def main():
    chosen = parse()
    summaries, raw, curves = {}, [], {}
    for setup in chosen.setups:
        # With no randomness the paper's cluster takes a minute; the others need not repeat that.
        for name in chosen.ranges:
            if setup != "paper" and name in NO_MUST:
                continue
            times = run_trials(chosen, setup, name)
            summaries[setup, name] = summarize(times)
            raw += [[setup, name, time] for time in times]
            if setup == "paper":
                curves[name] = times
            print(f"{setup}, {name} ms: median {summaries[setup, name]['p50']:.1f} ms", flush=True)
    if "paper" in chosen.setups:
        show_paper([(name, summaries["paper", name]) for name in chosen.ranges])
    others = [[setup, name, *(summaries[setup, name][column] for column in SHOWN)]
              for setup in chosen.setups if setup != "paper"
              for name in chosen.ranges if (setup, name) in summaries]
    if others:
        table.show("The same with one thing changed (ms)", ["setup", "timeout ms", *SHOWN], others)
        for setup in chosen.setups:
            print(f"{setup}: {SETUPS[setup]}")
    table.save(os.path.join(chosen.out, "election_sim.csv"), ["setup", "timeout ms", *SHOWN],
               [[setup, name, *(told[column] for column in SHOWN)]
                for (setup, name), told in summaries.items()])
    table.save(os.path.join(chosen.out, "election_sim_trials.csv"),
               ["setup", "timeout ms", "elapsed ms"], raw)
    if curves:
        figure.draw(os.path.join(chosen.out, "figure_16.svg"), curves)


if __name__ == "__main__":
    sys.exit(main())
