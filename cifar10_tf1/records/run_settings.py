"""What a user can choose of a run: asked for, recorded, or as documented.

A model folder is one run. What is not asked for on resumption comes from the
record; what is asked for and would make it another run is refused.
"""

from typing import NamedTuple, Optional

from cifar10_tf1.machine import description
from cifar10_tf1.common.errors import UserError


class RunSettings(NamedTuple):
    """What a user can choose; None: not given."""
    seed: Optional[int] = None
    epochs: Optional[int] = None            # in total
    save_steps: Optional[int] = None        # from checkpoint to checkpoint
    train_files: Optional[int] = None       # of the training data, the first
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
    """Those of a run without options, but for these kernels and files."""
    train_files = train_files or data_set.num_train_files
    cores = description.count_cores()
    is_fast = kernels == 'fast'
    return RunSettings(
        seed=1, epochs=system.num_epochs,
        save_steps=system.build_plan(data_set, train_files).num_steps,
        train_files=train_files, device='auto', kernels=kernels,
        # The fast kernels' ops are small, and many: each in one thread, so
        # that the number of threads has no influence on the bits.
        intra_op_threads=1 if is_fast else cores,
        inter_op_threads=is_fast and system.num_parallel_ops or cores,
        input_threads=min(cores, 2))


def complete(given, system, data_set, recorded=RunSettings()):
    """RunSettings: what is given, else recorded, else the default."""
    defaults = default(system, data_set,
                       given.kernels or recorded.kernels or 'stock',
                       given.train_files or recorded.train_files)
    return RunSettings(*(
        next(value for value in values if value is not None)
        for values in zip(given, recorded, defaults)))


def resolve(record, given, data_set, system):
    """What a process trains with: what is given, else recorded, else default.

    Args:
      record: RunRecord, perhaps new.
      given: RunSettings, of the command line.
      data_set: data.data_set.DataSet.
      system: a systems.base.System.
    Returns:
      RunSettings without a None.
    Raises:
      UserError: where the folder's run is of another seed or other data.
    """
    way_out = 'or choose another folder with --model-dir'
    recorded = record.settings
    if (given.train_files or 1) > data_set.num_train_files:
        raise UserError(f'--train-files {given.train_files}: the training data '
                        f'of {data_set.name} has {data_set.num_train_files} '
                        'file(s); ask for fewer')
    if record.content['processes']:
        num_files = recorded.train_files or data_set.num_train_files
        if given.train_files not in (None, num_files):
            raise UserError(f'{record.folder} holds a run on {num_files} training '
                            f'file(s), not {given.train_files}; leave '
                            f'--train-files out, {way_out}')
        if given.seed not in (None, recorded.seed):
            raise UserError(
                f'{record.folder} holds a run of seed {recorded.seed}, not '
                f'{given.seed}; leave --seed out, {way_out}')
        data = record.content['data']
        if data['name'] != data_set.name:
            with_or_without = ('add' if data['name'].startswith(
                'synthetic') else 'leave out')
            raise UserError(f'{record.folder} holds a run on {data["name"]}, '
                            f'not on {data_set.name}; {with_or_without} '
                            f'--synthetic, {way_out}')
        if data['sha256'] != data_set.sha256:
            raise UserError(f'{record.folder} holds a run on other files of '
                            f'{data_set.name}; give those with --data-dir, '
                            f'{way_out}')
    return complete(given, system, data_set, recorded)
