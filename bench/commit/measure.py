"""How many entries a second a cluster of three commits, and how long each takes.

Three servers, each a process of its own, on loopback; entries of 64 bytes; so many proposals in
flight, each followed by the next. `own`: the leader proposes to itself; `rpc`: clients in a process
of their own, over MessagePack-RPC. `disk`: each server writes and syncs its log; `2ms`: the same,
and each write takes 2 ms longer; `unsynced`: on a file system in memory, where a sync costs nothing;
`memory`: nothing is stored. `raw`: one thread that writes so many records of 128 bytes at a time to
the same disk, and syncs after each time.
"""
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import tempfile
import time

from bench import options, table

HEADINGS = ["storage", "clients", "in flight", "per second", "p50 ms", "p99 ms", "p99.9 ms",
            "entries per sync", "must", "goal"]
STORAGES = {"disk": [], "unsynced": [], "2ms": ["--sync-delay", "2000"], "memory": ["--memory"]}
IN_MEMORY = "/dev/shm"
# Set on a machine whose disk syncs a record in 44 µs, 22,700 a second: see the lines `raw`.
TARGETS = {1: (6_000, 10_000), 16: (35_000, 60_000), 64: (60_000, 150_000), 256: (100_000, 300_000)}


def parse():
    made = options.parser("commit", __doc__.splitlines()[0])
    made.add_argument("--storage", type=options.one_of(list(STORAGES)), default=list(STORAGES),
                      metavar="NAME,...", help="of " + ",".join(STORAGES) + " (default all)")
    made.add_argument("--clients", type=options.one_of(["own", "rpc"]), default=["own", "rpc"],
                      metavar="NAME,...", help="of own,rpc (default both)")
    made.add_argument("--in-flight", type=options.positive, default=[1, 16, 64, 256],
                      metavar="N,...", help="numbers of proposals in flight (default 1,16,64,256)")
    made.add_argument("--rounds", type=int, default=5, help="rounds (default 5)")
    made.add_argument("--seconds", type=float, default=1.5,
                      help="measured for each line and round (default 1.5)")
    made.add_argument("--directory", default=None,
                      help="where the servers keep their data, on the disk to measure (default: "
                           "the system's directory for temporary files)")
    chosen = options.parse(made)
    if chosen.rounds < 1 or not 0.05 <= chosen.seconds <= 60:
        made.error("--rounds is at least 1, --seconds 0.05 to 60")
    if chosen.quick:
        chosen.rounds, chosen.seconds, chosen.in_flight = 1, 0.2, [1, 64]
    return chosen


def free_ports(count):
    held = [socket.socket() for _ in range(count)]
    for one in held:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports


class Cluster:
    """Three servers, from their start until they have elected a leader; gone at the end."""

    def __init__(self, chosen, storage):
        self.load = os.path.join(chosen.binaries, "commit_load")
        self.server = os.path.join(chosen.binaries, "commit_server")
        self.flags = STORAGES[storage]
        place = IN_MEMORY if storage == "unsynced" else chosen.directory
        self.directory = tempfile.mkdtemp(prefix="coracle-commit-", dir=place)
        self.processes = []

    def __enter__(self):
        ports = free_ports(3)
        members = ",".join(f"{i + 1}=127.0.0.1:{port}" for i, port in enumerate(ports))
        for server in range(1, 4):
            self.processes.append(subprocess.Popen(
                [self.server, "--id", str(server), "--members", members, "--data",
                 os.path.join(self.directory, str(server)), *self.flags]))
        try:
            self.leader = self.find_leader(ports)
        except BaseException:
            self.__exit__()
            raise
        return self

    def find_leader(self, ports):
        for _ in range(100):
            time.sleep(0.1)
            for port in ports:
                address = f"127.0.0.1:{port}"
                said = subprocess.run([self.load, address, "wait"], check=True, timeout=60,
                                      capture_output=True, text=True).stdout.strip()
                if said == "leads":
                    return address
        raise RuntimeError("no server leads")

    def measure(self, clients, in_flight, seconds):
        said = subprocess.run(
            [self.load, self.leader, clients, str(in_flight), str(int(seconds * 1000))],
            check=True, timeout=60 + 10 * seconds, capture_output=True, text=True).stdout
        return json.loads(said)

    def __exit__(self, *_):
        for process in self.processes:
            process.send_signal(signal.SIGTERM)
        for process in self.processes:
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(self.directory, ignore_errors=True)


def measure_disk(chosen, in_flight):
    with tempfile.TemporaryDirectory(prefix="coracle-commit-", dir=chosen.directory) as directory:
        said = subprocess.run(
            [os.path.join(chosen.binaries, "commit_raw_disk"), directory, str(in_flight),
             str(int(chosen.seconds * 1000))],
            check=True, timeout=120 + 10 * chosen.seconds, capture_output=True, text=True).stdout
    return json.loads(said)


def measure_round(chosen, figures):
    """All lines, so that all see the same machine."""
    def add(storage, clients, in_flight, figure):
        figures.setdefault((storage, clients, in_flight), []).append(figure)

    for in_flight in chosen.in_flight if "disk" in chosen.storage else []:
        add("raw", "", in_flight, measure_disk(chosen, in_flight))
    for storage in chosen.storage:
        with Cluster(chosen, storage) as cluster:
            cluster.measure(chosen.clients[0], chosen.in_flight[-1], min(0.3, chosen.seconds))
            for clients in chosen.clients:
                for in_flight in chosen.in_flight:
                    add(storage, clients, in_flight,
                        cluster.measure(clients, in_flight, chosen.seconds))


def main():
    chosen = parse()
    if "unsynced" in chosen.storage and not os.path.isdir(IN_MEMORY):
        print(f"no {IN_MEMORY} here: without the lines `unsynced`")
        chosen.storage.remove("unsynced")
    figures = {}
    for _ in range(chosen.rounds):
        measure_round(chosen, figures)
    rows, raw = [], []
    for (storage, clients, in_flight), rounds in figures.items():
        def median(key, rounds=rounds):
            return statistics.median(figure[key] for figure in rounds)

        targets = TARGETS.get(in_flight, (None, None)) if storage == "disk" else (None, None)
        rows.append([storage, clients, in_flight, median("per_second"), median("p50_us") / 1000,
                     median("p99_us") / 1000, median("p999_us") / 1000,
                     None if storage == "memory" else median("entries_per_sync"), *targets])
        raw += [[storage, clients, in_flight, number] + list(figure.values())
                for number, figure in enumerate(rounds)]
    keys = list(next(iter(figures.values()))[0])
    table.show(f"Three servers on this machine's {os.cpu_count()} cores, entries of 64 bytes; "
               f"medians of {chosen.rounds} rounds", HEADINGS, rows)
    table.save(os.path.join(chosen.out, "commit.csv"), HEADINGS, rows)
    table.save(os.path.join(chosen.out, "commit_rounds.csv"),
               ["storage", "clients", "in flight", "round"] + keys, raw)


if __name__ == "__main__":
    main()
