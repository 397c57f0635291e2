"""docs/elsewhere.md: its programs are the network, in Keras 3 and in PyTorch.

A program runs where this Python has its framework. PyTorch is in no lock: with
TORCH_PYTHON, the path of a Python that has it and Pillow, it runs there. What
was measured is in a record, and held against the page everywhere.
"""

import csv
import importlib.util
import os
import sys

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

import model_helpers
from cifar10_tf1.records import reference_run
from cifar10_tf1.records import run_record
from cifar10_tf1.predict import pictures
from cifar10_tf1.systems.deep_cnn import SYSTEM as deep_cnn
from test_readme import ROOT
from test_readme import read

# Of tools/, which test_readme has put into the path.
import measure_elsewhere
from page_tables import results

PAGE = read('docs/elsewhere.md')
PROGRAMS = measure_elsewhere.cut_programs(PAGE)
SAMPLE = os.path.join(ROOT, 'docs', 'sample.png')
TOLERANCE = 1e-5  # of a probability
# What makes another network: a line's part, and what may stand there by mistake.
MISTAKES = {
    'in_keras.py': (('0.001 / 9 * sums', '0.001 * sums'), ('<= 4', '<= 3'),
                    ("MaxPooling2D(3, 2, padding='same')", 'MaxPooling2D(2, 2)')),
    'in_torch.py': (('alpha=0.001,', 'alpha=0.001 / 9,'), ('Norm(9,', 'Norm(7,'),
                    ('nn.MaxPool2d(3, 2, ceil_mode=True)',
                     'nn.MaxPool2d(3, 2, padding=1)'),
                    ('.transpose(2, 0, 1, 3)', '.transpose(0, 1, 2, 3)'))}


def find_python(name):
    """The Python that a program runs on; skips where there is none."""
    if name == 'in_torch.py' and os.environ.get('TORCH_PYTHON'):
        return os.environ['TORCH_PYTHON']
    package = name[len('in_'):-len('.py')]
    if importlib.util.find_spec(package) is None:
        pytest.skip(f'{package} is not installed in this Python' + (
            '; TORCH_PYTHON names one that has it' if package == 'torch' else ''))
    model_helpers.need('PIL')
    return sys.executable


def load_picture_program():
    """The page's picture.py as a namespace."""
    model_helpers.need('PIL')
    namespace = {}
    exec(PROGRAMS['picture.py'], namespace)  # pylint: disable=exec-used
    return namespace


@pytest.fixture(scope='module')
def network():
    """(the NumPy file, generated images, their probabilities), of the record."""
    content, classifier = measure_elsewhere.load_network()
    images = measure_elsewhere.generate_images()[::3]
    with classifier:
        return content, images, classifier.classify(images)


def measure(name, folder, network, programs):
    """(largest deviation, classes that differ) of a program."""
    content, images, expected = network
    measure_elsewhere.write_folder(str(folder), programs, content)
    given = measure_elsewhere.classify(find_python(name), str(folder), name, images)
    return (np.abs(given - expected).max(),
            (given.argmax(axis=1) != expected.argmax(axis=1)).sum())


@pytest.mark.parametrize('name', sorted(MISTAKES))
def test_the_same_classes_and_probabilities(name, tmp_path, network):
    deviation, others = measure(name, tmp_path, network, PROGRAMS)
    assert deviation <= TOLERANCE and others == 0


@pytest.mark.parametrize('name, mistake', [
    (name, mistake) for name in sorted(MISTAKES) for mistake in MISTAKES[name]])
def test_a_mistake_is_found(name, mistake, tmp_path, network):
    assert mistake[0] in PROGRAMS[name]
    programs = dict(PROGRAMS, **{name: PROGRAMS[name].replace(*mistake)})
    assert measure(name, tmp_path, network, programs)[0] > 10 * TOLERANCE


@pytest.mark.parametrize('name', sorted(MISTAKES))
def test_the_line_that_the_page_says(name, tmp_path, network):
    python = find_python(name)
    measure_elsewhere.write_folder(str(tmp_path), PROGRAMS, network[0])
    (tmp_path / 'docs').mkdir()
    with open(SAMPLE, 'rb') as file:
        (tmp_path / 'docs' / 'sample.png').write_bytes(file.read())
    line = measure_elsewhere.start(python, str(tmp_path), [name, 'docs/sample.png'])
    assert f'python {name} docs/sample.png' in PAGE
    assert PAGE.count(f'\n    {line}') == 2


def test_pixels_are_prepared_as_the_network_does():
    images = measure_elsewhere.generate_images()
    with tf.Graph().as_default(), tf.Session() as session:
        pixels = tf.placeholder(tf.uint8, [None, 32, 32, 3])
        expected = session.run(deep_cnn.build_images(pixels), {pixels: images})
    given = load_picture_program()['prepare'](images)
    assert given.dtype == np.float32
    assert np.abs(given - expected).max() < 1e-5


def draw(mode, size):
    """A picture without any symmetry, of a mode of Pillow's."""
    from PIL import Image
    pixels = np.random.RandomState(2).randint(0, 256, size[::-1] + (4,))
    pixels[:, :size[0] // 2, 3] |= 0x80
    image = Image.fromarray(pixels.astype(np.uint8), 'RGBA').resize(
        (size[0], size[1]), Image.BOX)
    return image if mode == 'RGBA' else image.convert('RGB').convert(mode)


PICTURES = [(mode, size, '.png', 1) for mode in ('RGB', 'RGBA', 'L', 'P', '1')
            for size in ((32, 32), (57, 40), (40, 57), (500, 31), (9, 12))]
PICTURES += [('RGB', (57, 40), suffix, turn) for suffix in ('.png', '.jpg')
             for turn in range(1, 9)]
PICTURES += [(mode, size, '.jpg', 6) for mode in ('RGB', 'L', 'CMYK')
             for size in ((640, 427), (1999, 3001), (2000, 130))]


@pytest.mark.parametrize('mode, size, suffix, turn', PICTURES)
def test_a_picture_is_loaded_as_predict_does(mode, size, suffix, turn, tmp_path):
    load = load_picture_program()['load']
    from PIL import Image
    path = str(tmp_path / f'picture{suffix}')
    exif = Image.Exif()
    exif[0x0112] = turn
    draw(mode, size).save(path, exif=exif)
    assert np.array_equal(
        load(path), pictures.load_picture(path, deep_cnn.picture).pixels)


def test_transparent_palettes_are_loaded_as_predict_does(tmp_path):
    load = load_picture_program()['load']
    path = str(tmp_path / 'picture.png')
    for mode, transparent in (('P', 3), ('L', 100), ('RGB', (1, 2, 3))):
        draw(mode, (57, 40)).save(path, transparency=transparent)
        assert np.array_equal(
            load(path), pictures.load_picture(path, deep_cnn.picture).pixels), mode


def test_what_was_measured_is_what_the_page_has():
    """Else: tools/measure_elsewhere.py, and tools/readme_tables.py after it."""
    with open(measure_elsewhere.RECORD, newline='') as file:
        reference, *rows = csv.DictReader(file)
    assert reference['program'] == 'predict' and reference['images'] == '10000'
    assert {row['program'] for row in rows} == {'predict', *MISTAKES}
    for row in rows:
        if row['program'] in MISTAKES:
            assert row['sha256'] == measure_elsewhere.compute_hash(
                PROGRAMS, row['program']), row['framework']
        assert float(row['largest_deviation']) <= TOLERANCE
        assert row['classes_that_differ'] == '0'
        assert row['correct'] in ('', reference['correct'])
    record = run_record.load_folder(reference_run.RECORD)
    assert int(reference['correct']) == results.list_correct(
        [record], 'central')[0]


def test_the_programs_are_found():
    assert set(PROGRAMS) == {'picture.py', *MISTAKES}
    for name, code in PROGRAMS.items():
        compile(code, name, 'exec')
