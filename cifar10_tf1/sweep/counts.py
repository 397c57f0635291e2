"""Right images of the tests of a run: which it has, which it lacks."""

from cifar10_tf1 import systems


def list_wanted(entry):
    """The tests of a run: each variant; the first by several seeds, if it draws.

    Args:
      entry: systems.Entry.
    Returns:
      list of (variant, seed).
    """
    first, *others = entry.variants
    return ([(first, seed) for seed in range(1, entry.num_test_seeds + 1)]
            + [(variant, 1) for variant in others])


def list_missing(record):
    """Those of list_wanted that a run lacks.

    Args:
      record: run_record.RunRecord.
    """
    wanted = list_wanted(systems.find(record.content['system']))
    return [(variant, seed) for variant, seed in wanted
            if seed not in list_counts(record, variant)]


def list_counts(record, variant):
    """Right images after the last step, on the runtime of the training.

    Args:
      record: run_record.RunRecord.
      variant: str.
    Returns:
      dict of test seed -> int, in their order. Of two kinds of machine the one
      of the training counts, else the later test.
    """
    counts = {}
    # The kind of the training comes last, and so takes the other's place.
    for test in sorted(record.content['tests'],
                       key=lambda test: test['kind'] == record.kind):
        if (test['crop'] == variant and test['data'] == record.content['data'][
                'name'] and test['kind']['wheel'] == record.kind['wheel']
                and test['step'] == record.epochs[-1]['step']):
            counts[test['seed']] = test['num_correct']
    return dict(sorted(counts.items()))
