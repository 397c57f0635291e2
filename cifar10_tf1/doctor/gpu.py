"""The driver, the cards and their verdicts, CUDA's libraries."""

import os

from cifar10_tf1.doctor.lines import FAIL
from cifar10_tf1.doctor.lines import Line
from cifar10_tf1.doctor.lines import OK
from cifar10_tf1.doctor.lines import WARN


def check_gpu(requested):
    """What devices.prepare would find.

    Args:
      requested: 'auto', 'cpu' or 'gpu'.
    """
    from cifar10_tf1.cuda import driver as drivers
    from cifar10_tf1.cuda import support as supports
    if os.environ.get('CUDA_VISIBLE_DEVICES') is None:
        os.environ.setdefault('CUDA_DEVICE_ORDER', 'PCI_BUS_ID')
    driver = drivers.ask()
    yield _judge_driver(driver, requested)
    support = supports.find_support()
    usable = False
    for card in driver.cards:
        line, fits = _judge_card(card, driver, support, requested)
        yield line
        if fits and support and not usable:
            usable = True
            yield _judge_libraries(card, support, requested)
    if not usable:
        yield Line(OK, 'CUDA, cuDNN', 'not looked for: no card to use them')


def _judge_driver(driver, requested):
    from cifar10_tf1.cuda import driver as drivers
    bad = {'auto': WARN, 'cpu': OK, 'gpu': FAIL}[requested]
    hidden = os.environ.get('CUDA_VISIBLE_DEVICES')
    with_list = ('' if hidden is None else
                 f' with CUDA_VISIBLE_DEVICES={hidden}')
    if driver.problem:
        text, unused_colon, remedy = driver.problem.rpartition('; ')
        return Line(bad, 'GPU driver', text + ': the CPU is used', remedy)
    if not driver.cards:
        what = (f'the NVIDIA driver finds no card{with_list}'
                if driver.is_here else 'no NVIDIA driver here')
        return Line(FAIL if requested == 'gpu' else OK, 'GPU driver',
                    f'{what}: the CPU is used', 'in a container pass --gpus '
                    'all, or use --device cpu')
    cuda = drivers.format_cuda(driver.cuda)
    return Line(OK, 'GPU driver', f'NVIDIA {driver.number or "driver"}, serves '
                f'CUDA {cuda}{with_list}')


def _judge_card(card, driver, support, requested):
    """(Line, whether the card is fit for the installed TensorFlow)."""
    from cifar10_tf1.cuda import support as supports
    if support is None:
        verdicts = {s.name: supports.find_fault(card, driver, s)
                    for s in supports.SUPPORTS}
        fit = [name for name, fault in verdicts.items() if fault is None]
        return Line(OK if fit else FAIL, 'GPU', f'{card}: fit for '
                    f'{" and ".join(fit) or "neither TensorFlow"}',
                    'use --device cpu'), bool(fit)
    fault = supports.find_fault(card, driver, support)
    if fault is None:
        return Line(OK, 'GPU', f'{card}: fit for {support.name}'), True
    others = [other for other in driver.cards
              if supports.find_fault(other, driver, support) is None]
    harmless = others or requested == 'cpu'
    ways_out = supports.list_ways_out(driver, support) + ['--device cpu']
    return Line(OK if harmless else FAIL, 'GPU',
                fault + (', so it is not used' if harmless else ''),
                f'use {", or ".join(ways_out)}'), False


def _judge_libraries(card, support, requested):
    from cifar10_tf1.cuda import libraries
    found = libraries.look_for(support)
    fault = libraries.find_fault(found, card, support)
    if fault is None:
        return Line(OK, 'CUDA, cuDNN', f'CUDA {support.cuda}: all of '
                    f'{support.name}\'s {len(support.libraries)} libraries '
                    f'load, cuDNN {libraries.format_cudnn(found.cudnn)}')
    bad = {'auto': WARN, 'cpu': OK, 'gpu': FAIL}[requested]
    text, unused_colon, remedy = fault.partition('; ')
    return Line(bad, 'CUDA, cuDNN', text + ': the CPU is used', remedy)
