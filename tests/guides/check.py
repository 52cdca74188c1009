"""Runs what a page shows, and compares it with what the page says.

    check.py source PAGE OUT                writes the C++ of the page
    check.py run PAGE --program P --compiler C --include DIR --build DIR [--debug-checks]

Both from the root of the tree. Tells one line and a comparison for each block that differs.
"""

import argparse
import difflib
import os
import pathlib
import re
import resource
import signal
import subprocess
import sys

import own_network
import page as pages
import source

TIMEOUT = 60  # seconds, for one program; the slowest needs one, under sanitizers


def matches(expected, actual):
    """Whether lines are as expected: `...` in a line stands for any text, alone for any lines."""
    pattern = ""
    for line in expected:
        if line.strip() == "...":
            pattern += r"(?:.*\n)*?"
        else:
            pattern += ".*".join(re.escape(part) for part in line.split("...")) + "\n"
    return re.fullmatch(pattern, "".join(line + "\n" for line in actual)) is not None


def lines_of(text):
    return text.rstrip("\n").split("\n") if text.rstrip("\n") else []


def as_main_cc(page, program, text):
    """A reader sees places in a main.cc that holds the block."""
    def place(match):
        line = int(match.group(1)) - program.line + 1
        return f"main.cc:{line}" if 1 <= line <= len(program.lines) else match.group(0)

    return re.sub(re.escape(page.name) + r":(\d+)", place, text)


class Check:
    def __init__(self, page, options):
        self.page = page
        self.options = options
        self.failures = []
        self.counts = dict.fromkeys(["run", "compared", "sessions", "refused", "aborted"], 0)

    def fail(self, line, what, expected=None, actual=None):
        text = f"{self.page.name}:{line}: {what}"
        if expected is not None:
            text += "\n" + "\n".join(difflib.unified_diff(
                expected, actual, "what the page says", "what it really is", lineterm="", n=20))
        self.failures.append(text)

    def all(self):
        for program in self.page.programs:
            if program.mark == "cpp refused":
                continue
            if program.mark == "cpp aborts-in-debug" and not self.options.debug_checks:
                continue
            if program.session is not None and "./main" in "".join(program.session.text):
                self.converse(program.session, program)
            elif program.session is not None:
                self.serve(program)
            else:
                self.run(program)
        for session in self.page.sessions:
            self.converse(session)
        self.refused()

    def start(self, program, **streams):
        return subprocess.Popen(
            [self.options.program, str(program.line)], stdin=subprocess.DEVNULL, text=True,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (0, 0)), **streams)

    def compare(self, program, said):
        expected = program.output.text if program.output else []
        actual = lines_of(as_main_cc(self.page, program, said))
        self.counts["compared"] += program.output is not None
        if not matches(expected, actual):
            line = program.output.line if program.output else program.line
            self.fail(line, f"the program of line {program.line} prints something else",
                      expected, actual)

    def run(self, program):
        """A program that ends: what it and its log print."""
        process = self.start(program, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        try:
            said, _ = process.communicate(timeout=TIMEOUT)
        except subprocess.TimeoutExpired:
            process.kill()
            said, _ = process.communicate()
            self.fail(program.line, f"it does not end; no `console` block is behind it\n{said}")
            return
        aborts = program.mark.startswith("cpp aborts")
        self.counts["aborted" if aborts else "run"] += 1
        if aborts != (process.returncode == -signal.SIGABRT) or \
                (not aborts and process.returncode != 0):
            self.fail(program.line, f"it ended with status {process.returncode}\n{said}")
            return
        self.compare(program, said)

    def serve(self, program):
        """A server: what its clients see, and how it ends by Ctrl-C."""
        process = self.start(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.counts["run"] += 1
        try:
            self.converse(program.session)
            process.send_signal(signal.SIGINT)
            said, log = process.communicate(timeout=TIMEOUT)
        except subprocess.TimeoutExpired:
            process.kill()
            said, log = process.communicate()
            self.fail(program.line, f"Ctrl-C does not end it\n{log}")
            return
        if process.returncode != 0:
            self.fail(program.line, f"it ended with status {process.returncode}\n{log}")
            return
        self.compare(program, said)

    def converse(self, session, program=None):
        """Each command, and what it prints until the next one."""
        self.counts["sessions"] += 1
        self.counts["run"] += program is not None
        ours = pathlib.Path(__file__).resolve().parent / "bin"
        environment = {**os.environ, "PATH": f"{ours}:{os.environ['PATH']}"}
        said = []
        for line in session.text:
            if not line.startswith("$ "):
                continue
            said.append(line)
            command = line[2:].replace("build/release/", f"{self.options.build}/")
            if program is not None:
                command = command.replace("./main", f"{self.options.program} {program.line}")
            try:
                done = subprocess.run(["bash", "-c", command], env=environment, timeout=TIMEOUT,
                                      stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                      stdin=subprocess.DEVNULL, check=False)
                said += lines_of(done.stdout)
            except subprocess.TimeoutExpired:
                said.append(f"(no end within {TIMEOUT} s)")
        if not matches(session.text, said):
            self.fail(session.line, "the session goes otherwise", session.text, said)

    def refused(self):
        """What must not compile: each block has an error of its own, in the page's words."""
        programs = [program for program in self.page.programs if program.mark == "cpp refused"]
        if not programs:
            return
        allowed = {number for program in programs for number, _ in program.lines}
        done = subprocess.run(
            [self.options.compiler, "-std=c++20", "-fsyntax-only", "-Werror=unused-result",
             *(f"-I{directory}" for directory in self.options.include), "-x", "c++", "-"],
            input=source.refused_source(self.page), stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, check=False)
        seen = {int(number) for number in
                re.findall(re.escape(self.page.name) + r":(\d+)", done.stdout)}
        for number in re.findall(re.escape(self.page.name) + r":(\d+):\d+: error", done.stdout):
            if int(number) not in allowed:
                self.fail(number, f"what is not `refused` does not compile:\n{done.stdout}")
        for program in programs:
            self.counts["refused"] += 1
            lines = {number for number, _ in program.lines}
            if not seen & lines:
                self.fail(program.line, "the compiler takes it")
            for number, text in enumerate(program.output.text, program.output.line):
                pattern = ".*".join(re.escape(part) for part in text.split("..."))
                if re.search(pattern, done.stdout) is None:
                    self.fail(number, f"the compiler does not say it, but\n{done.stdout}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    made = commands.add_parser("source")
    made.add_argument("page")
    made.add_argument("out")
    run = commands.add_parser("run")
    run.add_argument("page")
    run.add_argument("--program", required=True)
    run.add_argument("--compiler", required=True)
    run.add_argument("--include", action="append", default=[])
    run.add_argument("--build", required=True)
    run.add_argument("--debug-checks", action="store_true")
    options = parser.parse_args()

    try:
        page = pages.Page(options.page, pathlib.Path(options.page).read_text(encoding="utf-8"))
    except pages.PageError as error:
        sys.exit(str(error))
    if options.command == "source":
        pathlib.Path(options.out).write_text(source.runnable_source(page), encoding="utf-8")
        return
    own_network.enter()
    check = Check(page, options)
    check.all()
    print(f"{page.name}: " + ", ".join(f"{n} {what}" for what, n in check.counts.items()))
    if check.failures:
        sys.exit("\n\n".join(check.failures))


if __name__ == "__main__":
    main()
