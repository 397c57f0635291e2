"""docs/elsewhere/: the network in other programs.

A program runs if this Python has its framework. PyTorch is in no lock: TORCH_PYTHON
names a Python that has it and Pillow. A record holds what was measured once.
"""

import csv
import hashlib
import importlib.util
import os
import re
import subprocess
import sys

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

import model_helpers
from cifar10_tf1 import inference
from cifar10_tf1.data import synthetic_images
from cifar10_tf1.export import __main__ as export, formats
from cifar10_tf1.predict import pictures
from cifar10_tf1.records import reference_run, run_record
from cifar10_tf1.systems.deep_cnn import SYSTEM as deep_cnn

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def read(name):
    with open(os.path.join(ROOT, 'docs', name), encoding='utf-8') as file:
        return file.read()


PAGE = read('howto.md')
PROGRAMS = {name: read(os.path.join('elsewhere', name))
            for name in os.listdir(os.path.join(ROOT, 'docs', 'elsewhere'))
            if name.endswith('.py')}
RECORD = os.path.join(reference_run.RESULTS, 'bench', 'elsewhere.csv')
SAMPLE = os.path.join(ROOT, 'docs', 'sample.png')
TOLERANCE = 1e-5  # of a probability
CLASSIFY = '''
import sys
sys.path.insert(0, '.')
import numpy as np, {0}
np.save('probabilities.npy', {0}.classify(np.load('images.npy')))
'''
PORTS = ('in_keras.py', 'in_torch.py')  # build the network themselves


def find_python(name):
    """Finds the Python for a program, or skips."""
    if name == 'in_torch.py' and os.environ.get('TORCH_PYTHON'):
        return os.environ['TORCH_PYTHON']
    package = name[len('in_'):-len('.py')]
    if importlib.util.find_spec(package) is None:
        pytest.skip(f'{package} is not installed in this Python' + (
            '; TORCH_PYTHON names one that has it' if package == 'torch' else ''))
    model_helpers.need('PIL')
    return sys.executable


def write_folder(folder, content):
    """Writes the programs and the NumPy file that they read."""
    for name, code in PROGRAMS.items():
        (folder / name).write_text(code, encoding='utf-8')
    (folder / 'export.npz').write_bytes(content)


def start(python, folder, *arguments):
    """The output of a Python in a folder."""
    return subprocess.run(
        [python, *arguments], cwd=str(folder), stdout=subprocess.PIPE, check=True,
        env=dict(os.environ, PYTHONWARNINGS='ignore'), universal_newlines=True).stdout


def generate_images():
    """Draws pictures, noise, and flat or almost flat images: uint8 [334, 32, 32, 3]."""
    planes = synthetic_images.build_records('elsewhere', 200)[:, 1:]
    drawn = planes.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    noise = np.random.RandomState(1).randint(0, 256, [124, 32, 32, 3])
    flat = np.repeat([0, 1, 127, 254, 255], 2)[:, None, None, None] * np.ones(
        [32, 32, 3], np.int64)
    flat[1::2, 16, 16, 0] ^= 1
    return np.concatenate([drawn, noise, flat]).astype(np.uint8)


def load_picture_program():
    """picture.py as a namespace."""
    model_helpers.need('PIL')
    namespace = {}
    exec(PROGRAMS['picture.py'], namespace)  # pylint: disable=exec-used
    return namespace


@pytest.fixture(scope='module')
def network(tmp_path_factory):
    """(NumPy file, generated images, their probabilities) of the checkpoint of record."""
    path, images = tmp_path_factory.mktemp('network') / 'export.npz', generate_images()
    with inference.Classifier(deep_cnn, reference_run.find_checkpoint()) as classifier:
        formats.write_npz(formats.extract(classifier), str(path))
        return path.read_bytes(), images, classifier.classify(images)


@pytest.mark.parametrize('name', PORTS)
def test_the_same_classes_and_probabilities(name, tmp_path, network):
    content, images, expected = network
    write_folder(tmp_path, content)
    np.save(str(tmp_path / 'images.npy'), images)
    start(find_python(name), tmp_path, '-c', CLASSIFY.format(name[:-len('.py')]))
    given = np.load(str(tmp_path / 'probabilities.npy'))
    assert np.abs(given - expected).max() <= TOLERANCE
    assert given.argmax(axis=1).tolist() == expected.argmax(axis=1).tolist()
    # And the line that the page promises.
    line = start(find_python(name), tmp_path, name, SAMPLE)
    assert f'python docs/elsewhere/{name} docs/sample.png' in PAGE
    assert '\n    ' + line.replace(SAMPLE, 'docs/sample.png') in PAGE


def test_pixels_are_prepared_as_the_network_does():
    images = generate_images()
    with tf.Graph().as_default(), tf.Session() as session:
        pixels = tf.placeholder(tf.uint8, [None, 32, 32, 3])
        expected = session.run(deep_cnn.build_images(pixels), {pixels: images})
    given = load_picture_program()['prepare'](images)
    assert given.dtype == np.float32
    assert np.abs(given - expected).max() < 1e-5


def draw(mode, size):
    """Draws a picture without symmetry, in one of Pillow's modes."""
    from PIL import Image
    pixels = np.random.RandomState(2).randint(0, 256, size[::-1] + (4,))
    pixels[:, :size[0] // 2, 3] |= 0x80
    image = Image.fromarray(pixels.astype(np.uint8), 'RGBA').resize(
        (size[0], size[1]), Image.BOX)
    return image if mode == 'RGBA' else image.convert('RGB').convert(mode)


PICTURES = [(mode, size, '.png', 1) for mode in ('RGB', 'RGBA', 'L', 'P', '1')
            for size in ((32, 32), (500, 31), (9, 12))]
PICTURES += [('RGB', (57, 40), '.png', turn) for turn in range(1, 9)]
PICTURES += [(mode, (1999, 3001), '.jpg', 6) for mode in ('RGB', 'L', 'CMYK')]


def test_pictures_are_loaded_as_predict_does(tmp_path):
    load = load_picture_program()['load']
    from PIL import Image

    def assert_same(picture, suffix, **options):
        path = str(tmp_path / f'picture{suffix}')
        picture.save(path, **options)
        assert np.array_equal(
            load(path), pictures.load_picture(path, deep_cnn.picture).pixels), (
                picture.mode, picture.size, options)

    for mode, size, suffix, turn in PICTURES:
        exif = Image.Exif()
        exif[0x0112] = turn
        assert_same(draw(mode, size), suffix, exif=exif)
    for mode, transparent in (('P', 3), ('L', 100), ('RGB', (1, 2, 3))):
        assert_same(draw(mode, (57, 40)), '.png', transparency=transparent)


@pytest.mark.parametrize('name', ['in_onnx.py', 'in_tensorflow.py'])
def test_the_exported_models_answer_as_predict_does(name, tmp_path, network):
    """The picture is turned by EXIF, as phones save it, and partly transparent."""
    if name == 'in_tensorflow.py' and tf.__version__.startswith('1.'):
        pytest.skip('these lines are for TensorFlow 2')
    for package in ('PIL', 'onnxruntime', 'tf2onnx'):
        model_helpers.need(package)
    from PIL import Image
    write_folder(tmp_path, network[0])
    path = str(tmp_path / 'sample.png')
    exif = Image.Exif()
    exif[0x0112] = 6
    draw('RGBA', (90, 60)).save(path, exif=exif)
    assert export.main([
        '--checkpoint', reference_run.find_checkpoint(), '--data-dir', str(tmp_path),
        '--output', str(tmp_path / 'exported'),
        '--onnx', str(tmp_path / 'exported.onnx')]) == 0
    printed = start(sys.executable, tmp_path, name, path)
    numbers = [float(number) for number in re.findall(r'\d[\d.e-]*', printed)]
    with inference.Classifier(deep_cnn, reference_run.find_checkpoint()) as classifier:
        expected, = classifier.classify(
            pictures.load_picture(path, deep_cnn.picture).pixels[None])
    assert int(numbers[0]) == expected.argmax()
    shares = expected if name == 'in_tensorflow.py' else [expected.max()]
    assert np.allclose(numbers[1:], shares, atol=TOLERANCE)


def test_what_was_measured_is_of_these_programs():
    """A program that changes loses its lines in the record."""
    with open(RECORD, newline='') as file:
        reference, *rows = csv.DictReader(file)
    assert reference['program'] == 'predict' and reference['images'] == '10000'
    assert {row['program'] for row in rows} == {'predict', *PORTS}
    for row in rows:
        if row['program'] in PORTS:
            code = PROGRAMS['picture.py'] + PROGRAMS[row['program']]
            assert row['sha256'] == hashlib.sha256(code.encode()).hexdigest()
        assert float(row['largest_deviation']) <= TOLERANCE
        assert row['classes_that_differ'] == '0'
        assert row['correct'] in ('', reference['correct'])
    recorded = [test for test in run_record.load_folder(
        reference_run.RECORD).content['tests']
        if test['crop'] == 'central' and test['step'] == 55000]
    assert int(reference['correct']) == recorded[0]['num_correct']


def test_the_programs_are_found():
    assert set(PROGRAMS) == {'picture.py', 'in_onnx.py', 'in_tensorflow.py', *PORTS}
    for name, code in PROGRAMS.items():
        compile(code, name, 'exec')
