"""Errors that the user can fix."""

import contextlib


class UserError(Exception):
    """A mistake or problem, explained in one line that also says what to do.

    The commands print it on standard error and exit with status 1.
    """


@contextlib.contextmanager
def explained(action, option, *others):
    """Turns an OSError during an action, such as 'read /data/x', into a UserError.

    The action is the end of 'cannot ...', the option names another place, and others are
    further types of errors, such as TensorFlow's.
    """
    try:
        yield
    except (OSError, *others) as error:
        reason = getattr(error, 'strerror', None) or one_line(error)
        raise UserError(f'cannot {action}: {reason}. Fix that, or name another place '
                        f'with {option}.') from error


def one_line(error):
    """The line with the reason of an error from Python or TensorFlow."""
    text = (getattr(error, 'message', None) or str(error)).strip() or repr(error)
    # TensorFlow names the node after the reason; version 2 has a traceback before it.
    reason, unused_mark, node = text.partition('\n\t [[')
    return reason.splitlines()[-1 if node else 0]
