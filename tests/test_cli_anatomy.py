"""Each rule on a lesson: silent on the toy lesson, and complaining about a fault planted for it."""

import json

import pytest

from course_utils.cli import anatomy
from course_utils.cli.anatomy import opening, tasks, text
from course_utils.cli.refresh import METADATA

ALT = "Line chart of a sum against its length: it rises"
REPEATED = [f"{kind}-{number}" for kind in ("sum", "section", "read") for number in range(4)]
LONG = "\n".join(f"x{number} = {number}" for number in range(26))


def edit(cell_id, old, new):
    """A fault: replace text in one cell."""

    def plant(cells, toy):
        cell = next(cell for cell in cells if cell.id == cell_id)
        assert old in cell.source
        cell.source = cell.source.replace(old, new)

    return plant


def lengthen(times):
    """A fault: 26 lines, or a multiple, more in each of three cells."""

    def plant(cells, toy):
        for number in range(3):
            edit(f"sum-{number}", "total", f"{LONG}\n" * times + "total")(cells, toy)

    return plant


def retag(cell_id, *tags):
    """A fault: other tags on one cell."""

    def plant(cells, toy):
        next(cell for cell in cells if cell.id == cell_id).metadata["tags"] = list(tags)

    return plant


def drop(*cell_ids):
    """A fault: cells taken out."""

    def plant(cells, toy):
        cells[:] = [cell for cell in cells if cell.id not in cell_ids]

    return plant


def insert(before, source, kind="code"):
    """A fault: one more cell."""

    def plant(cells, toy):
        index = [cell.id for cell in cells].index(before)
        cells.insert(index, getattr(toy, kind)(source, "planted"))

    return plant


def facts(**changed):
    """A fault: other metadata of the second exercise."""

    def plant(cells, toy):
        next(cell for cell in cells if cell.id == "exercise-2").metadata["exercise"].update(changed)

    return plant


def outputs(cell_id, *given):
    """A fault: other stored outputs of one cell."""

    def plant(cells, toy):
        next(cell for cell in cells if cell.id == cell_id).outputs = list(given)

    return plant


PICTURE = {"output_type": "display_data", "data": {"image/png": "AAAA"}, "metadata": {}}
FAULTS = [
    (opening.notebook_form, retag("proof", "nbval-check-outputs"), "got 'nbval-check-outputs'"),
    (opening.notebook_form, retag("sum-1", "nbval-skip"), "got 'nbval-skip'"),
    (opening.notebook_form, lambda cells, toy: setattr(cells[7], "id", "title"), "each cell id once, but got 'title'"),
    (opening.title_and_card, edit("title", "# 90 · ", "# 91 · "), "the title '# 90 ·"),
    (opening.title_and_card, edit("card", "licence CC0", "made by us"), "but it lacks licence"),
    (opening.imports, edit("imports", "import math", "from math import isclose"), "got isclose out of math"),
    (opening.imports, edit("imports", "import math", "from torch.nn.functional import *"), "got . out of torch"),
    (opening.imports, edit("imports", "import math", "import math\nX = 1"), "nothing but imports, but got 'X = 1'"),
    (opening.parameters, edit("parameters", "SEED = 0", "SEED = int(0)"), "literals only, but got 'SEED = int"),
    (opening.parameters, edit("parameters", "90_toy", "91_toy"), "LESSON = '90_toy', but got '91_toy'"),
    (opening.parameters, edit("parameters", '"auto"', '"smoke"'), "PROFILE = 'auto', but got 'smoke'"),
    (opening.parameters, edit("parameters", "SEED = 0\n", ""), "SEED = 0, but got None"),
    (opening.parameters, edit("parameters", "EPOCHS = None", "EPOCHS = 3"), "EPOCHS = None .* but got 3"),
    (opening.parameters, edit("parameters", "None: the", "the"), "EPOCHS = None  # what it is; None:"),
    (opening.parameters, retag("parameters"), "the tag parameters on the second code cell"),
    (opening.start_cell, edit("start", "PROFILE, SEED", "SEED"), "runtime.start.LESSON, PROFILE, SEED. first"),
    (opening.start_cell, edit("start", "ledger.begin(run)\n", ""), "ledger.begin.run. second"),
    (opening.start_cell, edit("start", ", gpu=3", ""), "smoke=…, cpu=…, gpu=…"),
    (opening.start_cell, edit("start", "EPOCHS = run.pick(EPOCHS", "N = run.pick(EPOCHS"), "for each of .'EPOCHS'"),
    (opening.start_cell, edit("sum-1", "total_1 =", "N = run.pick(2, smoke=1, cpu=2, gpu=3)\ntotal_1 ="), "start cell"),
    (opening.parameters_are_read, edit("parameters", "SEED = 0", "SEED = 0\nWIDTH = None"), "parameter WIDTH to"),
    (opening.no_branch_on_profile, edit("sum-1", "total_1 =", 'if PROFILE == "cpu": N = 1\ntotal_1 ='), "PROFILE"),
    (opening.no_branch_on_profile, edit("sum-1", "EPOCHS", '(1 if run.profile == "gpu" else 2)'), "run.profile =="),
    (opening.no_branch_on_profile, edit("sum-1", "EPOCHS", '{"cpu": 1}[run.profile]'), "no branch on the profile"),
    (tasks.exercise_cells, drop("exercise-3-text", "exercise-3", "exercise-3-check"), "3 to 5 exercises, but got 2"),
    (tasks.exercise_cells, insert("exercise-2-check", "1"), "exercise-text, exercise and check in a row"),
    (tasks.exercise_cells, retag("exercise-2-text"), "exercise-text, exercise and check in a row"),
    (tasks.exercise_cells, facts(id="90.7"), "with id 90.2, stars"),
    (tasks.exercise_cells, facts(stars=4), "stars 1 to 3"),
    (tasks.exercise_cells, edit("exercise-2-text", "★★", "★"), "### Exercise 90.2 ★★"),
    (tasks.exercise_cells, edit("exercise-2-text", "<summary>", ""), "hints in <details>"),
    (tasks.exercise_cells, edit("exercise-2-check", "double_2", "double_1"), r"check_90_2\(double_2\), but got"),
    (tasks.exercise_functions, edit("exercise-1", "def", "y = 1\ndef"), r"got \['Assign', 'FunctionDef'\]"),
    (tasks.exercise_functions, edit("exercise-1", "### BEGIN SOLUTION", ""), "BEGIN SOLUTION before line 4"),
    (tasks.exercise_functions, edit("sum-1", "total_1 =", "### BEGIN SOLUTION\n### END SOLUTION\ntotal_1 ="), "tagged"),
    (tasks.exercise_stands_alone, edit("exercise-1", "2 * x", "total_1 * x"), r"used, but got \['total_1'\]"),
    (tasks.exercise_stands_alone, edit("exercise-1", "2 * x", "[y * EPOCHS for y in x]"), r"got \['EPOCHS'\]"),
    (tasks.exercise_stands_alone, edit("exercise-2", "(x)", "(x, n=total_1)"), r"got \['total_1'\]"),
    (tasks.no_name_of_an_exercise, edit("exercise-3", "2 * x", "double_1(x)"), "no use of double_1"),
    (tasks.no_name_of_an_exercise, insert("recap", "double_2(3)"), "no use of double_2"),
    (tasks.closing_sections, drop("recap"), "what goes wrong, recap, next, references after"),
    (tasks.closing_sections, lambda cells, toy: cells.insert(5, cells.pop()), "after the exercises"),
    (text.sizes, drop("agree", *REPEATED), "25 to 70 cells, but got 24"),
    (text.sizes, edit("section-1", "We read", "We read the words " * 600), "words of prose, but got"),
    (text.sizes, drop(*REPEATED[4:]), "words of prose, but got"),
    (text.sizes, edit("sum-1", "total_1 =", "\n".join([LONG] * 2) + "\ntotal_1 ="), "25 lines a cell, at most 2"),
    (text.sizes, lengthen(1), "25 lines a cell, at most 2"),
    (text.sizes, lengthen(4), "300 lines of code, at the median 8 a cell, but got"),
    (text.sizes, edit("figure", "viz.show(", "viz.show(fig, alt='')\n" * 10 + "viz.show("),
     "10 figures, but got 11"),
    (text.prose_between_code, drop("agree", "rises"), "prose after 2 cells of code"),
    (text.plain_words, edit("agree", "Both", "Obviously both"), "prose without Obviously"),
    (text.plain_words, edit("agree", "agree.", "agree!"), "prose without !"),
    (text.plain_words, edit("agree", "Both", "It is simply that just both"), "without just, simply"),
    (text.alt_texts, edit("figure", f', alt="{ALT}"', ""), "got ''"),
    (text.alt_texts, edit("figure", ALT, "A chart"), "got 'A chart'"),
    (text.alt_texts, edit("figure", f'"{ALT}"', 'f"Up to {total_1}"'), "Up to"),
    (text.alt_texts, edit("figure", "viz.show(", "plt.show()\nviz.show("), "got plt.show"),
    (text.alt_texts, edit("agree", "Both", "![](plot.png) Both"), "a picture with alternative text"),
    (text.alt_texts, edit("agree", "Both", '<img src="plot.png"> Both'), "a picture with alternative text"),
    (text.claims, drop("claim"), "one ledger.claim or more"),
    (text.claims, insert("holds", 'ledger.claim("sum", "{value}", 1, unit="ones")'), "each name once, but got"),
    (text.plain_code, edit("sum-1", "total_1 =", "%pip install x\ntotal_1 ="), "got '%pip install x'"),
    (text.plain_code, edit("sum-1", "total_1 =", "!ls\ntotal_1 ="), "got '!ls'"),
    (text.plain_code, edit("sum-1", "total_1 =", "sys.path.append('..')\ntotal_1 ="), "got 'sys.path'"),
    (text.plain_code, edit("sum-1", "total_1 =", "api_key = '0123456789abcdef'\ntotal_1 ="), "got 'a key'"),
    (text.plain_code, edit("sum-1", "total_1 =", "key = os.environ['HF_TOKEN']\ntotal_1 ="), "got 'a key'"),
    (text.plain_code, edit("sum-1", "total_1 =", "total_1 = ("), "code that does not parse"),
    (text.stored_outputs, outputs("sum-1", PICTURE), "no stored output"),
    (text.stored_outputs, outputs("proof"), "the stored output of a marked cell, but got none"),
    (text.stored_outputs, outputs("proof", PICTURE), "print text only, but got .'image/png'"),
    (text.stored_outputs, retag("proof", "nbval-check-output"), "nbval-check-output and keep_output together"),
    (text.stored_outputs, lambda cells, toy: setattr(cells[6], "execution_count", 3), "execution count"),
]  # fmt: skip


def test_toy_lesson_has_no_faults(toy, tmp_path):
    """A lesson that follows the anatomy gets no complaint from any rule."""
    assert anatomy.check_lesson(toy.write(tmp_path, toy.cells())) == []


@pytest.mark.parametrize(("rule", "plant", "message"), FAULTS, ids=lambda value: getattr(value, "__name__", ""))
def test_planted_fault_is_found_by_its_rule(toy, tmp_path, rule, plant, message):
    """A fault planted in the toy lesson makes its rule complain, in words that name it."""
    cells = toy.cells()
    plant(cells, toy)
    path = tmp_path / "90_toy.ipynb"
    notebook = {"cells": cells, "metadata": METADATA, "nbformat": 4, "nbformat_minor": 5}
    path.write_text(json.dumps(notebook), encoding="utf-8")
    found = list(rule(anatomy.read_lesson(path)))
    assert found
    with pytest.raises(AssertionError, match=message):
        raise AssertionError("\n".join(found))


def test_every_rule_has_a_planted_fault():
    """No rule stands untested: each is in the list of faults."""
    assert {rule for rule, _, _ in FAULTS} == set(anatomy.RULES)


def test_functions_written_out_before_may_be_used(toy, tmp_path):
    """An exercise may call a function that an earlier cell defines, arguments, comprehensions and builtins."""
    cells = toy.cells()
    edit("sum-0", "total_0 =", "def once(x):\n    return x\n\n\ntotal_0 =")(cells, toy)
    edit("exercise-1", "2 * x", "sum(once(y) for y in [x, x]) + math.floor(0.5)")(cells, toy)
    lesson = anatomy.read_lesson(toy.write(tmp_path, cells))
    assert list(tasks.exercise_stands_alone(lesson)) == []


@pytest.mark.parametrize(
    "words", ["`a != b`", "$n!$", "```\nprint('!')\n```", "![a picture of a cat](cat.png)", "<!-- x -->"]
)
def test_marks_that_do_not_shout_are_left_alone(toy, tmp_path, words):
    """Code, formulas, pictures and comments may hold an exclamation mark."""
    cells = toy.cells()
    edit("agree", "Both", f"{words} Both")(cells, toy)
    assert anatomy.check_lesson(toy.write(tmp_path, cells)) == []


@pytest.mark.parametrize(
    ("name", "module"),
    [
        ("torch.nn", True),
        ("torchvision.transforms.v2", True),
        ("course_utils.viz", True),
        ("course_utils.viz.show", False),
        ("nowhere.at_all", False),
        ("math.pi", False),
    ],
)
def test_modules_are_told_from_names(name, module):
    """A dotted name is looked up as a module without importing anything."""
    assert opening.is_module(name) is module


def test_short_or_broken_files_are_told(toy, tmp_path):
    """A notebook without cells gives one complaint, a file that is no notebook a ValueError with its path."""
    assert anatomy.check_lesson(toy.write(tmp_path, [])) == [
        "Expected 90_toy to open with title, card, imports, parameters and start, but it is shorter."
    ]
    (tmp_path / "91_broken.ipynb").write_text("{")
    with pytest.raises(ValueError, match=r"91_broken\.ipynb to be a notebook"):
        anatomy.check_lesson(tmp_path / "91_broken.ipynb")


def test_wrong_kernel_and_name_are_told(toy, tmp_path):
    """A kernel that only its author has, and a file name without number, are refused."""
    path = toy.write(tmp_path, toy.cells(), "toy")
    path.write_text(path.read_text().replace('"name": "python3"', '"name": "my-env"'))
    found = "\n".join(opening.notebook_form(anatomy.read_lesson(path)))
    assert "22_transfer_learning.ipynb, but got toy.ipynb" in found and "my-env" in found


def test_prose_may_stand_between_the_cells_of_the_opening(toy, tmp_path):
    """Imports, parameters and start are the first three cells of code; a sentence before each is welcome."""
    cells = toy.cells()
    for name in ("imports", "parameters", "start"):
        cells.insert([cell.id for cell in cells].index(name), toy.text("What comes next.", f"about-{name}"))
    assert anatomy.check_lesson(toy.write(tmp_path, cells)) == []
