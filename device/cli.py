"""The command `edgehar`: subcommands by group, each imported only when it is called.

So `edgehar --help` does not load numpy, and a board without TensorFlow runs all but training.
"""

import errno
import os
import re
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module

import click

from device.config.suggest import did_you_mean
from firmware_bridge.errors import EdgeharError, InputError

_GROUPS = {
    "Use a sensor": {
        "init": ("device.commands.init:command", "Set up a sensor: find, check, configure, watch."),
        "run": ("device.commands.run:command", "Classify what a sensor sends, live (the daemon)."),
        "record": ("device.commands.record:command", "Record what a sensor sends, with labels."),
        "calibrate": ("device.commands.calibrate:command", "Measure a sensor's constant errors."),
        "doctor": ("device.commands.doctor:command", "Check board, port and sensor; give advice."),
        "service": ("device.commands.service:command", "Let systemd run the daemon."),
        "demo": ("device.commands.demo:command", "See everything work without hardware."),
    },
    "Look back": {
        "classify": ("device.commands.classify:command", "Classify recordings, at full speed."),
        "history": ("device.commands.history:command", "Write a day's decisions as CSV or JSON."),
        "report": ("device.commands.report:report", "Show a day; make the tables of the pages."),
        "dashboard": ("device.commands.dashboard:command", "Serve a page: now, today, 30 days."),
        "label": ("device.commands.label:command", "Correct a decision; keep its samples."),
    },
    "Models": {
        "models": ("device.commands.models:command", "List, install, activate, roll back models."),
        "bundle": ("device.commands.bundle:command", "Show or check a model bundle."),
    },
    "Build your own": {
        "data": ("train.commands:data", "List or check the training data."),
        "train": ("train.commands:train", "Train a model."),
        "evaluate": ("train.commands:evaluate", "Evaluate a model on people it never saw."),
        "convert": ("convert.commands:convert", "Convert a trained model into a bundle."),
        "play": ("device.commands.play:command", "Play a recording as the firmware would send it."),
        "bench": ("device.commands.bench:command", "Measure this machine against the budgets."),
    },
}
_COMMANDS = {name: entry for group in _GROUPS.values() for name, entry in group.items()}
PROGRAM = (sys.executable, "-c", "from device.cli import main; main()")
"""Starts `edgehar` in a new process, wherever it is installed."""

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_EXTRA_OF = {
    **dict.fromkeys(("tensorflow", "keras", "scipy", "sklearn", "matplotlib"), "[train]"),
    "prometheus_client": "[metrics]",
    "paho": "[mqtt]",
    "waitress": "[dashboard]",
    **dict.fromkeys(("numpy", "serial", "smbus2", "rich"), ""),  # a broken installation
}


class _LazyGroup(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 -- click's signature
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in _COMMANDS:
            return None
        module, attribute = _COMMANDS[cmd_name][0].split(":")
        command = getattr(import_module(module), attribute)
        if not isinstance(command, click.Command):
            raise TypeError(f"{module}:{attribute} is not a click command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        for title, group in _GROUPS.items():
            with formatter.section(title):
                formatter.write_dl([(name, text) for name, (_, text) in group.items()])


def _print_version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version  # noqa: PLC0415 -- 20 ms that --help saves

        click.echo(f"edgehar {version('edgehar')}")
        ctx.exit()


@click.group(
    cls=_LazyGroup,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="\b\nExample:\n  edgehar demo",
)
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_print_version,
    help="Show the version and exit.",
)  # fmt: skip
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Recognise what a person is doing from a sensor on the wrist, on the board itself."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit: 0 done, 1 failed, 2 bad input, 130 interrupted."""
    _open_standard_streams()
    try:
        code = _exit_code(arguments)
    except OSError as error:
        # An error of a stream has no file name. Any other OSError is a bug of the command.
        if error.filename is not None or error.errno not in _FULL:
            raise
        code = _complain(f"cannot write to standard output: {error.strerror}", 1)
    sys.exit(_flushed() or code)


def _open_standard_streams() -> None:
    """Open /dev/null for each stream that was closed: else the next file would get its number."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            os.dup2(os.open(os.devnull, os.O_RDWR), number)
            setattr(sys, name, os.fdopen(number, "w" if number else "r", closefd=False))


def _flushed() -> int:
    """Flush standard output and error; return 1 if standard output cannot be written.

    A closed terminal or pipe is no failure of the command. Without this function, Python flushes
    at exit and ends with 120.
    """
    code = 0
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError as error:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
            if stream is sys.stdout and error.errno not in {errno.EPIPE, errno.EIO}:
                code = _complain(f"cannot write to standard output: {error.strerror}", 1)
    return code


def _exit_code(arguments: Sequence[str] | None) -> int:
    try:
        for number, argument in enumerate(sys.argv[1:] if arguments is None else arguments, 1):
            if re.fullmatch(r"(--[\w-]+=)?", argument):  # else an empty path becomes this folder
                raise InputError(f"argument {number} is empty; is a shell variable not set?")
        returned = cli.main(args=arguments, prog_name="edgehar", standalone_mode=False)
    except EdgeharError as error:
        return _complain(str(error), error.exit_code)
    except click.UsageError as error:
        return _complain(_usage(error), 2)
    except click.ClickException as error:
        return _complain(error.format_message(), 2)
    except click.Abort:  # what click makes of KeyboardInterrupt
        return 130
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing not in _EXTRA_OF:
            raise
        pip = f"{sys.executable.rpartition('/')[0]}/pip"  # of this environment
        remedy = f"{pip} install 'edgehar{_EXTRA_OF[missing]}'"
        return _complain(f"{missing} is not installed, and this command needs it: {remedy}", 1)
    return returned if isinstance(returned, int) else 0


def _usage(error: click.UsageError) -> str:
    context = error.ctx
    path = context.command_path if context else "edgehar"
    message = error.format_message().rstrip(".")
    names: Sequence[str] = []
    if context and isinstance(context.command, click.Group):
        names = context.command.list_commands(context)
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        message = f"{path} needs a command: {', '.join(names)}"
    elif isinstance(error, click.BadParameter) and error.param is not None:
        names = getattr(error.param.type, "choices", [])
    if wrong := re.search(r"No such command '([^']+)'|'([^']+)' is not one of", message):
        message += did_you_mean(wrong[1] or wrong[2], names)
    return f"{message}; try '{path} --help'"


def _complain(message: str, code: int) -> int:
    with suppress(OSError):  # standard error is closed
        click.echo("edgehar: " + " ".join(message.split()), err=True)
    return code
