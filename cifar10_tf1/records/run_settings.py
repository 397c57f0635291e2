"""The settings of a run that a user can choose.

An option overrides the recorded setting, which overrides the documented one. A model
folder has one run, so options that would make it another run are refused.
"""

from typing import NamedTuple, Optional

from cifar10_tf1.common.errors import UserError
from cifar10_tf1.data import is_synthetic
from cifar10_tf1.machine import description, resources


class RunSettings(NamedTuple):
    seed: Optional[int] = None
    epochs: Optional[int] = None            # in total
    save_steps: Optional[int] = None        # between checkpoints
    train_files: Optional[int] = None       # number of the first ones to train on
    device: Optional[str] = None            # 'auto', 'cpu' or 'gpu'
    kernels: Optional[str] = None           # 'auto', 'stock' or 'fast'
    intra_op_threads: Optional[int] = None
    inter_op_threads: Optional[int] = None
    input_threads: Optional[int] = None

    @property
    def threads(self):
        return description.Threads(self.intra_op_threads, self.inter_op_threads,
                                   self.input_threads)


def default(system, data_set, kernels='stock', train_files=None):
    """The RunSettings of a run without options other than these."""
    train_files = train_files or data_set.num_train_files
    cores = resources.count_cores()
    is_fast = kernels == 'fast'
    return RunSettings(
        seed=1, epochs=system.num_epochs,
        save_steps=system.build_plan(data_set, train_files).num_steps,
        train_files=train_files, device='auto', kernels=kernels,
        # The fast kernels have many small ops. Each runs in one thread, which keeps
        # the number of threads out of the bits.
        intra_op_threads=1 if is_fast else cores,
        inter_op_threads=is_fast and system.num_parallel_ops or cores,
        input_threads=min(cores, 2))


def complete(given, system, data_set, recorded=RunSettings()):
    """RunSettings: each value as given or, if not given, as recorded or the default."""
    defaults = default(system, data_set, given.kernels or recorded.kernels or 'stock',
                       given.train_files or recorded.train_files)
    return RunSettings(*(next(value for value in values if value is not None)
                         for values in zip(given, recorded, defaults)))


def resolve(record, given, data_set, system):
    """The complete RunSettings of a training process.

    A run that was started with fewer epochs than documented, to try it, continues to the
    documented number. Raises UserError for another seed or other data.
    """
    recorded = record.settings
    if (given.train_files or 1) > data_set.num_train_files:
        raise UserError(f'--train-files {given.train_files}: {data_set.name} has only '
                        f'{data_set.num_train_files} training file(s); use fewer')
    if record.has_begun:
        data = record.content['data']
        synthetic = 'add' if is_synthetic(data['name']) else 'omit'
        for name, theirs, ours, way_out in (
                ('number of training files',
                 recorded.train_files or data_set.num_train_files, given.train_files,
                 'omit --train-files'),
                ('seed', recorded.seed, given.seed, 'omit --seed'),
                ('data set', data['name'], data_set.name, f'{synthetic} --synthetic')):
            record.refuse_another(name, theirs, ours, way_out)
        if data['sha256'] != data_set.sha256:
            raise UserError(f'the run in {record.folder} has other files of {data_set.name}; name '
                            'those with --data-dir, or choose another folder with --model-dir')
        recorded = recorded._replace(epochs=max(recorded.epochs, system.num_epochs))
    return complete(given, system, data_set, recorded)
