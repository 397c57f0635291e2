"""A line of the report, and the guard around what makes it."""

from typing import NamedTuple

from cifar10_tf1.common.errors import UserError

OK, WARN, FAIL = 'OK', 'WARN', 'FAIL'
STATUSES = (OK, WARN, FAIL)  # from good to bad


class Line(NamedTuple):
    status: str
    subject: str
    text: str
    remedy: str = ''  # where it is not OK


def run_check(subject, check, *arguments):
    """The lines of one check, whatever happens in it.

    Args:
      subject: str, for the line of a check that fails itself.
      check: called with the arguments; yields Line.
    Returns:
      list of Line.
    """
    lines = []
    try:
        for line in check(*arguments):
            lines.append(line)
    except ImportError as error:
        # FAIL stands beside TensorFlow and the packages already.
        lines.append(Line(WARN, subject, f'not looked at: {error}',
                          'make setup, then run this with the Python in .venv'))
    except (UserError, OSError) as error:
        lines.append(Line(FAIL, subject, str(error)))
    except Exception as error:  # the other lines count all the same
        lines.append(Line(FAIL, subject, f'this check broke: '
                          f'{type(error).__name__}: {error}',
                          'report it as a bug, with this output'))
    return lines


def find_worst(lines):
    """The status of the worst line."""
    return max((line.status for line in lines), key=STATUSES.index)


def format_lines(lines):
    """The report as text, a remedy below its line."""
    text = []
    for line in lines:
        text.append(f'{line.status:5} {line.subject:12} {line.text}')
        if line.remedy and line.status != OK:
            text.append(f'{"":18} -> {line.remedy}')
    return '\n'.join(text)
