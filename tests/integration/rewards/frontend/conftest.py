import pytest

from rewards.frontend.browser import Browser


@pytest.fixture(scope="session")
def browser():
    with Browser() as started:
        yield started
