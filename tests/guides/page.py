"""The code blocks of a guide: which there are, what becomes of each, and what it must print.

A page is Markdown. Its fenced blocks carry one of the marks in MARKS; any other, or none, is an
error. A block of C++ is one of two things:

- With a `main` it is a whole program.
- With `Task<> example()` (or `void example()`) it is the rest of one: the reader puts it behind
  the includes and functions that the page has shown so far, and adds the main.

The `text` block behind a program is what it prints; if there is none, it prints nothing.
"""

import dataclasses
import re

MARKS = {
    "cpp": "a program, or the rest of one: compiled, run, and its output compared",
    "cpp refused": "does not compile; the text behind it is found in what the compiler says",
    "cpp aborts": "compiled and run; it is aborted, and prints the text behind it",
    "cpp aborts-in-debug": "the same, where debug checks are on; compiled elsewhere",
    "text": "what the program before it prints",
    "text sample": "something that differs from run to run: not compared",
    "console": "`$ command` lines and what they print; behind a program, while it runs",
    "cmake": "for the reader's own CMakeLists.txt; tests/consumer has its like",
}


class PageError(Exception):
    """The page breaks a rule; says where."""


@dataclasses.dataclass
class Block:
    line: int  # of its first line of content, counted from 1
    mark: str
    text: list


@dataclasses.dataclass
class Program:
    """A block of C++, and what the page says about it."""

    block: Block
    entry: str  # how it begins: "main", "task" or "void"; "none" if it is refused
    output: Block = None
    session: Block = None

    @property
    def mark(self):
        return self.block.mark

    @property
    def line(self):
        return self.block.line

    @property
    def lines(self):
        """All (page line, text), in order."""
        return list(enumerate(self.block.text, self.block.line))


def read_blocks(name, text):
    """The fenced blocks of a page, in order."""
    blocks, current = [], None
    for number, line in enumerate(text.split("\n"), 1):
        if current is not None:
            if line.strip() == "```":
                blocks.append(current)
                current = None
            else:
                current.text.append(line)
        elif line.lstrip().startswith("```"):
            if line != line.lstrip():
                raise PageError(f"{name}:{number}: a block begins at the margin")
            mark = line[3:].strip()
            if mark not in MARKS:
                raise PageError(f"{name}:{number}: a block is marked `{mark}`; known are: "
                                + ", ".join(f"`{known}`" for known in MARKS))
            current = Block(number + 1, mark, [])
    if current is not None:
        raise PageError(f"{name}:{current.line - 1}: this block has no end")
    return blocks


def entry_of(block):
    if block.mark == "cpp refused":
        return "none"
    text = "\n".join(block.text)
    if re.search(r"^int main\(", text, re.M):
        if not re.search(r"^int main\(\) ", text, re.M):
            raise ValueError("a guide's main takes no arguments")
        return "main"
    if re.search(r"^Task<> example\(\)", text, re.M):
        return "task"
    if re.search(r"^void example\(\)", text, re.M):
        return "void"
    raise ValueError("this block has neither a `main` nor an `example`, so that nobody can run it")


class Page:
    """What a page shows: its programs, and the sessions that stand alone."""

    def __init__(self, name, text):
        self.name = name
        self.programs = []
        self.sessions = []
        self.blocks = read_blocks(name, text)
        previous = None
        for block in self.blocks:
            try:
                self._add(block, previous)
            except ValueError as error:
                raise PageError(f"{name}:{block.line}: {error}") from error
            previous = block
        for program in self.programs:
            if program.mark != "cpp" and program.output is None:
                raise PageError(f"{name}:{program.line}: a block that is `{program.mark}` is "
                                "followed by the text that shows it")
            if program.mark != "cpp" and program.session is not None:
                raise PageError(f"{name}:{program.line}: what fails serves nobody")

    def _add(self, block, previous):
        last = self.programs[-1] if self.programs else None
        if block.mark.startswith("cpp"):
            if any(re.match(r'\s*#\s*include\s*"', line) for line in block.text):
                raise ValueError("users include <coracle/...>")
            self.programs.append(Program(block, entry_of(block)))
        elif block.mark == "text":
            if last is None or last.output is not None:
                raise ValueError("there is no program before it that prints this")
            last.output = block
        elif block.mark == "console":
            if last is not None and previous is last.block:
                last.session = block
            else:
                self.sessions.append(block)
