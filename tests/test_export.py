"""A checkpoint as a SavedModel and as ONNX: the same answers, nothing lost."""

import json
import os
import sys

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

import model_helpers
from cifar10_tf1 import inference
from cifar10_tf1.data import cifar10
from cifar10_tf1.common.errors import UserError
from cifar10_tf1.export import __main__ as export
from cifar10_tf1.export import checking
from cifar10_tf1.export import saved_model
from cifar10_tf1.systems.deep_cnn import SYSTEM as deep_cnn


@pytest.fixture(scope='module')
def checkpoint(tmp_path_factory):
    return model_helpers.write_checkpoint(
        tmp_path_factory.mktemp('model'), model_helpers.random_tensors(),
        data='cifar10')


@pytest.fixture(scope='module')
def expected(checkpoint):
    """(images, probabilities) by the checkpoint."""
    images = np.random.RandomState(3).randint(0, 256, [30, 32, 32, 3]).astype(
        np.uint8)
    with inference.Classifier(deep_cnn, checkpoint) as classifier:
        return images, classifier.classify(images)


def run(tmp_path, checkpoint, *arguments):
    return export.main(['--checkpoint', checkpoint, '--data-dir',
                        str(tmp_path / 'no data')] + list(map(str, arguments)))


def test_saved_model(tmp_path, checkpoint, expected, capsys):
    folder = tmp_path / 'new' / 'export'
    assert run(tmp_path, checkpoint, '--output', folder) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == [f'Checkpoint: {checkpoint}', f'SavedModel: {folder}']
    assert lines[2].startswith('Checked on 100 generated images: the same '
                               'classes, probabilities within ')
    images, probabilities = expected
    for count in (1, 30):
        outputs = saved_model.run(str(folder), images[:count])
        assert outputs[0].tolist() == probabilities[:count].argmax(1).tolist()
        assert np.abs(outputs[1] - probabilities[:count]).max() <= 1e-5
    about = json.loads((folder / 'assets.extra' / 'about.json').read_text())
    assert about['classes'] == list(cifar10.CLASS_NAMES)
    assert about['step'] == 7 and len(about['checkpoint_sha256']) == 64
    # Nothing of where it was made, and no leftovers beside it.
    content = (folder / 'saved_model.pb').read_bytes()
    assert str(tmp_path).encode() not in content
    assert os.listdir(str(tmp_path / 'new')) == ['export']


def test_only_stock_ops_and_no_device(checkpoint):
    with inference.Classifier(deep_cnn, checkpoint) as classifier:
        graph_def = saved_model.freeze(classifier)
    assert {node.op for node in graph_def.node} - {'Add', 'AddV2'} == {
        'ArgMax', 'Cast', 'Const', 'Conv2D', 'Identity', 'LRN', 'MatMul',
        'MaxPool', 'Maximum', 'Mean', 'Placeholder', 'RealDiv', 'Relu',
        'Reshape', 'Softmax', 'Sqrt', 'Square', 'StridedSlice', 'Sub'}
    assert not any(node.device for node in graph_def.node)


def test_onnx(tmp_path, checkpoint, expected, capsys):
    onnxruntime = model_helpers.need('onnxruntime')
    for module in ('onnx', 'tf2onnx'):
        model_helpers.need(module)
    path = tmp_path / 'model.onnx'
    assert run(tmp_path, checkpoint, '--output', tmp_path / 'export', '--onnx',
               path) == 0
    captured = capsys.readouterr()
    assert captured.out.splitlines()[2] == f'ONNX: {path}'
    assert captured.err == ''
    session = onnxruntime.InferenceSession(
        str(path), providers=['CPUExecutionProvider'])
    assert [(value.name, value.type, value.shape) for value in
            session.get_inputs() + session.get_outputs()] == [
        ('images', 'tensor(uint8)', ['N', 32, 32, 3]),
        ('classes', 'tensor(int64)', ['N']),
        ('probabilities', 'tensor(float)', ['N', 10])]
    images, probabilities = expected
    for count in (1, 30):
        outputs = session.run(None, {'images': images[:count]})
        assert outputs[0].tolist() == probabilities[:count].argmax(1).tolist()
        assert np.abs(outputs[1] - probabilities[:count]).max() <= 1e-5
    metadata = session.get_modelmeta().custom_metadata_map
    assert json.loads(metadata['classes']) == list(cifar10.CLASS_NAMES)


def test_the_check_is_strict():
    expected = np.full([5, 10], 0.05, np.float32)
    expected[:, 4] = 0.55
    classes = np.full(5, 4)
    assert checking.check('x', (classes, expected), expected) == 0
    near = expected + np.float32(0.9e-5)
    assert 0 < checking.check('x', (classes, near), expected) < 1e-5
    other, far, broken = expected.copy(), expected.copy(), expected.copy()
    far[2, 3] += 2e-5
    broken[0, 0] = np.nan
    for outputs, named in (((classes, far), 'up to 2.0e-05'),
                           ((classes, broken), 'up to nan'),
                           ((np.array([4, 4, 3, 4, 4]), other), '1 of 5')):
        with pytest.raises(UserError, match=named):
            checking.check('x', outputs, expected)


def test_what_does_not_agree_is_not_written(tmp_path, checkpoint, monkeypatch,
                                            capsys):
    real = saved_model.freeze

    def freeze(classifier):
        with classifier.graph.graph.as_default():
            (biases,) = [v for v in tf.trainable_variables()
                         if v.op.name == 'model/softmax_linear/biases']
            biases.load(np.arange(10) / 1e3, classifier.session)
        return real(classifier)

    monkeypatch.setattr(saved_model, 'freeze', freeze)
    assert run(tmp_path, checkpoint, '--output', tmp_path / 'export') == 1
    assert 'does not agree with the checkpoint' in capsys.readouterr().err
    assert os.listdir(str(tmp_path)) == []


def test_nothing_is_overwritten(tmp_path, checkpoint, capsys):
    folder, file = tmp_path / 'folder', tmp_path / 'file'
    folder.mkdir()
    assert run(tmp_path, checkpoint, '--output', folder) == 0  # it is empty
    capsys.readouterr()
    kept = (folder / 'saved_model.pb').read_bytes()
    file.write_text('kept')
    for path in (folder, file):
        assert run(tmp_path, checkpoint, '--output', path) == 1
        error = capsys.readouterr().err
        assert 'is there already' in error and error.count('\n') == 1
    assert (folder / 'saved_model.pb').read_bytes() == kept
    assert file.read_text() == 'kept'


def test_a_full_disk(tmp_path, checkpoint, monkeypatch, capsys):
    monkeypatch.setattr(export.extras, 'require', lambda *arguments: None)
    folder, onnx = tmp_path / 'export', tmp_path / 'a.onnx'
    for what in (folder, onnx):
        with model_helpers.file_size_limit():
            assert run(tmp_path, checkpoint, '--output', folder, '--onnx',
                       onnx) == 1
        error = capsys.readouterr().err
        assert f'cannot write {what}: ' in error and 'File too large' in error
        assert error.count('\n') == 1
        assert os.listdir(str(tmp_path)) == []
        # From here on there is nothing in the way of the SavedModel.
        monkeypatch.setattr(export, '_export_saved_model', lambda *unused: 0.0)
        monkeypatch.setattr(export.onnx_file, 'convert',
                            lambda *unused: bytes(20000))
        monkeypatch.setattr(export.onnx_file, 'run', lambda *unused: None)
        monkeypatch.setattr(export.checking, 'check', lambda *unused: 0.0)


def test_onnx_file_in_the_way_or_without_a_folder(tmp_path, checkpoint,
                                                  monkeypatch, capsys):
    monkeypatch.setattr(export.extras, 'require', lambda *arguments: None)
    taken = tmp_path / 'taken.onnx'
    taken.write_text('kept')
    for path, named in ((taken, 'is there already'),
                        (tmp_path / 'none' / 'a.onnx', 'there is no folder'),
                        (tmp_path / 'export', 'both name')):
        assert run(tmp_path, checkpoint, '--output', tmp_path / 'export',
                   '--onnx', path) == 1
        assert named in capsys.readouterr().err
    assert taken.read_text() == 'kept'
    assert not (tmp_path / 'export').exists()


def test_npz(tmp_path, checkpoint, expected, capsys):
    """The averages under the weights' names; they are the network."""
    path = tmp_path / 'model.npz'
    assert run(tmp_path, checkpoint, '--output', tmp_path / 'export', '--npz',
               path) == 0
    assert f'NumPy: {path}' in capsys.readouterr().out
    tensors = model_helpers.random_tensors()
    with np.load(str(path)) as arrays:
        weights = {name: arrays[name] for name in arrays.files
                   if not name.startswith('about/')}
        assert arrays['about/classes'].tolist() == list(cifar10.CLASS_NAMES)
        assert arrays['about/system'] == 'deep_cnn'
    assert len(weights) == 10
    for name, value in weights.items():
        assert np.array_equal(
            value, tensors[name + '/ExponentialMovingAverage']), name
    images, probabilities = expected
    outputs = export.npz_file.run(path.read_bytes(), deep_cnn, images)
    assert outputs[0].tolist() == probabilities.argmax(1).tolist()
    assert np.abs(outputs[1] - probabilities).max() <= 1e-5


def test_an_npz_of_other_weights_is_not_written(tmp_path, checkpoint,
                                                monkeypatch, capsys):
    real = export.npz_file.run

    def run_otherwise(content, system, images):
        classes, probabilities = real(content, system, images)
        return classes, probabilities + 1e-3

    monkeypatch.setattr(export.npz_file, 'run', run_otherwise)
    path = tmp_path / 'model.npz'
    assert run(tmp_path, checkpoint, '--output', tmp_path / 'export', '--npz',
               path) == 1
    assert 'NumPy file' in capsys.readouterr().err
    assert not path.exists()


def test_missing_packages_are_named(tmp_path, checkpoint, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, 'onnx', None)
    assert run(tmp_path, checkpoint, '--output', tmp_path / 'export', '--onnx',
               tmp_path / 'a.onnx') == 1
    error = capsys.readouterr().err
    assert '--onnx needs onnx, which is not installed' in error
    assert 'make setup EXTRAS=onnx' in error and error.count('\n') == 1
    assert not (tmp_path / 'export').exists()


def test_images_of_the_check(tiny_data_set, tmp_path, monkeypatch):
    """Test images where they are; generated ones elsewhere, never a download."""
    images, what = checking.load_images(str(tmp_path), deep_cnn)
    assert images.shape == (100, 32, 32, 3) and what == 'generated images'
    (tmp_path / cifar10.FOLDER).mkdir()
    (tmp_path / cifar10.FOLDER / 'test_batch.bin').touch()
    images, what = checking.load_images(str(tmp_path), deep_cnn)
    assert what == 'generated images'  # those are incomplete
    monkeypatch.setattr(cifar10, 'load_data_set', lambda folder: tiny_data_set)
    images, what = checking.load_images(str(tmp_path), deep_cnn)
    assert what == 'test images'
    assert (images == cifar10.load_records(tiny_data_set.test_path)[1][:100]
            ).all()
