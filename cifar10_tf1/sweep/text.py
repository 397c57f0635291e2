"""The statistics of a sweep, in words."""


def format_summary(summary):
    """list of str, lines.

    Args:
      summary: dict as of summary.summarize.
    """
    documented = summary['documented']
    lines = [f'{summary["system"]}; documented: ' + (
        f'{documented["num_correct"]:,} of {documented["num_examples"]:,}'
        if documented['num_correct'] is not None
        else f'{documented["mean_over_batches"]:.4f}, a mean over mini-batches'
        if documented['mean_over_batches'] is not None else 'no count')]
    for group in summary['groups']:
        lines += ['', *_format_group(group, documented)]
    for difference in summary['differences']:
        lines += ['', _format_difference(difference)]
    for heading, key in (('Not complete, and in no figure above', 'incomplete'),
                         ('Seeds counted already', 'repeated')):
        if summary[key]:
            lines += ['', f'{heading}:'] + [
                f'  {run["run"]}' + (f': {run["state"]}' if 'state' in run
                                     else '') for run in summary[key]]
    return lines


def _format_group(group, documented):
    number = len(group['seeds'])
    machines = (f'; {group["num_machines"]} kinds of processor'
                if group['num_machines'] > 1 else '')
    files = (f', the first {group["train_files"]} files'
             if group['train_files'] else '')
    files += ', from scratch' if group['is_from_scratch'] else ''
    lines = [f'{group["runtime"]}, {group["kernels"]} kernels, '
             f'{group["data"]}{files}, {_count(group["epochs"], "epoch")}: '
             f'{_count(number, "run")}, seed '
             + ', '.join(map(str, group['seeds'])) + machines]
    for i, (variant, tests) in enumerate(group['tests'].items()):
        each = max(group['num_tests'])
        what = f' (each a mean of {each} tests)' if not i and each > 1 else ''
        lines.append(f'  {variant}{what}: {_format_spread(tests, ",.1f")}')
    variance = group['variance']
    if variance:
        share = variance['share_between']
        lines.append(
            f'  One test varies by its draws (sd {variance["sd_within"]:.1f}) and '
            f'by the seed of the training (sd {variance["sd_between"]:.1f}'
            + ('' if share is None else f', {100 * share:.0f} % of the variance')
            + ')')
    if group['equivalence']:
        lines += _format_equivalence(group['equivalence'], number, documented)
    one_more = group['documented_as_one_more']
    if one_more:
        lines.append(
            f'  {documented["num_correct"]:,} as one test of one more run: '
            f'{one_more["difference"]:+.1f} from their mean, p = '
            f'{one_more["p"]:.2g}')
    for curve in group['curves']:
        lines += _format_curve(curve, number)
    return lines


def _format_equivalence(result, number, documented):
    needed = result['num_runs_for_power']
    return [
        f'  Equal to {documented["num_correct"]:,} within '
        f'{result["margin"]:g} images: '
        + ('shown' if result['is_shown'] else 'NOT SHOWN')
        + f' (two one-sided t tests, p = {result["p"]:.2g}); difference '
        f'{result["difference"]:+.1f}, 90 % interval {result["low"]:+.1f} to '
        f'{result["high"]:+.1f}',
        f'  Power, were there no difference: {result["power"]:.2f} of '
        f'{_count(number, "run")}; 0.9 takes '
        + ('more than 200' if needed is None else str(needed))]


def _format_curve(curve, number):
    if not curve['places']:
        return []
    unit = curve['unit']
    lines = [
        f'  {curve["figure"]}, {curve["places"]} places of the documented curve: '
        f'the mean of {_count(number, "run")} is off by {curve["mean"]:+.2f} '
        f'{unit} (absolute {curve["mean_absolute"]:.2f}, largest '
        f'{curve["largest"]:+.2f} at epoch {curve["largest_at"]}), and lies over '
        f'it in {curve["num_over"]}']
    if number > 1:
        lines.append(f'  ... by seed: {_format_spread(curve["spread"], "+.2f")}'
                     + (f'; 95 % interval of the mean {curve["interval"][0]:+.2f}'
                        f' to {curve["interval"][1]:+.2f}'
                        if curve['interval'] else '')
                     + '; the documented run lies within their range in '
                     f'{curve["num_within"]} places')
    return lines


def _format_difference(difference):
    a, b = (f'{runtime}, {kernels}' for runtime, kernels
            in difference['groups'])
    return (f'{a} less {b}: {difference["difference"]:+.1f} images, 95 % interval '
            f'{difference["low"]:+.1f} to {difference["high"]:+.1f}, p = '
            f'{difference["p"]:.2g} (Welch\'s t test)')


def _format_spread(spread, form):
    if spread['n'] == 1:
        return f'{spread["mean"]:{form}}'
    return (f'mean {spread["mean"]:{form}}, sd {spread["sd"]:.2f}, '
            f'{spread["least"]:{form}} to {spread["greatest"]:{form}}')


def _count(number, what):
    return f'{number} {what}' + ('s' if number != 1 else '')
