"""The subcommands of `edgehar` that make models and results."""

from train.commands.data import data
from train.commands.evaluate import evaluate
from train.commands.report import report
from train.commands.train import train

__all__ = ["data", "evaluate", "report", "train"]
