"""The tables of cards in the READMEs against the guard's, cuda/support.py."""

import os
import re

import pytest

from cifar10_tf1.machine.cuda import libraries
from cifar10_tf1.machine.cuda import support as supports
from cifar10_tf1.machine.cuda.driver import Card
from cifar10_tf1.machine.cuda.driver import Driver
from cifar10_tf1.machine.cuda.support import TENSORFLOW_1
from cifar10_tf1.machine.cuda.support import TENSORFLOW_2
from setup_project import ROOT
from test_container import read

NEWEST = Driver(True, 99000)
CAPABILITIES = [(3, 0), (3, 5), (3, 7), (5, 0), (5, 2), (6, 0), (6, 1), (7, 0),
                (7, 5), (8, 0), (8, 6), (8, 9), (9, 0), (10, 0), (12, 0)]


def rows(name, heading):
    """The cells of the table that follows a heading, without its own two rows."""
    text = read(name).split(f'# {heading}\n')[1]
    lines = re.search(r'(?:^\|.*\n)+', text, re.MULTILINE).group().splitlines()
    return [[cell.strip() for cell in line.strip('|').split('|')]
            for line in lines[2:]]


def judge(capability, support):
    """'driver 410.48 or newer', or 'no', as README.md has it."""
    card = Card('0', 'A card', capability)
    if supports.find_fault(card, NEWEST, support):
        return 'no'
    return f'driver {supports.find_driver_need(card, support).number} or newer'


def covers(span, capability):
    """Whether 'below 3.5', '3.5 to 5.x', '9.0' or 'above 9.0' has it."""
    first, last = (tuple(int(part) for part in number.replace('x', '9').split('.'))
                   for number in (re.findall(r'\d+\.[\dx]+', span) * 2)[:2])
    if span.startswith('below'):
        return capability < first
    if span.startswith('above'):
        return capability > last
    return first <= capability <= last


@pytest.mark.parametrize('capability', CAPABILITIES)
def test_the_table_of_the_readme(capability):
    row, = [row for row in rows('README.md', 'Which card')
            if covers(row[0], capability)]
    assert row[2:] == [judge(capability, TENSORFLOW_1),
                       judge(capability, TENSORFLOW_2)]


def test_the_table_of_the_images():
    """Each card has the image of record where that can be, else the second."""
    seen = []
    for unused_name, unused_cards, listed, image, driver in rows(
            'docker/README.md', 'Which image for which card'):
        for capability in re.findall(r'\d+\.\d', listed):
            capability = tuple(map(int, capability.split('.')))
            seen.append(capability)
            first, second = (judge(capability, support)
                             for support in (TENSORFLOW_1, TENSORFLOW_2))
            expected = (('`docker/Dockerfile`', first) if first != 'no' else
                        ('`docker/Dockerfile.tf2`', second) if second != 'no'
                        else ('either, on the CPU', 'driver none'))
            assert (image, f'driver {driver}') == expected, capability
    assert seen == CAPABILITIES[1:]


def test_the_locked_cudnn_has_kernels_for_the_whole_table():
    """Of the CUDA packages, it is the one that dropped cards within its series."""
    with open(os.path.join(ROOT, 'requirements', 'tf2-cuda.txt')) as file:
        numbers = re.search(r'^nvidia-cudnn-cu12==(\d+)\.(\d+)\.(\d+)',
                            file.read(), re.MULTILINE).groups()
    major, minor, patch = map(int, numbers)
    found = libraries.Libraries({}, major * 10000 + minor * 100 + patch)
    assert libraries.format_cudnn(found.cudnn) == '.'.join(numbers)
    assert (major, minor) >= (9, 3)  # which TensorFlow 2.21 asks for
    card = Card('0', 'A card', TENSORFLOW_2.lowest)
    assert libraries.find_fault(found, card, TENSORFLOW_2) is None
