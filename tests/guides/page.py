"""The code blocks of a guide: which there are, what becomes of each, and what it must print.

A page is Markdown. Its fenced blocks carry one of the marks in MARKS; any other, or none, is an
error. The C++ of a page is made of programs:

- A block with a `main` is a whole program.
- A block with `Task<> example()` (or `void example()`) is the rest of a program: the reader puts
  it behind the includes that the page has shown so far and two `using` lines, and adds the main.
- A block with neither is completed by the blocks that follow.

The `text` block behind a program is what it prints; if there is none, it prints nothing.
"""

import dataclasses
import re

MARKS = {
    "cpp": "a program, or a part of one: compiled, run, and its output compared",
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
    """One or several cpp blocks, and what is said about them."""

    blocks: list
    mark: str = "cpp"
    entry: str = ""  # "main", "task" or "void"; empty while it is not complete
    output: Block = None
    session: Block = None

    @property
    def line(self):
        return self.blocks[0].line

    @property
    def lines(self):
        """All (page line, text), in order."""
        return [(block.line + i, text) for block in self.blocks for i, text in enumerate(block.text)]


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
    text = "\n".join(block.text)
    if re.search(r"^int main\(", text, re.M):
        if not re.search(r"^int main\(\) ", text, re.M):
            raise ValueError("a guide's main takes no arguments")
        return "main"
    if re.search(r"^Task<> example\(\)", text, re.M):
        return "task"
    if re.search(r"^void example\(\)", text, re.M):
        return "void"
    return ""


class Page:
    """What a page shows: its programs, and the sessions that stand alone."""

    def __init__(self, name, text):
        self.name = name
        self.programs = []
        self.sessions = []
        self.blocks = read_blocks(name, text)
        self._open = None
        for block in self.blocks:
            try:
                self._add(block)
            except ValueError as error:
                raise PageError(f"{name}:{block.line}: {error}") from error
        if self._open is not None:
            raise PageError(f"{name}:{self._open.line}: no later block completes this one with a "
                            "`main` or an `example`")
        for program in self.programs:
            if program.mark != "cpp" and program.output is None:
                raise PageError(f"{name}:{program.line}: a block that is `{program.mark}` is "
                                "followed by the text that shows it")
            if program.mark == "cpp refused" and program.session is not None:
                raise PageError(f"{name}:{program.line}: what is refused does not run")

    def _add(self, block):
        if block.mark.startswith("cpp"):
            self._add_code(block)
            return
        last = self.programs[-1] if self.programs else None
        if self._open is not None and block.mark in ("text", "console"):
            raise ValueError("the program before it is not complete")
        if block.mark == "text":
            if last is None or last.output is not None:
                raise ValueError("there is no program before it that prints this")
            last.output = block
        elif block.mark == "console":
            if last is not None and last.output is None and last.session is None \
                    and self._follows(last, block):
                last.session = block
            else:
                self.sessions.append(block)

    def _follows(self, program, block):
        """Whether no other block is between a program and this one."""
        return self.blocks[self.blocks.index(block) - 1] is program.blocks[-1]

    def _add_code(self, block):
        for line in block.text:
            if re.match(r'\s*#\s*include\s*"', line):
                raise ValueError("users include <coracle/...>")
        if block.mark == "cpp refused":
            if self._open is not None:
                raise ValueError("the program before it is not complete")
            self.programs.append(Program([block], block.mark, entry="none"))
            return
        if self._open is None:
            self._open = Program([block], block.mark)
        elif block.mark != self._open.mark:
            raise ValueError(f"it continues a block that is marked `{self._open.mark}`")
        else:
            self._open.blocks.append(block)
        self._open.entry = entry_of(block)
        if self._open.entry:
            self.programs.append(self._open)
            self._open = None
