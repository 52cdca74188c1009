"""The C++ that is compiled for a page: each program in a namespace of its own, in one file.

Compiling one file per page is several times faster than one per program. Lines keep the numbers
that they have on the page, for the compiler's messages and for what the runtime says about awaits.
"""

import re

USING = "using namespace coracle;\nusing namespace std::chrono_literals;"

HEAD = """// Made from {page} by tests/guides; changed there.
#include <cstdio>
#include <cstdlib>
#include <coracle/runtime/run.h>
#include <chrono>
"""

# Lines come out one by one, also into a pipe: in order with those of the log.
MAIN = """
int main(int argc, char** argv) {{
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  switch (argc == 2 ? std::atoi(argv[1]) : 0) {{
{cases}
    default:
      std::fputs("no program begins at this line: build it anew\\n", stderr);
      return 2;
  }}
  return 0;
}}
"""


def namespace_of(program):
    return f"line_{program.line}"


def using(page, program):
    """What a part of a program sees: the functions of the parts before it. Its own come first."""
    if program.entry == "main":
        return ""
    earlier = page.programs[:page.programs.index(program)]
    return USING + "".join(f"\nusing namespace {namespace_of(part)};" for part in earlier
                           if part.mark != "cpp refused")


def emit(page, program):
    """The program between namespace braces; what it includes stands outside."""
    out, inside = [], False

    def move(to_inside):
        nonlocal inside
        if inside != to_inside:
            out.append(f"namespace {namespace_of(program)} {{" if to_inside else "}")
            if to_inside:
                out.append(using(page, program))
        inside = to_inside

    expected = None
    for number, text in program.lines:
        if not text.strip():
            continue
        was_inside = inside
        move(not text.startswith("#include"))
        if number != expected or inside != was_inside:
            out.append(f'#line {number} "{page.name}"')
        expected = number + 1
        out.append(re.sub(r"^int main\(\)", "void main_program()", text))
    move(False)
    return "\n".join(out) + "\n"


def call(program):
    function = {"main": "main_program()", "task": "example()", "void": "example()"}[program.entry]
    if program.entry == "task":
        function = f"coracle::run({namespace_of(program)}::{function})"
    else:
        function = f"{namespace_of(program)}::{function}"
    return f"    case {program.line}: {function}; break;"


def includes_of(program):
    return "".join(text + "\n" for _, text in program.lines if text.startswith("#include"))


def runnable_source(page):
    """All programs of the page that compile, and a main that runs the one of a line."""
    source = HEAD.format(page=page.name)
    programs = [program for program in page.programs if program.mark != "cpp refused"]
    for program in page.programs:
        source += includes_of(program) if program.mark == "cpp refused" else emit(page, program)
    return source + MAIN.format(cases="\n".join(call(program) for program in programs))


def refused_source(page):
    """All that the page shows: what is wrong with it is what is refused."""
    return HEAD.format(page=page.name) + "".join(emit(page, program) for program in page.programs)
