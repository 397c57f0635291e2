"""Event files for TensorBoard.

Their content is read between two steps and summarized in a separate graph, so a run
with event files has the same bits as one without.
"""

import contextlib
import os
import sys
import time

import tensorflow.compat.v1 as tf

from cifar10_tf1.graph import pipeline

FOLDER = 'summaries'  # in the model folder
EVERY_STEPS = 50      # between two sets of scalars
NUM_IMAGES = 36       # of an epoch's first batch
MOST_PIXELS = 64      # per side of an image; larger ones lose rows and columns
NUM_FILTERS = 64


class Summaries:
    """The event file of one process; if it can't be written, the run continues."""

    def __init__(self, run, session, graph, step):
        """Opens the file after `step` updates, unless the user wants none."""
        self._run, self._session, self._graph = run, session, graph
        self._decay = self._learning_rate = None  # of the current step
        self._file = None
        if run.options.no_summaries:
            return
        with self._guarded():
            folder = run.folder.join(FOLDER)
            os.makedirs(folder, exist_ok=True)
            # FileWriter would put the host's name into the file's name.
            self._file = tf.io.TFRecordWriter(os.path.join(
                folder, f'events.out.tfevents.{time.time():.6f}.step-{step}'))
        self._write(file_version='brain.Event:2')
        self._write(step=step, session_log=tf.SessionLog(status=tf.SessionLog.START))
        self._write(graph_def=graph.graph.as_graph_def(add_shapes=True).SerializeToString())

    def begin_part(self, step, feeds):
        """Writes images of the next batch, filters and histograms of the weights."""
        if self._file is None:
            return
        inputs = self._graph.inputs
        inputs.start(self._session, pipeline.TRAINING, *divmod(step, self._run.plan.num_steps))
        images, weights = self._session.run([inputs.images, {
            variable.op.name: variable for variable
            in self._graph.graph.get_collection(tf.GraphKeys.TRAINABLE_VARIABLES)}], feeds)
        with self._guarded():
            self._write(step=step, summary=tf.Summary.FromString(_summarize(
                images, weights, self._run.system.filters)))

    def begin_step(self, step):
        """Reads what the update after `step` will use."""
        self._decay = None
        if self._file is not None and step % EVERY_STEPS == 0:
            self._decay, self._learning_rate = self._session.run(
                [self._graph.weight_decay_loss, self._graph.learning_rate])

    def end_step(self, step, loss, seconds):
        """Writes the scalars of update number `step`, every EVERY_STEPS updates."""
        if self._decay is not None:
            self.write_scalars(step, {
                'loss/total': loss, 'loss/weight_decay': self._decay,
                'loss/cross_entropy': loss - self._decay,
                'learning_rate': self._learning_rate,
                'images_per_second': self._run.system.batch_size / max(seconds, 1e-9)})

    def write_scalars(self, step, scalars):
        self._write(step=step, summary=tf.Summary(value=[
            tf.Summary.Value(tag=tag, simple_value=float(value))
            for tag, value in scalars.items()]))

    def _write(self, **fields):
        if self._file is None:
            return
        with self._guarded():
            self._file.write(tf.Event(wall_time=time.time(), **fields).SerializeToString())
            self._file.flush()

    @contextlib.contextmanager
    def _guarded(self):
        """Turns a failure into one warning and ends the event file."""
        try:
            yield
        except (OSError, tf.errors.OpError) as error:
            self._file = None
            reason = getattr(error, 'strerror', None) or getattr(error, 'message', error)
            print(f'warning: cannot write event files for TensorBoard: {reason}; '
                  'training continues without them', file=sys.stderr)


def _summarize(images, weights, filters):
    """A serialized tf.Summary of {name: weights} and images, float32 NHWC."""
    # `filters` names the first convolution's weights.
    feeds = {}

    def feed(value):
        placeholder = tf.placeholder(tf.float32, value.shape)
        feeds[placeholder] = value
        return placeholder

    stride = -(-images.shape[1] // MOST_PIXELS)
    images = images[:, ::stride, ::stride]
    with tf.Graph().as_default(), tf.Session(
            config=tf.ConfigProto(device_count={'GPU': 0})) as session:
        summaries = [tf.summary.image('augmented_images', feed(images), NUM_IMAGES)]
        if filters is not None:
            summaries.append(tf.summary.image(
                'filters', feed(weights[filters].transpose(3, 0, 1, 2)), NUM_FILTERS))
        summaries += [tf.summary.histogram(name, feed(value))
                      for name, value in sorted(weights.items())]
        return session.run(tf.summary.merge(summaries), feeds)
