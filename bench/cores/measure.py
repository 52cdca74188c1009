"""What a second loop gives an echo server: requests per second with one loop and with several.

A closed loop: each connection has one message in flight. Nobody is pinned, and the load generator
runs on the same machine: on one with two cores it takes its share of both, so that two loops cannot
serve twice as much. CPU per request says what a loop more costs by itself.
"""
import os
import statistics

from bench import chart, options, table
from bench.echo.server import Server, load

HEADINGS = ["bytes", "connections", "loops", "requests/s", "ratio", "ratio p25", "ratio p75",
            "p50 us", "p99 us", "server's CPU us/request", "CPU ratio"]


def parse():
    made = options.parser("cores", __doc__.splitlines()[0])
    made.add_argument("--loops", type=options.positive, default=[1, 2], metavar="N,...",
                      help="numbers of loops; ratios are to the first (default 1,2)")
    made.add_argument("--bytes", type=int, default=64, help="message size (default 64)")
    made.add_argument("--connections", type=options.positive, default=[64, 1000], metavar="N,...",
                      help="numbers of connections (default 64,1000)")
    made.add_argument("--rounds", type=int, default=9, help="rounds (default 9)")
    made.add_argument("--seconds", type=float, default=1.0,
                      help="measured per server and round (default 1)")
    chosen = options.parse(made)
    if chosen.bytes < 1 or chosen.rounds < 1:
        made.error("--bytes and --rounds are at least 1")
    if chosen.quick:
        chosen.rounds, chosen.seconds = 2, 0.2
    return chosen


def measure_setting(chosen, connections):
    """All rounds with so many connections: {loops: [figures, ...]}."""
    binary = os.path.join(chosen.binaries, "echo_cores")
    generator = os.path.join(chosen.binaries, "echo_load")
    rounds = {loops: [] for loops in chosen.loops}
    for number in range(chosen.rounds):
        shift = number % len(chosen.loops)  # nobody always goes first
        for loops in chosen.loops[shift:] + chosen.loops[:shift]:
            with Server(binary, arguments=[str(loops)], cpu=None) as server:
                rounds[loops].append(load(
                    generator, server.port, cpu=None, connections=connections, bytes=chosen.bytes,
                    seconds=chosen.seconds, warmup=0.2, server_pid=server.process.pid))
    return rounds


def summarize(chosen, connections, rounds):
    rows = []
    first = rounds[chosen.loops[0]]
    for loops, figures in rounds.items():
        def ratios(key, figures=figures):
            return sorted(mine[key] / base[key] for mine, base in zip(figures, first))

        def median(key, figures=figures):
            return statistics.median(figure[key] for figure in figures)

        served = ratios("per_second")
        rows.append([chosen.bytes, connections, loops, median("per_second"),
                     statistics.median(served), served[len(served) // 4],
                     served[(3 * len(served)) // 4], median("p50_us"), median("p99_us"),
                     median("cpu_ns") / 1000, statistics.median(ratios("cpu_ns"))])
    return rows


def main():
    chosen = parse()
    rows, raw, groups = [], [], []
    for connections in chosen.connections:
        rounds = measure_setting(chosen, connections)
        mine = summarize(chosen, connections, rounds)
        rows += mine
        raw += [[connections, loops, number] + list(figure.values())
                for loops, figures in rounds.items() for number, figure in enumerate(figures)]
        keys = list(rounds[chosen.loops[0]][0])
        groups.append((f"{connections} connections",
                       [(f"{row[2]} loops", row[4]) for row in mine]))
    table.show(f"Echo on several loops over loopback, the load generator on the same "
               f"{os.cpu_count()} cores; requests/s as a ratio to {chosen.loops[0]} loop in the "
               f"same round, medians of {chosen.rounds} rounds", HEADINGS, rows)
    table.save(os.path.join(chosen.out, "cores.csv"), HEADINGS, rows)
    table.save(os.path.join(chosen.out, "cores_rounds.csv"),
               ["connections", "loops", "round"] + keys, raw)
    chart.bars(os.path.join(chosen.out, "cores.svg"), "Echo on several loops: requests per second",
               f"ratio to {chosen.loops[0]} loop", groups)


if __name__ == "__main__":
    main()
