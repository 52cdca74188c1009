"""The UDP benchmark: the same echo server on libuv, Asio, raw system calls and Coracle, in turn."""
import os
import statistics

from bench import chart, options, table
from bench.echo.server import Server, load
from bench.rounds import ratios, take_turns

# What is started, with its argument.
SERVERS = {"libuv": ["udp_peer_uv"], "libuv, batches": ["udp_peer_uv", "batch"],
           "asio": ["udp_peer_asio"], "raw system calls": ["udp_peer_raw"],
           "coracle": ["udp_echo_coracle"], "coracle, singly": ["udp_echo_coracle", "single"]}
YARDSTICK = "libuv"
MUST, GOAL = 0.85, 0.75  # CPU per datagram of the one in batches, as a ratio to the yardstick
HEADINGS = ["bytes", "in flight", "server", "datagrams/s", "CPU us/datagram", "CPU ratio",
            "ratio p25", "ratio p75", "lost"]


def parse():
    made = options.parser("udp", __doc__.splitlines()[0])
    made.add_argument("--sizes", type=options.positive, default=[64], metavar="B,...",
                      help="datagram sizes in bytes, 2048 at most (default 64)")
    made.add_argument("--in-flight", type=options.positive, default=[32, 128], metavar="N,...",
                      help="numbers of datagrams in flight (default 32,128)")
    made.add_argument("--rounds", type=int, default=9, help="rounds (default 9)")
    made.add_argument("--seconds", type=float, default=0.6,
                      help="measured per server and round (default 0.6)")
    chosen = options.parse(made)
    if chosen.quick:
        chosen.rounds, chosen.seconds = 2, 0.2
    return chosen


def measure_setting(chosen, size, in_flight):
    """All rounds of one size and number in flight: {server: [figures, ...]}."""
    generator = os.path.join(chosen.binaries, "udp_load")

    def measure(who):
        program, *arguments = SERVERS[who]
        with Server(os.path.join(chosen.binaries, program), arguments=arguments) as server:
            return load(generator, server.port, in_flight=in_flight, bytes=size,
                        seconds=chosen.seconds, warmup=0.15, server_pid=server.process.pid)

    return take_turns(list(SERVERS), chosen.rounds, measure)


def summarize(size, in_flight, taken):
    rows = []
    for who, figures in taken.items():
        compared = ratios(taken, who, YARDSTICK, "cpu_ns")

        def median(key):
            return statistics.median(figure[key] for figure in figures)

        rows.append([size, in_flight, who, median("per_second"), median("cpu_ns") / 1000,
                     statistics.median(compared), compared[len(compared) // 4],
                     compared[(3 * len(compared)) // 4],
                     int(sum(figure["lost"] for figure in figures))])
    return rows


def main():
    chosen = parse()
    rows, raw, keys = [], [], []
    for size in chosen.sizes:
        for in_flight in chosen.in_flight:
            taken = measure_setting(chosen, size, in_flight)
            rows += summarize(size, in_flight, taken)
            raw += [[size, in_flight, who, number] + list(figure.values())
                    for who, figures in taken.items() for number, figure in enumerate(figures)]
            keys = list(taken[YARDSTICK][0])
    table.show(f"UDP echo on one thread over loopback; CPU ratio to {YARDSTICK}, one datagram at "
               f"a time, in the same round (must {MUST}, goal {GOAL} in batches), medians of "
               f"{chosen.rounds} rounds", HEADINGS, rows)
    table.save(os.path.join(chosen.out, "udp.csv"), HEADINGS, rows)
    table.save(os.path.join(chosen.out, "udp_rounds.csv"),
               ["bytes", "in flight", "server", "round"] + keys, raw)
    groups = {}
    for row in rows:
        groups.setdefault(f"{row[0]} B, {row[1]} in flight", []).append((row[2], row[5]))
    chart.bars(os.path.join(chosen.out, "udp.svg"), "UDP echo: server's CPU per datagram",
               f"ratio to {YARDSTICK}", list(groups.items()))


if __name__ == "__main__":
    main()
