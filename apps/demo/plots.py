"""The plot: what happens in the demo company, when and where. Ages are days before the last day of the data."""

from dataclasses import dataclass
from typing import Final

import polars as pl


@dataclass(frozen=True, slots=True)
class Plot:
    """One story before its amounts are known; `names` are the beginnings of the names of its resources."""

    slug: str
    kind: str
    provider: str
    team: str
    service: str
    names: tuple[str, ...]
    first_age: int
    last_age: int
    sentence: str  # {total} and {usual} are amounts, {days} the number of days
    factor: int = 1000  # thousandths: what is used more than usual
    usual_before: int = 0  # the same days, so many days earlier, show what is usual; 0 = there is no usual

    def matches(self) -> pl.Expr:
        """The charges of its resources."""
        named = [
            (pl.col("ResourceName") == name) | pl.col("ResourceName").str.starts_with(f"{name}-") for name in self.names
        ]
        return (pl.col("provider") == self.provider) & pl.any_horizontal(named)

    def in_window(self) -> pl.Expr:
        """The days on which it happens."""
        return pl.col("age").is_between(self.last_age, self.first_age)

    def in_usual_window(self) -> pl.Expr:
        """The days that it is compared with."""
        return pl.col("age").is_between(self.last_age + self.usual_before, self.first_age + self.usual_before)


PLOTS: Final = (
    Plot(
        "idle-gpu-pool",
        "idle_gpu",
        "azure",
        "vision",
        "Virtual Machines",
        ("vision-train-pool-03", "vision-train-pool-04"),
        20,
        0,
        "Two nodes of the GPU pool vision-train-pool have done nothing for {days} days: {total}.",
    ),
    Plot(
        "training-run-doubled",
        "training_run",
        "aws",
        "research",
        "Amazon EC2",
        ("pretrain",),
        16,
        0,
        "The training run pretrain-7b took a second p5 node: {total} in {days} days, {usual} in as many days before.",
        usual_before=17,
    ),
    Plot(
        "data-transfer-spike",
        "cost_spike",
        "aws",
        "data",
        "AWS Data Transfer",
        ("lake-vpc",),
        10,
        8,
        "The data lake was copied to another region: {total} of transfer in {days} days, {usual} a week before.",
        factor=36_000,
        usual_before=7,
    ),
    Plot(
        "vision-gpu-burst",
        "cost_spike",
        "azure",
        "vision",
        "Virtual Machines",
        ("vision-embed",),
        7,
        5,
        "Vision embedded its archive again on extra GPUs: {total} in {days} days, {usual} a week before.",
        usual_before=7,
    ),
    Plot(
        "voice-eval-key",
        "cost_spike",
        "openai",
        "voice",
        "OpenAI API",
        ("voice-eval",),
        1,
        1,
        "One API key, voice-eval, spent {total} in a day, {usual} on the same weekday before.",
        factor=2900,
        usual_before=7,
    ),
    Plot(
        "oversized-databases",
        "oversized_database",
        "aws",
        "data",
        "Amazon RDS",
        ("billing-db", "catalog-db"),
        27,
        0,
        "Three db.r6g.4xlarge databases are hardly used: {total} in {days} days.",
    ),
    Plot(
        "oversized-ranker",
        "oversized_machine",
        "aws",
        "search",
        "Amazon EC2",
        ("ranker-serve-02",),
        13,
        0,
        "ranker-serve-02 needs a third of the memory of its GPU: {total} in {days} days.",
    ),
    Plot(
        "untagged-sandbox",
        "untagged",
        "aws",
        "",
        "",
        ("tryout", "playground", "scratch", "old-prototype"),
        27,
        0,
        "Nothing in the account northwind-sandbox has tags, so nobody owns {total} of {days} days.",
    ),
    Plot(
        "forgotten-notebook",
        "forgotten_notebook",
        "aws",
        "research",
        "Amazon SageMaker",
        ("nb-gpu-lena-old",),
        118,
        0,
        "The notebook nb-gpu-lena-old has run day and night for {days} days since it was last opened: {total}.",
    ),
    Plot(
        "unattached-disks",
        "unattached_disk",
        "aws",
        "data",
        "Amazon EBS",
        ("unattached",),
        27,
        0,
        "14 disks of 9.2 TB have hung on no machine for months: {total} in {days} days.",
    ),
    Plot(
        "drifting-ranker",
        "model_drift",
        "aws",
        "search",
        "Amazon EC2",
        ("ranker-serve",),
        12,
        0,
        "The model ranker-v7 has drifted for {days} days: {total} went into answers of a stale model.",
    ),
    Plot(
        "unused-ml-savings-plan",
        "unused_commitment",
        "aws",
        "shared",
        "Amazon SageMaker",
        ("Machine Learning Savings Plan",),
        27,
        0,
        "Two endpoints were shut down, and half of Machine Learning Savings Plan is unused: {total} in {days} days.",
    ),
)
