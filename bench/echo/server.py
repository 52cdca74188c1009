"""Starts the echo servers and the load generator, and counts what a server does per request."""
import os
import re
import signal
import subprocess
import tempfile
import time


def pin(cpu):
    """For preexec_fn: keeps the child on one core, where there is more than one; None: on any."""
    if cpu is not None and len(os.sched_getaffinity(0)) > 1:
        return lambda: os.sched_setaffinity(0, {sorted(os.sched_getaffinity(0))[cpu]})
    return None


class Server:
    """One echo server process, listening on a port that it prints as `port=N`."""

    def __init__(self, binary, preload=None, arguments=(), cpu=1):
        environment = dict(os.environ)
        if preload:
            environment["LD_PRELOAD"] = preload
        self.process = subprocess.Popen([binary, *arguments], stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True, env=environment,
                                        preexec_fn=pin(cpu))
        first = self.process.stdout.readline()
        found = re.search(r"port=(\d+)", first)
        if not found:
            self.process.kill()
            raise RuntimeError(f"{binary} did not start: {first}{self.process.stderr.read()}")
        self.port = int(found.group(1))

    def stop(self):
        """Ends the server; returns what it wrote on standard error."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.communicate(timeout=20)[1]
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.stop()


def load(binary, port, cpu=0, **options):
    """Runs the load generator to its end; returns its figures as a dictionary."""
    command = [binary, "--port", str(port)]
    for name, value in options.items():
        command += [f"--{name.replace('_', '-')}", str(value)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120,
                          preexec_fn=pin(cpu))
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr}")
    return {key: float(value) for key, value in re.findall(r"(\w+)=(\S+)", done.stdout)}


def _allocations(binary, preload, load_binary, requests, connections, size):
    with Server(binary, preload) as server:
        load(load_binary, server.port, connections=connections, bytes=size, requests=requests)
        return int(re.search(r"allocations=(\d+)", server.stop()).group(1))


def _wait_for_tracer(pid):
    for _ in range(500):
        with open(f"/proc/{pid}/status", encoding="ascii") as status:
            if "TracerPid:\t0" not in status.read():
                return
        time.sleep(0.01)
    raise RuntimeError("strace did not attach")


def _system_calls(binary, load_binary, requests, connections, size):
    with tempfile.TemporaryDirectory() as directory, Server(binary) as server:
        summary = os.path.join(directory, "calls")
        tracer = subprocess.Popen(["strace", "-c", "-f", "-qq", "-o", summary,
                                   "-p", str(server.process.pid)])
        _wait_for_tracer(server.process.pid)
        load(load_binary, server.port, connections=connections, bytes=size, requests=requests)
        server.stop()
        tracer.wait(timeout=20)
        with open(summary, encoding="ascii") as file:
            fields = [line.split() for line in file]
    return {field[-1]: int(field[3]) for field in fields
            if len(field) >= 5 and field[3].isdigit() and field[-1] != "total"}


def per_request(binary, preload, load_binary, connections, size):
    """System calls by name, and heap allocations, per request in steady state.

    Two runs of different length are subtracted, so that starting, accepting and closing, which
    are alike in both, cancel out.
    """
    few, many = 2_000, 12_000
    arguments = (connections, size)
    less = _system_calls(binary, load_binary, few, *arguments)
    more = _system_calls(binary, load_binary, many, *arguments)
    counted = {name: (more.get(name, 0) - less.get(name, 0)) / (many - few) for name in more}
    heap = (_allocations(binary, preload, load_binary, many, *arguments) -
            _allocations(binary, preload, load_binary, few, *arguments)) / (many - few)
    return counted, heap
