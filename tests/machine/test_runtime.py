"""The environment that TensorFlow loads in, and what its import prints."""

import ctypes
import os
import resource
import sys

import pytest

import runs
from cards import RTX_2080
from cifar10_tf1 import startup
from cifar10_tf1.common.errors import UserError
from cifar10_tf1.machine import description, devices, overrides, runtime
from cifar10_tf1.machine.devices import DeviceSelection
from cifar10_tf1.records import run_settings

LOAD = '''
from cifar10_tf1.machine import runtime
runtime.prepare_environment()
runtime.load_tensorflow()
'''
AVX2 = 'avx avx2 f16c fma sse sse2'
AVX512 = AVX2 + ' avx512bw avx512dq avx512f avx512vl'


@pytest.fixture
def install(monkeypatch):
    """A function that installs a processor and an environment, as if before the import."""
    def install(flags=AVX2, **environment):
        monkeypatch.delitem(sys.modules, 'tensorflow', raising=False)
        monkeypatch.setattr(description, 'find_cpu', lambda: {'vector_flags': flags})
        monkeypatch.setattr(os, 'environ', environment)
        return environment

    return install


def test_memory_is_kept_from_step_to_step():
    """In this process, which conftest.py prepared."""
    library, size = ctypes.CDLL(None), 24 << 20
    library.malloc.restype = ctypes.c_void_p
    for unused_round in range(2):
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        blocks = [ctypes.c_void_p(library.malloc(size)) for unused in range(4)]
        for block in blocks:
            ctypes.memset(block, 1, size)
        for block in blocks:
            library.free(block)
    # Pages that the second round requests from the system.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before < 100


@pytest.mark.parametrize('flags, arguments, rewrites', [
    (AVX512, ('fast',), '1'), (AVX512, ('stock',), '0'), (AVX512, ('stock', True), '1'),
    (AVX2 + ' avx512f', ('fast',), '0'), (AVX2, ('stock', True), '1'), (AVX2, ('stock',), '0'),
    (AVX2, ('fast', True), '0'), ('avx sse', ('stock', True), '0'),
    ('asimd sve', ('fast',), '0'), ('asimd sve', ('stock', True), '0')])
def test_the_vector_flags_decide_about_rewrites(install, flags, arguments, rewrites):
    """No timing decides: equal machines must compute the same bits."""
    for given in '01':
        environment = install(flags, TF_ENABLE_ONEDNN_OPTS=given)
        runtime.prepare_environment(*arguments)
        assert environment['TF_ENABLE_ONEDNN_OPTS'] == rewrites


def test_variables_that_change_the_numbers_are_removed_in_one_line(install, capsys):
    names = [pattern.replace('*', 'X') for pattern in overrides.SET_ASIDE]
    kept = {'TF_FORCE_GPU_ALLOW_GROWTH': 'true', 'TF_GPU_THREAD_MODE': 'gpu_private'}
    environment = install(**dict.fromkeys(names, '1'), **kept)
    runtime.prepare_environment()
    assert set(environment).isdisjoint(names)
    assert set(environment.items()) >= set({**overrides.OURS, **kept}.items())
    error = capsys.readouterr().err
    assert error.startswith('warning: ') and error.count('\n') == 1
    assert set(names) <= set(error.replace(',', '').split())
    assert not set(kept) & set(error.replace(',', '').split())
    runtime.prepare_environment()  # as a program that this one starts
    assert capsys.readouterr().err == ''


@pytest.mark.parametrize('card, given, visible, level', [
    (None, {}, '-1', '3'), (RTX_2080, {}, '0', '2'),
    (None, {'TF_CPP_MIN_LOG_LEVEL': '0'}, '-1', '0')])
def test_tensorflow_sees_the_selected_device_only(install, monkeypatch, card, given, visible,
                                                  level):
    monkeypatch.setattr(devices, 'select', lambda *unused: DeviceSelection('auto', card))
    environment = install(CUDA_VISIBLE_DEVICES='1,0', **given)
    startup.select_device_and_kernels(run_settings.RunSettings(), 'deep_cnn')
    assert environment['CUDA_VISIBLE_DEVICES'] == visible
    assert environment['TF_CPP_MIN_LOG_LEVEL'] == level


def test_a_processor_without_avx_is_told_before_the_import(monkeypatch):
    monkeypatch.setattr(description, 'find_cpu', lambda: {
        'architecture': 'x86_64', 'vector_flags': 'sse sse2'})
    with pytest.raises(UserError, match='AVX.* another machine'):
        runtime.load_tensorflow.__wrapped__()


def test_the_last_words_of_an_import_that_aborts_are_seen(tmp_path):
    (tmp_path / 'tensorflow.py').write_text(
        'import os\n'
        'os.write(2, b"I0000 a note\\nF tensorflow cannot go on\\n")\n'
        'os.abort()\n')
    status, unused_output, error = runs.run_python('-c', LOAD, PYTHONPATH=str(tmp_path))
    assert status < 0
    assert 'cannot go on' in error and 'a note' not in error


def test_nothing_is_printed_by_an_import_that_succeeds():
    assert runs.run_python('-c', LOAD) == (0, '', '')
