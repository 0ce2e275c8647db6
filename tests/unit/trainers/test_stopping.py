"""What the first and the second signal do, in training and outside of it."""

import signal

import pytest

from trainers.stopping import StopSignal


def test_a_run_that_trains_is_only_asked():
    notes: list[str] = []
    with StopSignal(notes.append) as stop:
        stop.training = True
        signal.raise_signal(signal.SIGTERM)
        assert stop.name == "SIGTERM"
    assert "SIGTERM" in notes[0]


def test_a_second_signal_ends_at_once():
    with StopSignal(lambda text: None) as stop:
        stop.training = True
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt, match="SIGTERM"):
            signal.raise_signal(signal.SIGTERM)


def test_before_training_there_is_nothing_to_wait_for():
    with StopSignal(lambda text: None) as stop, pytest.raises(KeyboardInterrupt, match="SIGTERM"):
        signal.raise_signal(signal.SIGTERM)
    assert stop.name == "SIGTERM"


def test_handlers_are_put_back():
    before = signal.getsignal(signal.SIGTERM)
    with StopSignal(lambda text: None):
        assert signal.getsignal(signal.SIGTERM) != before
    assert signal.getsignal(signal.SIGTERM) == before
