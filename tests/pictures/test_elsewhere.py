"""docs/elsewhere/: the network in other programs.

A program runs if this Python has its framework, or if TORCH_PYTHON or KERAS_PYTHON names
one that has it and Pillow. A record holds what was measured once.
"""

import csv
import hashlib
import importlib.util
import os
import pathlib
import re
import runpy
import subprocess
import sys

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

import model_helpers
from cifar10_tf1 import inference
from cifar10_tf1.export import __main__ as export, formats
from cifar10_tf1.predict import pictures
from cifar10_tf1.records import reference_run, run_record
from cifar10_tf1.systems.deep_cnn import SYSTEM as deep_cnn
from runs import ROOT

FOLDER = pathlib.Path(ROOT, 'docs', 'elsewhere')
SAMPLE = os.path.join(ROOT, 'docs', 'sample.png')
TOLERANCE = 1e-5  # of a probability
PORTS = ('in_keras', 'in_torch')  # build the network themselves


def find_python(package):
    """Finds a Python that has Keras or PyTorch, or skips."""
    variable = f'{package.upper()}_PYTHON'
    if variable not in os.environ and None in map(importlib.util.find_spec, (package, 'PIL')):
        pytest.skip(f'needs {package} and Pillow; {variable} may name a Python that has them')
    return os.environ.get(variable, sys.executable)


def start(python, folder, *arguments):
    """The output of a Python in a folder."""
    return subprocess.check_output(
        [python, *map(str, arguments)], cwd=str(folder), universal_newlines=True,
        env=dict(os.environ, PYTHONWARNINGS='ignore', PYTHONPATH=str(FOLDER)))


@pytest.fixture(scope='module')
def classifier():
    with inference.Classifier(deep_cnn, reference_run.find_checkpoint()) as opened:
        yield opened


@pytest.mark.parametrize('name', PORTS)
def test_the_same_classes_and_probabilities(name, tmp_path, classifier):
    python = find_python(name[len('in_'):])
    flat = np.full([10, 32, 32, 3], np.repeat([0, 1, 127, 254, 255], 2)[:, None, None, None])
    flat[1::2, 16, 16, 0] ^= 1
    noise = np.random.RandomState(1).randint(0, 256, [124, 32, 32, 3])
    images = np.concatenate([formats.generate_images(deep_cnn.picture), noise, flat]).astype('u1')
    formats.write_npz(formats.extract(classifier), str(tmp_path / 'export.npz'))
    np.save(str(tmp_path / 'images.npy'), images)
    start(python, tmp_path, '-c', f'import numpy as np, {name}; '
          f'np.save("probabilities.npy", {name}.classify(np.load("images.npy")))')
    given = np.load(str(tmp_path / 'probabilities.npy'))
    expected = classifier.classify(images)
    assert np.abs(given - expected).max() <= TOLERANCE
    assert given.argmax(axis=1).tolist() == expected.argmax(axis=1).tolist()
    # And the line that the page promises.
    output = start(python, tmp_path, FOLDER / f'{name}.py', SAMPLE)
    assert output == f'{SAMPLE}: ship 100.0 %\n'


def save_noise(image, path, mode='RGBA', size=(57, 40), **options):
    """Saves a picture of noise in one of Pillow's modes, turned by EXIF as phones do."""
    exif = image.Exif()
    exif[0x0112] = 6
    pixels = np.random.RandomState(2).randint(0, 256, size[::-1] + (4,)).astype(np.uint8)
    picture = image.fromarray(pixels)
    if mode != 'RGBA':
        picture = picture.convert('RGB').convert(mode)
    picture.save(path, exif=exif, **options)


@pytest.mark.parametrize('mode, size, options', [
    *((mode, (57, 40), {}) for mode in ('RGB', 'RGBA', 'L', 'P', '1')),
    *((mode, (57, 40), {'transparency': value}) for mode, value in (
        ('P', 3), ('L', 100), ('RGB', (1, 2, 3)))),
    ('RGBA', (500, 31), {}), ('RGB', (9, 12), {}),
    ('RGB', (1999, 3001), {'format': 'JPEG'}), ('CMYK', (1999, 3001), {'format': 'JPEG'})])
def test_pictures_are_loaded_as_predict_does(image, tmp_path, mode, size, options):
    path = str(tmp_path / 'picture.png')
    save_noise(image, path, mode, size, **options)
    load = runpy.run_path(str(FOLDER / 'picture.py'))['load']
    assert np.array_equal(load(path), pictures.load_picture(path, deep_cnn.picture).pixels)


@pytest.mark.parametrize('name', ['in_onnx', 'in_tensorflow'])
def test_the_exported_models_answer_as_predict_does(name, image, tmp_path, classifier):
    if name == 'in_tensorflow' and tf.__version__.startswith('1.'):
        pytest.skip('these lines are for TensorFlow 2')
    for package in ('onnxruntime', 'tf2onnx'):
        model_helpers.need(package)
    path = str(tmp_path / 'sample.png')
    save_noise(image, path)
    assert export.main([
        '--checkpoint', classifier.checkpoint, '--data-dir', str(tmp_path),
        '--output', str(tmp_path / 'exported'), '--onnx', str(tmp_path / 'exported.onnx')]) == 0
    printed = start(sys.executable, tmp_path, FOLDER / f'{name}.py', path)
    numbers = [float(number) for number in re.findall(r'\d[\d.e-]*', printed)]
    expected, = classifier.classify(pictures.load_picture(path, deep_cnn.picture).pixels[None])
    assert int(numbers[0]) == expected.argmax()
    shares = expected if name == 'in_tensorflow' else [expected.max()]
    assert np.allclose(numbers[1:], shares, atol=TOLERANCE)


def test_what_was_measured_is_of_these_programs():
    """A program that changes loses its lines in the record."""
    with open(os.path.join(reference_run.RESULTS, 'bench', 'elsewhere.csv'), newline='') as file:
        reference, *rows = csv.DictReader(file)
    assert reference['program'] == 'predict' and reference['images'] == '10000'
    assert {row['program'] for row in rows} == {'predict', *(f'{name}.py' for name in PORTS)}
    for row in rows:
        if row['program'] != 'predict':
            code = (FOLDER / 'picture.py').read_bytes() + (FOLDER / row['program']).read_bytes()
            assert row['sha256'] == hashlib.sha256(code).hexdigest()
        assert float(row['largest_deviation']) <= TOLERANCE
        assert row['classes_that_differ'] == '0'
        assert row['correct'] in ('', reference['correct'])
    recorded = next(test for test in run_record.load_folder(reference_run.RECORD).content['tests']
                    if test['crop'] == 'central' and test['step'] == 55000)
    assert int(reference['correct']) == recorded['num_correct']
