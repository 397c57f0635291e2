"""The bar of a training."""

import io
import sys

from cifar10_tf1.training import progress
from cifar10_tf1.training.progress import Progress


class Clock:
    """Two seconds a step."""
    now = 0

    def __call__(self):
        self.now += 2
        return self.now


def test_mean_loss_speed_and_time_left():
    # Two images in one of four steps, else four: 3.5 on average.
    counted = Progress([4, 4, 4, 2], 3, 12, clock=Clock())
    with counted.bar(4):
        counted.advance(5, 1.0)
        assert counted.describe(5) == 'mean loss 1.0000'
        counted.advance(6, 4.0)
        assert counted.describe(6) == (
            'mean loss 2.5000, 2 images/s, 00:12 left of the run')
    with counted.bar(8):  # the mean loss is the epoch's, the speed the run's
        counted.advance(9, 3.0)
        assert counted.describe(9) == (
            'mean loss 3.0000, 2 images/s, 00:06 left of the run')


def test_a_pause_is_forgotten(monkeypatch):
    monkeypatch.setattr(progress, '_STEPS', 2)
    clock = Clock()
    counted = Progress([3], 10, 10, clock=clock)
    with counted.bar(0):
        counted.advance(1, 1.0)
        clock.now += 1000
        for step in (2, 3, 4):
            counted.advance(step, 1.0)
        assert counted.describe(4).endswith('2 images/s, 00:12 left of the run')


class Terminal(io.StringIO):

    def isatty(self):
        return True


def test_it_is_drawn_on_a_terminal_only(monkeypatch):
    for stream, drawn in ((Terminal(), True), (io.StringIO(), False)):
        monkeypatch.setattr(sys, 'stderr', stream)
        counted = Progress([4] * 4, 3, 12, 'prefix ', clock=Clock())
        with counted.bar(4):
            counted.advance(5, 1.0)
            counted._bar.refresh()
        text = stream.getvalue()
        assert ('prefix Epoch 2 of 3:  25%|' in text) == drawn
        assert ('1/4, mean loss 1.0000' in text) == drawn


def test_long_and_short_times():
    assert progress.format_time(4152) == '1:09:12'
    assert progress.format_time(7) == '00:07'
