"""The catalog says of each system what the system's own file says."""

import pytest

from cifar10_tf1 import systems
from cifar10_tf1.report import comparison


@pytest.mark.parametrize('name', systems.NAMES)
def test_the_catalog_agrees_with_the_system(name):
    entry, system = systems.find(name), systems.load(name)
    assert system.name == name
    assert system.num_epochs == entry.num_epochs
    assert system.source.module == entry.data
    for curve in entry.documented.curves:
        epoch, unused_part = max(comparison.load_curve(name, curve.name,
                                                       curve.figure))
        assert epoch <= entry.num_epochs


def test_an_unknown_name_is_one_line():
    with pytest.raises(systems.UserError, match='there is no system lenet6'):
        systems.find('lenet6')
