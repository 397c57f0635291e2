"""The weights a run starts from: published ones, or seeded ones if the user wants."""

import tensorflow.compat.v1 as tf

from cifar10_tf1.common import files
from cifar10_tf1.common.errors import explained, UserError
from cifar10_tf1.graph.variables import load_variables


def load(run, graph, session, is_new):
    """Gives a new run its published weights; checks those that a user names later.

    Returns what the record's `data` says of the weights: {} for a system without published
    ones; otherwise `pretrained`, which is None for seeded ones.
    """
    published, path = run.system.pretrained, run.options.pretrained
    chosen = 'seeded' if run.options.from_scratch else path and 'published'
    if published is None:
        if chosen:
            raise UserError(f'{run.system.name} always starts from seeded weights; omit '
                            '--pretrained and --from-scratch')
        return {}
    recorded = run.record.content['data'].get('pretrained')
    if run.record.has_begun:
        begun = 'published' if recorded else 'seeded'
        run.record.refuse_another(
            'kind of initial weights', begun, chosen,
            'omit --from-scratch' if begun == 'published' else 'omit --pretrained')
        chosen = begun
    if chosen == 'seeded' or not (is_new or path):
        return {'pretrained': recorded}
    shapes = {variable.op.name: tuple(variable.shape.as_list()) for variable
              in graph.graph.get_collection(tf.GraphKeys.MODEL_VARIABLES)}
    tensors, found = published.load(shapes, path)
    if recorded and recorded.get('tensors_sha256') != found['tensors_sha256']:
        raise UserError(
            f'the run in {run.folder.path} started from weights other than '
            f'{path or published.TITLE}; name its own with --pretrained, or choose '
            'another folder with --model-dir')
    if not is_new:
        return {'pretrained': recorded}
    load_variables(session, [(graph.variables[name], value) for name, value in tensors.items()])
    path = run.folder.join(published.LIST_FILE)
    with explained(f'write {path}', '--model-dir'):
        files.write_atomically(path, '\n'.join(published.format_list(shapes)) + '\n')
    return {'pretrained': found}
