"""The weights a run starts from: published ones, or seeded ones if the user wants.

For systems that fine-tune. A run from seeded weights is another result than the
documented one, so the record, and each line that it prints, say which it is.
"""

import os

import tensorflow.compat.v1 as tf

from cifar10_tf1.checkpoints import model_dir
from cifar10_tf1.checkpoints import pretrained
from cifar10_tf1.common import files
from cifar10_tf1.common.errors import UserError
from cifar10_tf1.graph.variables import load_variables
from cifar10_tf1.records import run_record

SEEDED_PREFIX = '[from seeded weights] '


class InitialWeights:
    """The weights a run starts from.

    Attributes:
      line_prefix: str, what precedes each line of the run.
      for_record: dict, what joins the record's data.
    """

    def __init__(self, system, record, path, is_from_scratch):
        """
        Args:
          system: systems.base.System.
          record: run_record.RunRecord, perhaps new.
          path: str, of published weights that the user names, or None.
          is_from_scratch: bool, whether the user wants seeded ones.
        Raises:
          UserError: it contradicts itself, the system or the record.
        """
        if path is not None and is_from_scratch:
            raise UserError('--pretrained and --from-scratch contradict each '
                            'other; leave one out')
        if system.pretrained is None and (path is not None or is_from_scratch):
            raise UserError(
                f'{system.name} begins with seeded weights; leave --pretrained '
                'and --from-scratch out')
        self._published = None if is_from_scratch else system.pretrained
        self._folder, self._path = record.folder, path
        recorded = {}
        if system.pretrained and record.content['processes']:
            recorded = record.content['data'].get('pretrained') or {}
            for differs, theirs, option in (
                    (recorded and is_from_scratch, 'published', '--from-scratch'),
                    (not recorded and path is not None, 'seeded', '--pretrained')):
                if differs:
                    raise UserError(
                        f'{record.folder} holds a run from {theirs} weights; leave '
                        f'{option} out, or choose another folder with --model-dir')
            if not recorded:
                self._published = None
        self._tensors_sha256 = recorded.get('tensors_sha256')
        self.line_prefix, self.for_record = '', {}
        if system.pretrained:
            self.for_record = {'pretrained': recorded if self._published else None}
            is_documented = recorded.get('is_documented', True) if recorded else (
                path is None or pretrained.is_documented(system.pretrained, path))
            self.line_prefix = SEEDED_PREFIX if not self._published else (
                '' if is_documented else pretrained.OTHER_PREFIX)

    def load(self, session, graph):
        """Gives the variables of a new run their published values.

        Args:
          session: tf.Session, whose variables are initialized.
          graph: training.TrainingGraph.
        Raises:
          UserError: as pretrained.load.
        """
        if self._published is None:
            return
        weights = self._find(graph)
        load_variables(session, [(graph.variables[name], value) for name, value
                                 in weights.tensors.items()])
        path = os.path.join(self._folder, self._published.list_name)
        lines = self._published.format_list(_list_shapes(graph))
        try:
            files.write_atomically(path, '\n'.join(lines) + '\n')
        except OSError as error:
            raise UserError(f'cannot write {path}: {error.strerror}; free some '
                            'space or choose another folder with --model-dir')
        self.for_record = {'pretrained': weights.for_record}

    def check(self, graph):
        """Raises UserError if weights that a user names are not those of the run."""
        if self._path is not None:
            self._find(graph)

    def _find(self, graph):
        wanted = {name: shape for name, shape in _list_shapes(graph).items()
                  if self._published.is_restored(name)}
        weights = pretrained.load(self._published, wanted, self._path)
        if self._tensors_sha256 not in (None, weights.tensors_sha256):
            raise UserError(
                f'{self._folder} holds a run that began with other weights than '
                f'{self._path or self._published.find_folder()} (SHA-256 of the '
                f'tensors {self._tensors_sha256[:12]}..., not '
                f'{weights.tensors_sha256[:12]}...); leave --pretrained out, or '
                'choose another folder with --model-dir')
        return weights


def _list_shapes(graph):
    """{name: shape} of the network's variables, in order of creation."""
    return {variable.op.name: tuple(variable.shape.as_list()) for variable
            in graph.graph.get_collection(tf.GraphKeys.MODEL_VARIABLES)}


def find_prefix(checkpoint):
    """What precedes each line on a checkpoint of other than the documented weights.

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
