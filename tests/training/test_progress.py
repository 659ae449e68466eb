from io import StringIO
from types import SimpleNamespace

import pytest
from rich.console import Console

from signtalk.training.progress import EpochProgress, duration, epoch_line

ROW = {"epoch": 3, "train_loss": 12.3456, "val_retrieval_top1": "", "val_retrieval_mrr": ""}


def test_what_was_not_measured_is_not_told() -> None:
    assert epoch_line(ROW, 40, 125.0) == "epoch 3 of 40, loss 12.3, about 2 min left"
    measured = ROW | {"val_retrieval_top1": 0.5, "val_retrieval_mrr": 0.61234}
    assert epoch_line(measured, 40, None) == "epoch 3 of 40, loss 12.3, validation R@1 0.500, MRR 0.612"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0 s"), (59, "59 s"), (60, "1 min"), (3569, "59 min"), (3590, "1 h 0 min"), (9000, "2 h 30 min")],
)
def test_a_duration_is_rounded(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def ran(console: Console, epochs: int, seconds: float, first: int = 0, until: int | None = None) -> None:
    """The hooks in Lightning's order, each epoch `seconds` long."""
    clock = [100.0]
    progress, until = EpochProgress(epochs, console, clock=lambda: clock[0]), until or epochs
    trainer = SimpleNamespace(current_epoch=first, max_epochs=until, num_training_batches=2, is_global_zero=True)
    module = SimpleNamespace(history=SimpleNamespace(rows=[]))
    progress.on_train_start(trainer, module)
    for epoch in range(first, until):
        trainer.current_epoch = epoch
        progress.on_train_epoch_start(trainer, module)
        for _ in range(2):
            progress.on_train_batch_end(trainer)
        clock[0] += seconds
        module.history.rows.append(ROW | {"epoch": epoch + 1})
    progress.on_train_end(trainer, module)


def test_a_log_file_gets_the_first_epoch_the_last_and_few_between() -> None:
    file = StringIO()
    ran(Console(file=file, width=200), epochs=40, seconds=10)
    lines = file.getvalue().splitlines()
    assert lines[0] == "epoch 1 of 40, loss 12.3, about 6 min left"
    assert lines[1] == "epoch 4 of 40, loss 12.3, about 6 min left"
    assert lines[-1] == "epoch 40 of 40, loss 12.3"
    assert len(lines) == 14
    assert "\r" not in file.getvalue()


def test_a_long_training_writes_no_more_lines() -> None:
    file = StringIO()
    ran(Console(file=file, width=200), epochs=2000, seconds=60)
    assert len(file.getvalue().splitlines()) <= 52


def test_what_a_resumed_run_did_before_took_no_time() -> None:
    file = StringIO()
    ran(Console(file=file, width=200), epochs=12, seconds=60, first=10)
    assert file.getvalue().splitlines() == ["epoch 11 of 12, loss 12.3, about 1 min left", "epoch 12 of 12, loss 12.3"]


def test_a_call_that_stops_before_the_end_tells_its_own_time_left() -> None:
    file = StringIO()
    ran(Console(file=file, width=200), epochs=12, seconds=60, until=2)
    assert file.getvalue().splitlines() == ["epoch 1 of 12, loss 12.3, about 1 min left", "epoch 2 of 12, loss 12.3"]


def test_a_terminal_gets_a_bar_that_goes_away() -> None:
    file = StringIO()
    ran(Console(file=file, width=100, force_terminal=True), epochs=3, seconds=90)
    assert "about 2 min left" in file.getvalue()
    assert "training" in file.getvalue()
    assert file.getvalue().endswith("\x1b[2K")  # the line is cleared


def test_a_bar_does_not_outlive_an_error() -> None:
    console = Console(file=StringIO(), width=100, force_terminal=True)
    progress = EpochProgress(2, console)
    trainer = SimpleNamespace(current_epoch=0, max_epochs=2, num_training_batches=2, is_global_zero=True)
    progress.on_train_start(trainer, SimpleNamespace())
    progress.on_exception(trainer, SimpleNamespace(), ValueError())
    assert progress._bar is None
    progress.on_train_batch_end(trainer)
