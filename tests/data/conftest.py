"""An environment without proxies, mirrors or data of other programs."""

import pytest


@pytest.fixture(autouse=True)
def isolated(monkeypatch):
    monkeypatch.setenv('NO_PROXY', '127.0.0.1')
    monkeypatch.setenv('KERAS_HOME', '/nowhere')
    for name in ('CIFAR10_ARCHIVE_URL', 'MNIST_URL', 'INCEPTION_V3_URL'):
        monkeypatch.delenv(name, raising=False)
