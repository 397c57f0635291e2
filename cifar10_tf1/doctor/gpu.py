"""The driver, the cards and their verdicts, CUDA's libraries."""

import os

from cifar10_tf1.machine.cuda import driver as drivers
from cifar10_tf1.machine.cuda import libraries
from cifar10_tf1.machine.cuda import support as supports
from cifar10_tf1.doctor.lines import FAIL
from cifar10_tf1.doctor.lines import Line
from cifar10_tf1.doctor.lines import OK
from cifar10_tf1.doctor.lines import WARN


def check_gpu(requested):
    """What devices.prepare would find; without TensorFlow, for both of them.

    Args:
      requested: 'auto', 'cpu' or 'gpu'.
    """
    bad = {'auto': WARN, 'cpu': OK, 'gpu': FAIL}[requested]
    driver, installed = drivers.ask(), supports.find_support()
    yield _judge_driver(driver, bad)
    fit = {card: [support.name
                  for support in ([installed] if installed else supports.SUPPORTS)
                  if supports.find_fault(card, driver, support) is None]
           for card in driver.cards}
    usable = [card for card in fit if fit[card]]
    for card in driver.cards:
        if fit[card]:
            yield Line(OK, 'GPU', f'{card}: fit for {" and ".join(fit[card])}')
            continue
        is_harmless = usable or requested == 'cpu'
        fault, ways_out = f'{card}: fit for neither TensorFlow', []
        if installed:
            fault = supports.find_fault(card, driver, installed)
            ways_out = supports.list_ways_out(driver, installed)
        yield Line(OK if is_harmless else FAIL, 'GPU',
                   fault + (', so it is not used' if is_harmless else ''),
                   f'use {", or ".join(ways_out + ["--device cpu"])}')
    if usable and installed:
        yield _judge_libraries(usable[0], installed, bad)
    else:
        yield Line(OK, 'CUDA, cuDNN', 'not looked for: no '
                   + ('TensorFlow' if usable else 'card') + ' to use them')


def _judge_driver(driver, bad):
    hidden = os.environ.get('CUDA_VISIBLE_DEVICES')
    with_list = ('' if hidden is None else
                 f' with CUDA_VISIBLE_DEVICES={hidden}')
    if driver.problem:
        text, unused_colon, remedy = driver.problem.rpartition('; ')
        return Line(bad, 'GPU driver', text + ': the CPU is used', remedy)
    if not driver.cards:
        what = (f'the NVIDIA driver finds no card{with_list}'
                if driver.is_here else 'no NVIDIA driver here')
        return Line(FAIL if bad == FAIL else OK, 'GPU driver',
                    f'{what}: the CPU is used', 'in a container pass --gpus '
                    'all, or use --device cpu')
    return Line(OK, 'GPU driver', f'NVIDIA {driver.number or "driver"}, serves '
                f'CUDA {drivers.format_cuda(driver.cuda)}{with_list}')


def _judge_libraries(card, support, bad):
    found = libraries.look_for(support)
    fault = libraries.find_fault(found, card, support)
    if fault is None:
        return Line(OK, 'CUDA, cuDNN', f'CUDA {support.cuda}: all of '
                    f'{support.name}\'s {len(support.libraries)} libraries '
                    f'load, cuDNN {libraries.format_cudnn(found.cudnn)}')
    text, unused_colon, remedy = fault.partition('; ')
    return Line(bad, 'CUDA, cuDNN', text + ': the CPU is used', remedy)
