"""The echo benchmark: the same server on raw libuv, Asio and Coracle, in turn, round after round.

Each round measures every server once, one right after the other, and yields one ratio for each;
the median over the rounds is reported, since a shared machine drifts by more than the servers
differ.
"""
import os
import shutil
import statistics

from bench import chart, options, table
from bench.echo.server import Server, load, per_request
from bench.rounds import ratios, take_turns

SERVERS = {"libuv": "peer_uv", "asio": "peer_asio", "coracle": "echo_coracle"}
YARDSTICK = "libuv"
MUST, GOAL = 1.08, 1.00  # CPU per request, as a ratio to the yardstick
HEADINGS = ["bytes", "connections", "server", "requests/s", "p50 us", "p99 us", "CPU us/request",
            "CPU ratio", "ratio p25", "ratio p75", "KiB/connection"]


def parse():
    made = options.parser("echo", __doc__.splitlines()[0])
    made.add_argument("--sizes", type=options.positive, default=[64, 16384], metavar="B,...",
                      help="message sizes in bytes (default 64,16384)")
    made.add_argument("--connections", type=options.positive, default=[1, 64, 1000],
                      metavar="N,...", help="numbers of connections (default 1,64,1000)")
    made.add_argument("--servers", type=options.one_of(list(SERVERS)), default=list(SERVERS),
                      metavar="NAME,...", help=f"which of {','.join(SERVERS)} (default all)")
    made.add_argument("--rounds", type=int, default=9, help="rounds (default 9)")
    made.add_argument("--seconds", type=float, default=0.6,
                      help="measured per server and round (default 0.6)")
    made.add_argument("--no-counts", action="store_true",
                      help="leave out the counting of system calls and allocations")
    chosen = options.parse(made)
    if YARDSTICK not in chosen.servers:
        made.error(f"--servers must name {YARDSTICK}, which the others are compared to")
    if chosen.quick:
        chosen.rounds, chosen.seconds = 2, 0.2
    return chosen


def measure_setting(chosen, servers, size, connections):
    """All rounds of one size and number of connections: {server: [figures, ...]}."""
    generator = os.path.join(chosen.binaries, "echo_load")

    def measure(who):
        with Server(servers[who]) as server:
            return load(generator, server.port, connections=connections, bytes=size,
                        seconds=chosen.seconds, warmup=0.15, server_pid=server.process.pid)

    return take_turns(list(servers), chosen.rounds, measure)


def summarize(size, connections, rounds):
    rows = []
    for who, figures in rounds.items():
        compared = ratios(rounds, who, YARDSTICK, "cpu_ns")

        def median(key):
            return statistics.median(figure[key] for figure in figures)

        rows.append([size, connections, who, median("per_second"), median("p50_us"),
                     median("p99_us"), median("cpu_ns") / 1000, statistics.median(compared),
                     compared[len(compared) // 4], compared[(3 * len(compared)) // 4],
                     median("rss_per_connection") / 1024 if connections > 1 else None])
    return rows


def count(chosen, servers):
    """The table of what is counted, not timed: 64 bytes, 64 connections."""
    generator = os.path.join(chosen.binaries, "echo_load")
    preload = os.path.join(chosen.binaries, "libcount_allocations.so")
    if not shutil.which("strace"):
        print("strace is missing: nothing is counted")
        return
    results = {who: per_request(path, preload, generator, 64, 64) for who, path in servers.items()}
    names = sorted({name for calls, _ in results.values() for name, n in calls.items()
                    if n >= 0.0005})
    headings = ["server", "allocations"] + names
    rows = [[who, round(heap, 4)] + [round(calls.get(name, 0.0), 4) for name in names]
            for who, (calls, heap) in results.items()]
    table.show("Counted per request in steady state (64 B, 64 connections)", headings, rows)
    table.save(os.path.join(chosen.out, "echo_counts.csv"), headings, rows)


def main():
    chosen = parse()
    servers = {who: os.path.join(chosen.binaries, SERVERS[who]) for who in chosen.servers}
    rows, raw = [], []
    for size in chosen.sizes:
        for connections in chosen.connections:
            rounds = measure_setting(chosen, servers, size, connections)
            rows += summarize(size, connections, rounds)
            raw += [[size, connections, who, number] + list(figure.values())
                    for who, figures in rounds.items() for number, figure in enumerate(figures)]
            keys = list(next(iter(rounds.values()))[0])
            print(f"{size} B, {connections} connections: " + ", ".join(
                f"{row[2]} {row[7]:.2f}" for row in rows[-len(servers):]), flush=True)
    table.show(f"Echo on one thread over loopback; CPU ratio to raw {YARDSTICK} in the same round "
               f"(must {MUST}, goal {GOAL}), medians of {chosen.rounds} rounds", HEADINGS, rows)
    table.save(os.path.join(chosen.out, "echo.csv"), HEADINGS, rows)
    table.save(os.path.join(chosen.out, "echo_rounds.csv"),
               ["bytes", "connections", "server", "round"] + keys, raw)
    groups = {}
    for row in rows:
        groups.setdefault(f"{row[0]} B, {row[1]} connections", []).append((row[2], row[7]))
    chart.bars(os.path.join(chosen.out, "echo.svg"), "Echo: server's CPU per request",
               f"ratio to raw {YARDSTICK}", list(groups.items()))
    if not chosen.no_counts:
        count(chosen, servers)


if __name__ == "__main__":
    main()
