"""Errors that the user can fix."""

import contextlib


class UserError(Exception):
    """A mistake or problem, explained in one line that also says what to do.

    The commands print it on standard error and exit with status 1.
    """


@contextlib.contextmanager
def explained(action, option, *others):
    """Turns an OSError during an action, such as 'read /data/x', into a UserError.

    Args:
      action: str, the end of 'cannot ...'.
      option: str, the option that names another place.
      others: further types of errors, such as TensorFlow's.
    """
    try:
        yield
    except (OSError, *others) as error:
        reason = getattr(error, 'strerror', None) or (
            str(error) or repr(error)).splitlines()[0]
        raise UserError(f'cannot {action}: {reason}. Fix that, or name another place '
                        f'with {option}.') from error
