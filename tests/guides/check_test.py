"""That the guides' check fails when it should: pages that break a rule, and programs that print
something else than their page says."""

import pathlib
import stat
import tempfile
import types
import unittest

import check
import page as pages
import source

TASK = "Task<> example() { co_return; }"


def block(mark, *lines):
    return "\n".join([f"```{mark}", *lines, "```"]) + "\n"


def parse(*blocks):
    return pages.Page("page.md", "".join(blocks))


class Rules(unittest.TestCase):
    def refused(self, text, *blocks):
        with self.assertRaises(pages.PageError) as error:
            parse(*blocks)
        self.assertIn(text, str(error.exception))

    def test_a_block_is_marked(self):
        self.refused("page.md:1: a block is marked ``", block("", TASK))
        self.refused("marked `c++`", block("c++", TASK))
        self.refused("marked `cpp ignored`", block("cpp ignored", TASK))
        self.refused("begins at the margin", "  ```cpp\n")

    def test_a_block_ends(self):
        self.refused("page.md:1: this block has no end", "```cpp\n" + TASK)

    def test_a_block_can_be_run(self):
        self.refused("page.md:2: this block has neither", block("cpp", "int helper();"))
        self.refused("takes no arguments", block("cpp", "int main(int argc, char** argv) {}"))

    def test_a_text_belongs_to_one_program(self):
        self.refused("no program before it", block("text", "x"))
        self.refused("no program before it", block("cpp", TASK), block("text", "x"),
                     block("text", "y"))
        parse(block("text sample", "x"))

    def test_what_fails_shows_how(self):
        for mark in ("cpp refused", "cpp aborts", "cpp aborts-in-debug"):
            self.refused("is followed by the text", block(mark, TASK))

    def test_code_is_that_of_users(self):
        self.refused("users include", block("cpp", '#include "net/tcp.h"', TASK))

    def test_a_session_behind_a_program_is_its_own(self):
        page = parse(block("console", "$ a"), block("cpp", TASK), block("console", "$ b"),
                     block("console", "$ c"))
        self.assertEqual(page.programs[0].session.text, ["$ b"])
        self.assertEqual([session.text for session in page.sessions], [["$ a"], ["$ c"]])


class Tree(unittest.TestCase):
    def test_each_page_with_code_is_checked(self):
        here = pathlib.Path(__file__).resolve().parent
        root = here.parents[1]
        listed = (here / "CMakeLists.txt").read_text(encoding="utf-8")
        for folder in (".", "runtime", "net"):
            for path in sorted((root / folder).glob("*.md")):
                if "```cpp" in path.read_text(encoding="utf-8"):
                    self.assertIn(f" {path.relative_to(root)})", listed)


class Source(unittest.TestCase):
    def test_lines_keep_their_numbers(self):
        page = parse(block("cpp", "#include <map>", "", "int main() { f(); }"))
        made = source.emit(page, page.programs[0])
        self.assertIn('#line 2 "page.md"\n#include <map>\nnamespace line_2 {\n', made)
        self.assertIn('#line 4 "page.md"\nvoid main_program() { f(); }\n}', made)

    def test_a_part_sees_what_the_page_has_shown_and_no_more(self):
        page = parse(block("cpp", "int early();", TASK), block("cpp", "#include <set>", TASK))
        made = source.runnable_source(page)
        self.assertLess(made.index("int early();"), made.index("#include <set>"))
        self.assertIn("using namespace line_2;", made[made.index("#include <set>"):])

    def test_what_is_refused_is_compiled_apart(self):
        page = parse(block("cpp", "int right;", TASK), block("cpp refused", "int wrong;"),
                     block("text", "x"))
        self.assertNotIn("wrong", source.runnable_source(page))
        self.assertIn("wrong", source.refused_source(page))
        self.assertIn("right", source.refused_source(page))


class Comparing(unittest.TestCase):
    def test_dots_stand_for_what_differs(self):
        self.assertTrue(check.matches(["a ... z"], ["a b c z"]))
        self.assertFalse(check.matches(["a ... z"], ["a b c"]))
        self.assertTrue(check.matches(["a", "...", "z"], ["a", "b", "c", "z"]))
        self.assertTrue(check.matches(["a", "...", "z"], ["a", "z"]))
        self.assertFalse(check.matches(["a", "..."], ["b"]))
        self.assertFalse(check.matches(["a.c"], ["abc"]))
        self.assertFalse(check.matches(["a"], ["a", "b"]))
        self.assertFalse(check.matches([], ["a"]))

    def test_places_are_those_of_main_cc(self):
        page = parse("prose\n", block("cpp", "", TASK))
        self.assertEqual(check.as_main_cc(page, page.programs[0], "page.md:4 page.md:3 page.md:9"),
                         "main.cc:2 main.cc:1 page.md:9")


class Running(unittest.TestCase):
    """With shell scripts in the place of the program and the compiler."""

    def failures(self, script, *blocks, debug_checks=True):
        page = parse(*blocks)
        with tempfile.TemporaryDirectory() as directory:
            path = pathlib.Path(directory) / "program"
            path.write_text("#!/bin/sh\n" + script + "\n", encoding="utf-8")
            path.chmod(path.stat().st_mode | stat.S_IXUSR)
            checked = check.Check(page, types.SimpleNamespace(
                program=str(path), compiler=str(path), include=[], build=directory,
                debug_checks=debug_checks))
            checked.all()
        return "\n".join(checked.failures)

    def test_what_it_prints_is_what_the_page_says(self):
        example = [block("cpp", TASK), block("text", "hello")]
        self.assertEqual(self.failures("echo hello", *example), "")
        self.assertIn("page.md:5: the program of line 2", self.failures("echo hallo", *example))
        self.assertIn("-hello", self.failures("true", *example))
        self.assertIn("+hello", self.failures("echo hello", block("cpp", TASK)))

    def test_it_ends_well(self):
        self.assertIn("status 3", self.failures("exit 3", block("cpp", TASK)))
        before, check.TIMEOUT = check.TIMEOUT, 0.2
        try:
            self.assertIn("does not end", self.failures("exec sleep 20", block("cpp", TASK)))
        finally:
            check.TIMEOUT = before

    def test_what_is_aborted_is_aborted(self):
        example = [block("cpp aborts-in-debug", TASK), block("text", "why")]
        self.assertEqual(self.failures("echo why; kill -ABRT $$", *example), "")
        self.assertIn("status 0", self.failures("echo why", *example))
        self.assertIn("-why", self.failures("echo so; kill -ABRT $$", *example))
        self.assertEqual(self.failures("echo so", *example, debug_checks=False), "")

    def test_what_is_refused_is_refused_in_these_words(self):
        example = [block("cpp refused", TASK), block("text", "it ... dangle")]
        self.assertEqual(self.failures("echo 'page.md:2: it would dangle'", *example), "")
        self.assertIn("page.md:2: the compiler takes it", self.failures("true", *example))
        self.assertIn("page.md:5: the compiler does not say",
                      self.failures("echo page.md:2: syntax error", *example))

    def test_a_server_answers_and_ends_by_interrupt(self):
        # An interrupt that comes before the trap is there would kill it.
        server = "trap 'exit 0' INT; : >${0%/*}/ready; while :; do sleep 0.01; done"
        wait = "$ until [ -e build/release/ready ]; do sleep 0.01; done; "
        self.assertEqual(self.failures(server, block("cpp", TASK),
                                       block("console", wait + "echo a; echo b", "a", "...")), "")
        self.assertIn("page.md:5: the session goes otherwise",
                      self.failures(server, block("cpp", TASK),
                                    block("console", wait + "echo a", "b")))
        self.assertIn("status 4", self.failures(server.replace("0' INT", "4' INT"),
                                                block("cpp", TASK), block("console", wait + "true")))

    def test_a_command_runs_the_program(self):
        self.assertEqual(self.failures("cat; echo $1", block("cpp", TASK),
                                       block("console", "$ echo in | ./main", "in", "2")), "")


if __name__ == "__main__":
    unittest.main()
