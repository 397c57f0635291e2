"""requirements/: hashed, without addresses, and in agreement with each other."""

import os
import re

import pytest

from pages import read, ROOT

LOCKS = sorted(name for name in os.listdir(os.path.join(ROOT, 'requirements'))
               if name.endswith('.txt'))


def read_lock(name):
    """The requirements of a lock: {name: (version, [hash, ...])}."""
    text, requirements = read(f'requirements/{name}'), {}
    assert not re.search('^-|://', text, re.MULTILINE), 'an option or an address'
    for line in text.replace('\\\n', ' ').splitlines():
        requirement, *hashes = line.split('#')[0].replace(' ', '').split('--hash=')
        requirement, _, marker = requirement.partition(';')
        # The locks for all Pythons go beyond those that TensorFlow has.
        if requirement and marker != "python_full_version>='3.14'":
            package, version = requirement.split('==')  # fails where it is not pinned
            package = package.split('[')[0]
            assert package not in requirements, package + ' has two versions'
            assert hashes, package + ' has no hash'
            assert all(re.match('sha256:[0-9a-f]{64}$', word) for word in hashes), package
            requirements[package] = (version, hashes)
    return requirements


@pytest.mark.parametrize('name', LOCKS)
def test_a_lock_has_hashes_and_no_address(name):
    assert read_lock(name)


def test_locks_agree_on_what_decides_results():
    older, newer = read_lock('py36.txt'), read_lock('py37.txt')
    for package, version in (
            ('tensorflow-gpu', '1.15.0'), ('numpy', '1.18.5'), ('gast', '0.2.2'),
            ('tensorflow-estimator', '1.15.1'), ('tensorboard', '1.15.0'), ('h5py', '2.10.0')):
        assert older[package] == newer[package]
        assert newer[package][0] == version
    older.pop('tensorflow-gpu')  # the base of docker/Dockerfile has it
    assert read_lock('image-py36.txt') == older


def test_tf2_locks_agree_and_serve_every_machine():
    main, cuda = read_lock('tf2.txt'), read_lock('tf2-cuda.txt')
    assert main['tensorflow'][0] == '2.21.0'
    # At least a wheel for each of four Pythons on each of three kinds of machine.
    for package in ('tensorflow', 'numpy', 'h5py', 'ml-dtypes'):
        assert len(main[package][1]) >= 12, package
    further = set(cuda) - set(main)
    assert {package: cuda[package] for package in main} == main
    assert 'nvidia-cudnn-cu12' in further
    assert all(package.startswith('nvidia-') for package in further)


@pytest.mark.parametrize('python', ['py36', 'py37', 'tf2'])
@pytest.mark.parametrize('other', ['build', 'pictures', 'onnx'])
def test_locks_of_one_environment_agree(python, other):
    main, other = read_lock(f'{python}.txt'), read_lock(f'{other}-{python}.txt')
    shared = set(main) & set(other)
    assert shared
    for package in shared:
        assert main[package] == other[package], package
