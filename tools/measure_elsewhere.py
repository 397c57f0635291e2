"""Compares the programs in docs/elsewhere/ with the checkpoint of record.

    CIFAR10_DATA_DIR=... .venv/bin/python tools/measure_elsewhere.py \
        .venv-tf2/bin/python /path/to/a/python/with/torch

Runs on TensorFlow 1.15 and starts each named Python, where every program whose framework
is installed classifies the test images and generated ones. It overwrites
results/bench/elsewhere.csv. Each line has the hash of its program: a program that
changes has to be measured again.
"""

import argparse
import csv
import hashlib
import json
import os
import subprocess
import sys
import tempfile

import numpy as np

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, ROOT)

FOLDER = os.path.join(ROOT, 'docs', 'elsewhere')
RECORD = os.path.join(ROOT, 'results', 'bench', 'elsewhere.csv')
COLUMNS = ('program', 'framework', 'images', 'of', 'correct',
           'largest_deviation', 'classes_that_differ', 'cpu', 'sha256')
# (program, packages it needs, Keras's backend)
FRAMEWORKS = (('in_keras.py', ('keras', 'tensorflow'), 'tensorflow'),
              ('in_keras.py', ('keras', 'jax'), 'jax'),
              ('in_keras.py', ('keras', 'torch'), 'torch'),
              ('in_torch.py', ('torch',), None))
NPZ = 'export.npz'

_LIST_VERSIONS = '''
import importlib.metadata, importlib.util, json
print(json.dumps({name: importlib.metadata.version(name)
                  for name in ('keras', 'tensorflow', 'jax', 'torch')
                  if importlib.util.find_spec(name)}))
'''
_CLASSIFY = '''
import sys
sys.path.insert(0, '.')
import numpy as np
program = __import__({module!r})
np.save('probabilities.npy', program.classify(np.load('images.npy')))
'''


def load_programs():
    """{file name: code} of docs/elsewhere/."""
    programs = {}
    for name in sorted(os.listdir(FOLDER)):
        if name.endswith('.py'):
            with open(os.path.join(FOLDER, name), encoding='utf-8') as file:
                programs[name] = file.read()
    return programs


def compute_hash(programs, name):
    """SHA-256 of a program and the picture.py that it imports."""
    return hashlib.sha256(
        (programs['picture.py'] + programs[name]).encode()).hexdigest()


def write_folder(folder, programs, content):
    """Writes programs ({name: code}) and the NumPy file."""
    for name, code in programs.items():
        with open(os.path.join(folder, name), 'w', encoding='utf-8') as file:
            file.write(code)
    with open(os.path.join(folder, NPZ), 'wb') as file:
        file.write(content)


def start(python, folder, arguments, backend=None):
    """The output of a Python in a folder; RuntimeError with what it says if it fails."""
    environment = dict(os.environ, PYTHONWARNINGS='ignore')
    if backend:
        environment['KERAS_BACKEND'] = backend
    result = subprocess.run(
        [python] + arguments, cwd=folder, env=environment,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True)
    if result.returncode:
        raise RuntimeError(f'{python} {arguments[0]}: {result.stderr}')
    return result.stdout


def classify(python, folder, name, images, backend=None):
    """Probabilities [N, 10] of uint8 [N, 32, 32, 3] by a program of write_folder's."""
    np.save(os.path.join(folder, 'images.npy'), images)
    start(python, folder, ['-c', _CLASSIFY.format(module=name[:-len('.py')])],
          backend)
    return np.load(os.path.join(folder, 'probabilities.npy'))


def generate_images():
    """Draws pictures, noise, and flat or almost flat images: uint8 [1000, 32, 32, 3]."""
    from cifar10_tf1.data import synthetic_images
    planes = synthetic_images.build_records('elsewhere', 600)[:, 1:]
    drawn = planes.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    noise = np.random.RandomState(1).randint(0, 256, [390, 32, 32, 3])
    flat = np.repeat([0, 1, 127, 254, 255], 2)[:, None, None, None] * np.ones(
        [32, 32, 3], np.int64)
    flat[1::2, 16, 16, 0] ^= 1
    return np.concatenate([drawn, noise, flat]).astype(np.uint8)


def load_network():
    """(bytes of the NumPy file, open inference.Classifier) of the checkpoint of record."""
    from cifar10_tf1 import inference
    from cifar10_tf1.records import reference_run
    from cifar10_tf1 import systems
    from cifar10_tf1.export import formats
    classifier = inference.Classifier(
        systems.load('deep_cnn'), reference_run.find_checkpoint())
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, 'export.npz')
        formats.write_npz(formats.extract(classifier), path)
        with open(path, 'rb') as file:
            return file.read(), classifier


def measure(pythons, data_dir):
    """Returns the record's lines, as COLUMNS names them."""
    from cifar10_tf1.machine import description
    from cifar10_tf1.data import cifar10
    labels, images = cifar10.load_data_set(data_dir).labels_and_images('test')
    sets = [('test images', images, labels),
            ('generated', generate_images(), None)]
    programs = load_programs()
    content, classifier = load_network()
    cpu = description.find_cpu()['name']
    with classifier, tempfile.TemporaryDirectory() as folder:
        expected = [classifier.classify(part) for unused, part, unused in sets]
        write_folder(folder, programs, content)
        lines = []

        def add(name, framework, compute, digest):
            for (what, part, of), wanted in zip(sets, expected):
                given = compute(part)
                classes = given.argmax(axis=1)
                lines.append([
                    name, framework, len(part), what,
                    '' if of is None else int((classes == of).sum()),
                    f'{np.abs(given - wanted).max():.1e}',
                    int((classes != wanted.argmax(axis=1)).sum()), cpu, digest])
                print(*lines[-1][:-1], flush=True)

        add('predict', ' '.join(description.find_tensorflow()), classifier.classify, '')
        for python in map(os.path.abspath, pythons):
            versions = json.loads(start(python, folder, ['-c', _LIST_VERSIONS]))
            for name, packages, backend in FRAMEWORKS:
                if all(package in versions for package in packages):
                    add(name, ' on '.join(f'{package} {versions[package]}'
                                          for package in packages),
                        lambda part, name=name, python=python, backend=backend:
                        classify(python, folder, name, part, backend),
                        compute_hash(programs, name))
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('pythons', nargs='+', metavar='PYTHON',
                        help='a Python with keras and a backend, or with torch')
    options = parser.parse_args()
    from cifar10_tf1 import data
    from cifar10_tf1.machine import runtime
    runtime.prepare_environment()
    runtime.load_tensorflow()
    lines = measure(options.pythons, data.SOURCES['cifar10'].data_dir)
    with open(RECORD, 'w', newline='') as file:
        csv.writer(file, lineterminator='\n').writerows([COLUMNS] + lines)


if __name__ == '__main__':
    main()
