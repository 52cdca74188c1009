"""Tables on the terminal and as CSV. A table is a list of headings and a list of rows of values."""
import csv
import os


def text(value):
    """A value as a person reads it: three significant digits are all that a benchmark is worth."""
    if value is None:
        return ""
    if isinstance(value, float):
        if value == 0 or abs(value) >= 100:
            return f"{value:,.0f}"
        return f"{value:.{3 if abs(value) < 0.1 else 2 if abs(value) < 10 else 1}f}"
    if isinstance(value, int):
        return f"{value:,}"
    return str(value)


def show(title, headings, rows):
    """Prints the table in Markdown, so that it can be pasted into a README as it is."""
    cells = [[text(value) for value in row] for row in rows]
    numeric = [any(isinstance(row[i], (int, float)) for row in rows) for i in range(len(headings))]
    widths = [max(len(row[i]) for row in [list(headings)] + cells) for i in range(len(headings))]

    def line(row):
        padded = (cell.rjust(w) if n else cell.ljust(w) for cell, w, n in zip(row, widths, numeric))
        return "| " + " | ".join(padded) + " |"

    print(f"\n{title}\n")
    print(line(headings))
    rules = ("-" * (w + 1) + (":" if n else "-") for w, n in zip(widths, numeric))
    print("|" + "|".join(rules) + "|")
    for row in cells:
        print(line(row))
    print(flush=True)


def save(path, headings, rows):
    """Writes the table as CSV, with full precision."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(headings)
        writer.writerows(["" if value is None else value for value in row] for row in rows)
    print(f"wrote {path}")
