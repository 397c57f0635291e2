"""Exports give the checkpoint's answers, whole or not at all."""

import json
import os
import shutil
import sys

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

import model_helpers
from cifar10_tf1 import inference
from cifar10_tf1.common.errors import UserError
from cifar10_tf1.data import cifar10
from cifar10_tf1.export import __main__ as export, formats
from cifar10_tf1.systems.deep_cnn import SYSTEM as deep_cnn


@pytest.fixture(scope='module')
def checkpoint(tmp_path_factory):
    return model_helpers.write_checkpoint(
        tmp_path_factory.mktemp('model'), model_helpers.random_tensors(), data='cifar10')


@pytest.fixture
def assert_agrees(checkpoint):
    """Compares a model, images to (classes, probabilities), with the checkpoint."""
    images = np.random.RandomState(3).randint(0, 256, [30, 32, 32, 3]).astype(np.uint8)
    with inference.Classifier(deep_cnn, checkpoint) as classifier:
        expected = classifier.classify(images)

    def compare(model):
        for count in (1, 30):
            classes, probabilities = model(images[:count])
            assert classes.tolist() == expected[:count].argmax(1).tolist()
            assert np.abs(probabilities - expected[:count]).max() <= 1e-5

    return compare


@pytest.fixture
def run(tmp_path, checkpoint, capsys):
    """Runs the command; returns its lines, or expects an error of one line."""
    def export_to(*arguments, refusal=None):
        status = export.main(['--checkpoint', checkpoint, '--data-dir', str(tmp_path / 'no data'),
                              *map(str, arguments)])
        out, error = capsys.readouterr()
        if refusal is None:
            assert (status, error) == (0, '')
        else:
            assert status == 1 and refusal in error and error.count('\n') == 1
        return out.splitlines()

    return export_to


def test_saved_model(run, tmp_path, checkpoint, assert_agrees):
    folder = tmp_path / 'new' / 'export'
    lines = run('--output', folder)
    assert lines[:2] == [f'Checkpoint: {checkpoint}', f'SavedModel: {folder}']
    assert lines[2].startswith('Checked on 100 generated images: the same classes, ')
    with tf.Graph().as_default(), tf.Session() as session:
        model = tf.saved_model.load(session, [tf.saved_model.SERVING], str(folder))
        signature = model.signature_def['serving_default']
        assert_agrees(lambda images: session.run(
            [signature.outputs[name].name for name in ('classes', 'probabilities')],
            {signature.inputs['images'].name: images}))
        operations = session.graph.get_operations()
    # Stock ops on any device.
    assert {op.type for op in operations} - {'Add', 'AddV2', 'NoOp'} == {
        'ArgMax', 'Cast', 'Const', 'Conv2D', 'Identity', 'LRN', 'MatMul', 'MaxPool', 'Maximum',
        'Mean', 'Placeholder', 'RealDiv', 'Relu', 'Reshape', 'Softmax', 'Sqrt', 'Square',
        'StridedSlice', 'Sub'}
    assert not any(op.device for op in operations)
    about = json.loads((folder / 'assets.extra' / 'about.json').read_text())
    assert about['classes'] == list(cifar10.CLASS_NAMES)
    assert about['step'] == 7 and len(about['checkpoint_sha256']) == 64
    # Nothing tells where it was made, and nothing is left beside it.
    assert str(tmp_path).encode() not in (folder / 'saved_model.pb').read_bytes()
    assert os.listdir(str(tmp_path / 'new')) == ['export']


def test_onnx(run, tmp_path, assert_agrees):
    for module in ('onnx', 'tf2onnx'):
        model_helpers.need(module)
    onnxruntime = model_helpers.need('onnxruntime')
    path = tmp_path / 'model.onnx'
    assert run('--output', tmp_path / 'export', '--onnx', path)[2] == f'ONNX: {path}'
    session = onnxruntime.InferenceSession(str(path), providers=['CPUExecutionProvider'])
    assert [(value.name, value.type, value.shape)
            for value in session.get_inputs() + session.get_outputs()] == [
        ('images', 'tensor(uint8)', ['N', 32, 32, 3]), ('classes', 'tensor(int64)', ['N']),
        ('probabilities', 'tensor(float)', ['N', 10])]
    assert_agrees(lambda images: session.run(None, {'images': images}))
    metadata = session.get_modelmeta().custom_metadata_map
    assert json.loads(metadata['classes']) == list(cifar10.CLASS_NAMES)


def test_npz(run, tmp_path):
    """It holds only the averages, under the weights' names."""
    path = tmp_path / 'model'  # NumPy would add .npz
    run('--output', tmp_path / 'export', '--npz', path)
    tensors = model_helpers.random_tensors()
    with np.load(str(path)) as arrays:
        weights = {name: arrays[name] for name in arrays.files if not name.startswith('about/')}
        assert arrays['about/classes'].tolist() == list(cifar10.CLASS_NAMES)
        assert arrays['about/system'] == 'deep_cnn'
    assert len(weights) == 10
    for name, value in weights.items():
        assert np.array_equal(value, tensors[name + '/ExponentialMovingAverage']), name


@pytest.mark.parametrize('classes, deviation, words', [
    ([4, 4, 4], 2e-5, 'up to 2.0e-05'), ([4, 4, 4], np.nan, 'up to nan'),
    ([4, 3, 4], 0, '1 of 3 classes')])
def test_the_comparison_is_strict(classes, deviation, words):
    expected = np.full([3, 10], 0.05, np.float32)
    expected[:, 4] = 0.55
    given = expected.copy()
    given[1, 3] += deviation
    made = formats.Format('x', 'X', None, lambda *unused: (np.array(classes), given))
    with pytest.raises(UserError, match=words):
        made.check(None, '', None, expected)


@pytest.mark.parametrize('option', ['output', 'npz'])
def test_what_does_not_agree_is_not_written(run, tmp_path, monkeypatch, option):
    """One weight of each file is changed."""
    real, name = formats.extract, 'model/softmax_linear/biases'

    def extract(classifier):
        network = real(classifier)
        network.weights[name][0] += 1
        for node in network.graph_def.node:
            if option == 'output' and node.name == name:
                node.attr['value'].tensor.tensor_content = np.arange(10, dtype='f').tobytes()
        return network

    monkeypatch.setattr(formats, 'extract', extract)
    run('--output', tmp_path / 'export', '--npz', tmp_path / 'npz',
        refusal='does not agree with the checkpoint')
    assert os.listdir(str(tmp_path)) == ([] if option == 'output' else ['export'])


def test_nothing_is_overwritten(run, tmp_path):
    folder, file = tmp_path / 'folder', tmp_path / 'file'
    folder.mkdir()
    run('--output', folder)  # it is empty
    kept = (folder / 'saved_model.pb').read_bytes()
    file.write_text('kept')
    for arguments in (('--output', folder), ('--output', file),
                      ('--output', tmp_path / 'a', '--npz', file)):
        run(*arguments, refusal=str(arguments[-1]))
    assert (folder / 'saved_model.pb').read_bytes() == kept
    assert file.read_text() == 'kept'
    assert sorted(os.listdir(str(tmp_path))) == ['file', 'folder']


def test_paths_that_cannot_be_written(run, tmp_path, monkeypatch):
    """One line names the path; nothing is left behind."""
    monkeypatch.chdir(tmp_path)
    for refusal, *arguments in (
            ('the folder none does not exist', '--output', 'a', '--npz', 'none/a.npz'),
            ('--output gs://bucket/x', '--output', 'gs://bucket/x'),
            ('--output ~nobody', '--output', '~nobody-of-that-name/x'),
            ('must have different names', '--output', 'b', '--npz', './b'),
            ('cannot write a/a', '--output', 'a/' * 1500 + 'b')):
        run(*arguments, refusal=refusal)
    shutil.rmtree('a', ignore_errors=True)
    with model_helpers.file_size_limit():  # as on a full disk
        run('--output', 'b', refusal='File too large')
        monkeypatch.setattr(formats, 'FORMATS', formats.FORMATS[-1:])
        run('--output', 'b', '--npz', 'a.npz', refusal='cannot write a.npz: File too large')
    monkeypatch.setitem(sys.modules, 'onnx', None)
    run('--output', 'b', '--onnx', 'a.onnx', refusal='make setup EXTRAS=onnx')
    assert os.listdir(str(tmp_path)) == []
