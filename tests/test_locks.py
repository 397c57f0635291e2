"""requirements/: the locks, and whether they agree."""

import glob
import os
import re

import pytest

from setup_project import ROOT

LOCKS = sorted(glob.glob(os.path.join(ROOT, 'requirements', '*.txt')))


def read_lock(name):
    """The requirements of a lock: {name: (version, [hash, ...])}."""
    with open(os.path.join(ROOT, 'requirements', name)) as lock_file:
        text = lock_file.read().replace('\\\n', ' ')
    requirements = {}
    for line in text.splitlines():
        requirement, *hashes = line.split('#')[0].split('--hash=')
        requirement, _, marker = (part.strip() for part in requirement.partition(';'))
        # Of what the locks for all Pythons have, this is beyond TensorFlow's.
        if requirement and marker != "python_full_version >= '3.14'":
            package, version = requirement.split('==')  # fails where it is not pinned
            package = package.split('[')[0]
            assert package not in requirements, package + ' has two versions'
            requirements[package] = (version, [word.strip() for word in hashes])
    return requirements


def test_every_lock_is_there():
    names = {os.path.basename(path) for path in LOCKS}
    assert names == {'uv.txt', 'tf2.txt', 'tf2-cuda.txt', 'build-tf2.txt', 'pictures-tf2.txt',
                     'onnx-tf2.txt', 'image-py36.txt', 'sbom-tf2.txt'} | {
        '{}{}.txt'.format(use, python) for use in ('', 'build-', 'lint-', 'pictures-', 'onnx-')
        for python in ('py36', 'py37')}


@pytest.mark.parametrize('path', LOCKS, ids=os.path.basename)
def test_lock_has_hashes_and_no_address(path):
    with open(path) as lock_file:
        text = lock_file.read()
    assert 'tools/lock_requirements.sh' in text.splitlines()[1]
    for line in text.splitlines():
        assert 'http' not in line and '://' not in line
        assert not line.startswith('-'), 'an option: ' + line
    requirements = read_lock(os.path.basename(path))
    assert requirements
    for package, (_, hashes) in requirements.items():
        assert hashes, package + ' has no hash'
        for word in hashes:
            assert re.match('sha256:[0-9a-f]{64}$', word), package


def test_locks_agree_on_what_decides_results():
    main = {python: read_lock(python + '.txt') for python in ('py36', 'py37')}
    expected = {'tensorflow-gpu': '1.15.0', 'numpy': '1.18.5', 'gast': '0.2.2',
                'tensorflow-estimator': '1.15.1', 'tensorboard': '1.15.0', 'h5py': '2.10.0'}
    for lock in main.values():
        assert {package: lock[package][0] for package in expected} == expected
        assert [int(part) for part in lock['protobuf'][0].split('.')] < [3, 21]
        for package in ('six', 'requests', 'certifi', 'tqdm', 'pytest'):
            assert package in lock
    for package in expected:
        assert main['py36'][package] == main['py37'][package], package


def test_tf2_locks_agree_and_serve_every_machine():
    main, cuda = read_lock('tf2.txt'), read_lock('tf2-cuda.txt')
    assert main['tensorflow'][0] == '2.21.0'
    for package in ('numpy', 'requests', 'urllib3', 'certifi', 'tqdm', 'pytest'):
        assert package in main
    # At least a wheel for each of four Pythons on each of three kinds of machine.
    for package in ('tensorflow', 'numpy', 'h5py', 'ml-dtypes'):
        assert len(main[package][1]) >= 12, package
    assert not any(package.startswith('nvidia-') for package in main)
    further = {package: cuda.pop(package) for package in set(cuda) - set(main)}
    assert cuda == main
    assert 'nvidia-cudnn-cu12' in further
    for package in further:
        assert package.startswith('nvidia-'), package


@pytest.mark.parametrize('python', ['py36', 'py37', 'tf2'])
@pytest.mark.parametrize('other', ['build-', 'pictures-', 'onnx-'])
def test_locks_of_one_environment_agree(python, other):
    main, other = read_lock(python + '.txt'), read_lock(other + python + '.txt')
    shared = set(main) & set(other)
    assert shared
    for package in shared:
        assert main[package] == other[package], package
