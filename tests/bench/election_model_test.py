"""The arithmetic behind the election tables, against figures computed by hand."""
import csv
import io
import contextlib
import os
import tempfile
import unittest
from xml.dom import minidom

from bench import chart, table
from bench.election import model, paper
from bench.election.statistics import summarize


class ElectionModel(unittest.TestCase):
    RANGES = [(12, 24), (25, 50), (50, 100), (100, 200), (150, 300)]

    def means(self, eligible):
        return [round(model.mean_without_splits(low, high, eligible, 0.3, low / 2), 1)
                for low, high in self.RANGES]

    def test_three_servers_on_loopback(self):
        # a + (b - a) / 3 + 0.3 - a / 4
        self.assertEqual(self.means(2), [13.3, 27.4, 54.5, 108.6, 162.8])

    def test_five_servers_on_loopback(self):
        # a + (b - a) / 5 + 0.3 - a / 4
        self.assertEqual(self.means(4), [11.7, 24.1, 47.8, 95.3, 142.8])

    def test_two_of_three_split_when_either_is_close(self):
        # n = 3, s = 2, c = 2: one or two of two within l = 0.1: 2 * 0.1 * 0.9 + 0.01
        self.assertAlmostEqual(model.split_probability(0, 10, 3, 2, 1), 0.19)

    def test_four_of_five_split_when_two_are_close(self):
        # n = 5, s = 4, c = 3: 6 * 0.01 * 0.81 + 4 * 0.001 * 0.9 + 0.0001
        self.assertAlmostEqual(model.split_probability(0, 10, 5, 4, 1), 0.0523)

    def test_no_randomness_always_splits(self):
        self.assertEqual(model.split_probability(150, 150, 5, 4, 0.1), 1.0)
        self.assertEqual(model.mean_with_splits(150, 150, 4, 0.3, 75, 1.0), float("inf"))

    def test_a_split_costs_one_more_timeout(self):
        # 100 + 100/5 + 1 - 25 = 96, and one failed round for each success
        self.assertAlmostEqual(model.mean_with_splits(100, 200, 4, 1, 50, 0.5), 96 + 120)


class Statistics(unittest.TestCase):
    def test_quantiles_lie_between_neighbors(self):
        told = summarize([4, 1, 3, 2, 5])
        self.assertEqual((told["min"], told["p25"], told["p50"], told["max"]), (1, 2, 3, 5))
        self.assertAlmostEqual(told["p90"], 4.6)
        self.assertEqual(told["mean"], 3)

    def test_one_sample_is_everything(self):
        self.assertEqual(set(summarize([7]).values()), {7})

    def test_the_paper_is_in_order(self):
        for name in ("150-155", "12-24"):
            row = paper.figures(name)
            ordered = [row[column] for column in paper.COLUMNS[:-1]]
            self.assertEqual(ordered, sorted(ordered))
        self.assertEqual(paper.figures("1-2"), {})


class Output(unittest.TestCase):
    def test_a_table_is_markdown_with_aligned_columns(self):
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            table.show("title", ["name", "ns"], [["a", 1.234], ["longer", 12345.6], ["none", None]])
        lines = [line for line in out.getvalue().splitlines() if line.startswith("|")]
        self.assertEqual(lines, ["| name   |     ns |",
                                 "|--------|-------:|",
                                 "| a      |   1.23 |",
                                 "| longer | 12,346 |",
                                 "| none   |        |"])

    def test_csv_and_svg_can_be_read_back(self):
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
            path = os.path.join(folder, "deep", "t.csv")
            table.save(path, ["a", "b"], [[1.23456, None]])
            with open(path, newline="", encoding="utf-8") as file:
                self.assertEqual(list(csv.reader(file)), [["a", "b"], ["1.23456", ""]])
            for name, draw in (
                    ("bars", lambda p: chart.bars(p, "<t>", "ns", [("row", [("x", 2), ("y", 1)])])),
                    ("curves", lambda p: chart.cumulative(p, "t & u", "ms", [("x", [1, 5, 200])]))):
                path = os.path.join(folder, name + ".svg")
                draw(path)
                self.assertEqual(minidom.parse(path).documentElement.tagName, "svg")


if __name__ == "__main__":
    unittest.main()
