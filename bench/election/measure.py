"""The election benchmark: how long a cluster is without a leader after its leader falls silent.

Clusters of real servers in one process, with real sockets and real files; the paper's Raft
(`plain`), a heartbeat of half the minimum timeout. The leader sends nothing any more from a
uniformly random time within its heartbeat interval on; measured until all others have the new
leader's first heartbeat. Beside it the model's mean, and the paper's figures (which are of five
servers, slower disks, and two survivors that could not win).
"""
import csv
import io
import os
import subprocess
import sys

from bench import chart, options, table
from bench.election import model, paper
from bench.election.statistics import summarize

RANGES = ["150-155", "150-175", "150-200", "150-300", "100-200", "50-100", "25-50", "12-24"]
# How far the mean may be from the model's.
MUST = {name: 0.20 if name == "12-24" else 0.10 for name in RANGES}
HEADINGS = ["servers", "timeout ms", "trials", "min", "p50", "p90", "p99", "max", "mean", "splits",
            "model splits", "vote ms", "heartbeat ms", "model mean", "off by", "paper p50",
            "paper mean"]


def parse():
    made = options.parser("election", __doc__.splitlines()[0])
    made.add_argument("--trials", type=int, default=200, help="trials per row (default 200)")
    made.add_argument("--servers", type=options.one_of(["3", "5"]), default=["3", "5"],
                      metavar="N,...", help="sizes of clusters: 3,5 (default both)")
    made.add_argument("--ranges", type=options.one_of(RANGES), default=RANGES, metavar="A-B,...",
                      help=f"election timeouts in ms, of {','.join(RANGES)} (default all)")
    made.add_argument("--clusters", type=int, default=8,
                      help="clusters that run at once, to save time (default 8)")
    chosen = options.parse(made)
    if chosen.trials < 1 or chosen.clusters < 1:
        made.error("--trials and --clusters are at least 1")
    if chosen.quick:
        chosen.trials, chosen.ranges = 8, ["50-100", "12-24"]
    return chosen


def run_trials(chosen, servers, name):
    """The trials of one row: a list of {column: value}, times in ms."""
    command = [os.path.join(chosen.binaries, "bench_election"), "--servers", servers,
               "--timeout", name, "--trials", str(chosen.trials),
               "--clusters", str(min(chosen.clusters, chosen.trials))]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=3600, check=True)
    return [{column: float(value) for column, value in trial.items()}
            for trial in csv.DictReader(io.StringIO(done.stdout))]


def mean(trials, column):
    return sum(trial[column] for trial in trials) / len(trials)


def row_of(servers, name, trials):
    """The row of the table, and the model's mean for what was measured of votes and heartbeats."""
    low, high = map(float, name.split("-"))
    alive = servers - 1  # all of them may win: their logs are empty
    split = model.split_probability(low, high, servers, alive, mean(trials, "vote_ms"))
    to_heartbeat = mean(trials, "heartbeat_ms")
    expected = model.mean_with_splits(low, high, alive, to_heartbeat, low / 2, split)
    told = summarize([trial["elapsed_ms"] for trial in trials])
    theirs = paper.figures(name) if servers == 5 else {}
    row = [servers, name, len(trials), told["min"], told["p50"], told["p90"], told["p99"],
           told["max"], told["mean"], int(sum(trial["failed_rounds"] for trial in trials)),
           len(trials) * split / (1 - split) if split < 1 else None,
           mean(trials, "vote_ms"), to_heartbeat, expected if split < 1 else None,
           f"{told['mean'] / expected - 1:+.1%}" if split < 1 else "",
           theirs.get("p50"), theirs.get("mean")]
    return row, told["mean"], expected


def main():
    chosen = parse()
    rows, raw, curves, missed = [], [], {}, []
    for servers in map(int, chosen.servers):
        for name in chosen.ranges:
            trials = run_trials(chosen, str(servers), name)
            row, measured, expected = row_of(servers, name, trials)
            rows.append(row)
            curves.setdefault(servers, []).append(
                (f"{name} ms", [trial["elapsed_ms"] for trial in trials]))
            raw += [[servers, name, *trial.values()] for trial in trials]
            off = abs(measured / expected - 1)
            if off > MUST[name]:
                missed.append(f"missed: {servers} servers, {name} ms: the mean is {off:.1%} off "
                              f"the model's, {MUST[name]:.0%} at most is the must")
            print(f"{servers} servers, {name} ms: mean {measured:.1f} ms, "
                  f"model {expected:.1f} ms", flush=True)
            columns = list(trials[0])
    table.show("Time without a leader (ms), from the leader's silence until all others have the "
               "new leader's heartbeat", HEADINGS, rows)
    print("\n".join(missed) if missed else "Every mean is as near to the model as it must be.")
    table.save(os.path.join(chosen.out, "election.csv"), HEADINGS, rows)
    table.save(os.path.join(chosen.out, "election_trials.csv"),
               ["servers", "timeout", *columns], raw)
    for servers, drawn in curves.items():
        chart.cumulative(os.path.join(chosen.out, f"election_{servers}.svg"),
                         f"{servers} servers: time without a leader", "ms", drawn)


if __name__ == "__main__":
    sys.exit(main())
