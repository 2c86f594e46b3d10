"""The command `course`. Each command imports what it needs, so that `course --help` answers at once."""

import sys
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
checkpoints_app = typer.Typer(no_args_is_help=True, help="Shipped checkpoints.")
app.add_typer(checkpoints_app, name="checkpoints")

Lessons = Annotated[list[str] | None, typer.Argument(help="Names or their beginnings, such as 22; none means all.")]
Profile = Annotated[str, typer.Option(help="smoke, cpu, gpu, or auto: gpu where there is an accelerator, else cpu.")]
Out = Annotated[Path | None, typer.Option(help="Folder of executed lessons; by default below the data root.")]


@app.callback()
def course() -> None:
    """Run, check, render and hand out the lessons of the course."""


@app.command()
def doctor() -> None:
    """Look at environment, devices, disk, kernel and database: a line each, OK or what to do."""
    from course_utils.cli import doctor

    findings = doctor.examine()
    for finding in findings:
        typer.echo(str(finding))
    raise typer.Exit(0 if all(finding.ok for finding in findings) else 1)


@app.command()
def run(
    lessons: Lessons = None,
    profile: Profile = "auto",
    out: Out = None,
    record: Annotated[bool, typer.Option(help="Merge the claims into the committed book/results.")] = False,
    force: Annotated[bool, typer.Option(help="Run also what is finished and unchanged.")] = False,
    parameter: Annotated[
        list[str] | None, typer.Option("--parameter", "-p", help="NAME=VALUE for one lesson, value in Python.")
    ] = None,
) -> None:
    """Execute lessons; what is finished and unchanged is not run again. Ends with a table of times and claims."""
    from course_utils.cli import session

    with _plain_errors():
        ended = session.run(lessons, profile, out, record=record, force=force, parameters=parameter or [])
    raise typer.Exit(0 if ended else 1)


@app.command()
def refresh(lessons: Lessons = None) -> None:
    """Run lessons in smoke and write the marked outputs back into them; bring generated files up to date."""
    from course_utils.cli import session

    with _plain_errors():
        ended = session.refresh(lessons)
    raise typer.Exit(0 if ended else 1)


@app.command()
def book(profile: Profile = "cpu", out: Out = None) -> None:
    """Render the book from executed lessons; executes nothing."""
    from course_utils import files
    from course_utils.cli import book

    with _plain_errors():
        index = book.build((out or files.out_root()) / profile, files.data_root() / "book")
    typer.echo(f"The book is ready: {index}")


@app.command()
def start(
    directory: Annotated[Path, typer.Argument(help="Folder for your copies; files that are there stay.")],
    lessons: Annotated[list[str] | None, typer.Argument(help="Names; none means all.")] = None,
) -> None:
    """Copy the lessons for a learner, solutions taken out. Never overwrites a file."""
    from course_utils.cli import learner
    from course_utils.cli import lessons as index

    with _plain_errors():
        done = learner.start(directory, [index.path_of(name) for name in index.choose(lessons)])
    for word, names in (("written", done.written), ("kept as it was", done.kept)):
        for name in names:
            typer.echo(f"{word}: {directory / name}")


@app.command(hidden=True)
def environment() -> None:
    """Write environment.yml anew from pyproject.toml and the lock."""
    from course_utils.cli import environment

    typer.echo(f"written: {environment.write()}")


@checkpoints_app.command()
def verify() -> None:
    """Load every shipped checkpoint and score it again; it must come within 0.5 point of its record."""
    from course_utils.cli import checkpoints

    with _plain_errors():
        findings = checkpoints.verify()
    for finding in findings:
        typer.echo(str(finding))
    raise typer.Exit(0 if all(finding.ok for finding in findings) else 1)


class _plain_errors:
    """Errors that a user can do something about are shown as one sentence, without a traceback."""

    def __enter__(self):
        return self

    def __exit__(self, kind, error, traceback):
        if kind is not None and issubclass(kind, ValueError | OSError | RuntimeError):
            typer.echo(f"course: {error}", err=True)
            sys.exit(2)
        return False
