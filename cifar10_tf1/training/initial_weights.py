"""The weights a run starts from: published ones, or seeded ones if the user wants.

A run from weights other than the documented ones gives another result, so its record
and every line that it prints say so.
"""

import os

import tensorflow.compat.v1 as tf

from cifar10_tf1.checkpoints import model_dir, pretrained
from cifar10_tf1.common import files
from cifar10_tf1.common.errors import UserError
from cifar10_tf1.graph.variables import load_variables
from cifar10_tf1.records import run_record

SEEDED_PREFIX = '[from seeded weights] '


class InitialWeights:
    """Published or seeded weights.

    `line_prefix` goes before each line of the run, `for_record` into its record's data.
    """

    def __init__(self, system, record, path, is_from_scratch):
        """Raises UserError if options contradict each other, the system or the record."""
        self._published, self._path = system.pretrained, path
        self._folder, self._recorded = record.folder, {}
        self.line_prefix, self.for_record = '', {}
        if path is not None and is_from_scratch:
            raise UserError('--pretrained and --from-scratch contradict each other; '
                            'omit one')
        if system.pretrained is None:
            if path is not None or is_from_scratch:
                raise UserError(
                    f'{system.name} always starts from seeded weights; omit '
                    '--pretrained and --from-scratch')
            return
        if record.content['processes']:
            self._recorded = record.content['data'].get('pretrained') or {}
            if is_from_scratch if self._recorded else path is not None:
                kind, option = (('published', '--from-scratch') if self._recorded
                                else ('seeded', '--pretrained'))
                raise UserError(
                    f'the run in {record.folder} started from {kind} weights; omit '
                    f'{option}, or choose another folder with --model-dir')
            is_from_scratch = not self._recorded
        self.for_record = {'pretrained': self._recorded or None}
        if is_from_scratch:
            self._published = None
            self.line_prefix = SEEDED_PREFIX
        elif not (self._recorded.get('is_documented', True) if self._recorded else
                  path is None or pretrained.is_documented(system.pretrained, path)):
            self.line_prefix = pretrained.OTHER_PREFIX

    def load(self, session, graph):
        """Sets the initialized variables of a new run to their published values."""
        if self._published is None:
            return
        tensors, record = self._find(graph)
        load_variables(session, [(graph.variables[name], value) for name, value
                                 in tensors.items()])
        path = os.path.join(self._folder, self._published.list_name)
        try:
            files.write_atomically(path, '\n'.join(
                self._published.format_list(_list_shapes(graph))) + '\n')
        except OSError as error:
            raise UserError(f'cannot write {path}: {error.strerror}; free some '
                            'space or choose another folder with --model-dir')
        self.for_record = {'pretrained': record}

    def check(self, graph):
        """Raises UserError if the user names weights other than the run's."""
        if self._path is not None:
            self._find(graph)

    def _find(self, graph):
        wanted = {name: shape for name, shape in _list_shapes(graph).items()
                  if self._published.is_restored(name)}
        tensors, record = pretrained.load(self._published, wanted, self._path)
        recorded = self._recorded.get('tensors_sha256')
        if recorded not in (None, record['tensors_sha256']):
            raise UserError(
                f'the run in {self._folder} started from weights other than '
                f'{self._path or self._published.find_folder()}; omit --pretrained, or '
                'choose another folder with --model-dir')
        return tensors, record


def _list_shapes(graph):
    """{name: shape} of the network's variables, in order of creation."""
    return {variable.op.name: tuple(variable.shape.as_list()) for variable
            in graph.graph.get_collection(tf.GraphKeys.MODEL_VARIABLES)}


def find_prefix(checkpoint):
    """The prefix for each line about a checkpoint, from the settings beside it."""
    content = (model_dir.load_settings(checkpoint) or {}).get('record')
    record = content and run_record.RunRecord('', content)
    if record and record.is_from_scratch:
        return SEEDED_PREFIX
    return pretrained.OTHER_PREFIX if record and record.has_other_weights else ''
