"""What a run begins with: published weights, or seeded ones where it may.

For systems that fine-tune. A run from seeded weights is another result than the
documented one, so the record, and each line that it prints, say which it is.
"""

import os

import tensorflow.compat.v1 as tf

from cifar10_tf1.checkpoints import model_dir
from cifar10_tf1.records import run_record
from cifar10_tf1.checkpoints import pretrained
from cifar10_tf1.data import preparation
from cifar10_tf1.common.errors import UserError
from cifar10_tf1.graph.variables import load_variables

SEEDED_PREFIX = '[from seeded weights] '


class InitialWeights:
    """The one of a run."""

    def __init__(self, system, record, path, is_from_scratch):
        """
        Args:
          system: systems.base.System.
          record: run_record.RunRecord, perhaps new.
          path: str, of published weights that the user names, or None.
          is_from_scratch: bool, whether the user wants seeded ones.
        Raises:
          UserError: where it contradicts itself, the system or the record.
        """
        self._published = system.pretrained
        self._folder = record.folder
        self._path = path
        self._recorded = {}
        if record.content['processes'] and self._published:
            self._recorded = record.content['data'].get('pretrained') or {}
            self._check_record(is_from_scratch)
            self._is_from_scratch = not self._recorded
        else:
            self._is_from_scratch = is_from_scratch
        self._for_record = self._recorded
        if path is not None and is_from_scratch:
            raise UserError('--pretrained and --from-scratch contradict each '
                            'other; leave one out')
        if self._published is None and (path is not None or is_from_scratch):
            raise UserError(
                f'{system.name} begins with seeded weights; leave --pretrained '
                'and --from-scratch out')
        self.line_prefix = ''
        if self._published and self._is_from_scratch:
            self.line_prefix = SEEDED_PREFIX
        elif self._published and not (
                self._recorded.get('is_documented', True) if self._recorded
                else path is None or pretrained.is_documented(self._published, path)):
            self.line_prefix = pretrained.OTHER_PREFIX

    @property
    def for_record(self):
        """dict of what joins a record's data."""
        if self._published is None:
            return {}
        return {'pretrained': None if self._is_from_scratch
                else self._for_record}

    def load(self, session, graph):
        """Gives the variables of a new run their published values.

        Args:
          session: tf.Session, whose variables are initialized.
          graph: training.TrainingGraph.
        Raises:
          UserError: where there are none, as pretrained.load; where the run was
            begun with others.
        """
        if self._published is None or self._is_from_scratch:
            return
        weights = self._load(graph)
        load_variables(session, [(graph.variables[name], value) for name, value
                                 in weights.tensors.items()])
        lines = self._published.format_list(_list_shapes(graph))
        path = os.path.join(self._folder, self._published.list_name)
        with preparation.explained(f'write {path}', '--model-dir'):
            with open(path, 'w') as file:
                file.write('\n'.join(lines) + '\n')
        self._for_record = weights.for_record

    def check(self, graph):
        """Looks whether weights that a user names are those of a run.

        Args:
          graph: training.TrainingGraph.
        Raises:
          UserError: where they are others, or can't be read.
        """
        if self._path is not None:
            self._load(graph)

    def _load(self, graph):
        wanted = {name: shape for name, shape in _list_shapes(graph).items()
                  if self._published.is_restored(name)}
        weights = pretrained.load(self._published, wanted, self._path)
        begun_with = self._recorded.get('tensors_sha256')
        if begun_with not in (None, weights.tensors_sha256):
            raise UserError(
                f'{self._folder} holds a run that began with other weights than '
                f'{self._path or self._published.find_folder()} (SHA-256 of the '
                f'tensors {begun_with[:12]}..., not '
                f'{weights.tensors_sha256[:12]}...); leave --pretrained out, or '
                'choose another folder with --model-dir')
        return weights

    def _check_record(self, is_from_scratch):
        if self._recorded and is_from_scratch:
            raise UserError(
                f'{self._folder} holds a run from published weights; leave '
                '--from-scratch out, or choose another folder with --model-dir')
        if not self._recorded and self._path is not None:
            raise UserError(
                f'{self._folder} holds a run from seeded weights; leave '
                '--pretrained out, or choose another folder with --model-dir')


def _list_shapes(graph):
    """{name: shape} of the network's variables, in order of creation."""
    return {variable.op.name: tuple(variable.shape.as_list()) for variable
            in graph.graph.get_collection(tf.GraphKeys.MODEL_VARIABLES)}


def find_prefix(checkpoint):
    """What precedes each line on a checkpoint, beside the data set's: str.

    Args:
      checkpoint: str, a prefix; what lies beside it says so.
    Raises:
      UserError: as model_dir.load_settings.
    """
    content = (model_dir.load_settings(checkpoint) or {}).get('record')
    record = content and run_record.RunRecord('', content)
    if not record:
        return ''
    return SEEDED_PREFIX if record.is_from_scratch else (
        pretrained.OTHER_PREFIX if record.has_other_weights else '')
