"""Event files for TensorBoard, which training writes beside its checkpoints.

The training step is not touched: no op joins its graph and nothing more is
fetched with it, so a run with event files has the same bits as one without.
What they show comes from reads of their own, between two steps. Needs no
package: the format is TensorFlow's own record file, named without the host.
"""

import os
import sys
import time

import numpy as np
import tensorflow.compat.v1 as tf

from cifar10_tf1.common import png

FOLDER = 'summaries'      # in the model folder
EVERY_STEPS = 50          # from one set of scalars to the next
NUM_IMAGES = 36           # of an epoch's first batch
MOST_PIXELS = 64          # of one, along a side; of larger ones, every few
NUM_BUCKETS = 60          # of a histogram


class NoSummaries:
    """Takes the place of Summaries where none are wanted."""

    def start_epoch(self, session, read_images, step):
        pass

    def before_step(self, session, step):
        pass

    def after_step(self, step, loss, seconds):
        pass

    def after_epoch(self, step, metrics):
        pass

    def close(self):
        pass


class Summaries:
    """The event file of one process."""

    def __init__(self, model_dir, graph, system, step):
        """
        Args:
          model_dir: str, the model folder.
          graph: training.TrainingGraph.
          system: systems.base.System.
          step: int, where the process begins; later events of an earlier one
            are void, as its later steps are.
        """
        self._graph = graph
        self._batch_size = system.batch_size
        self._filters = system.filters
        self._decay = self._learning_rate = None  # of the step under way
        self._steps, self._seconds = 0, 0.0       # since the last scalars
        self._file = None
        self._guard(self._open, os.path.join(model_dir, FOLDER), step)

    def start_epoch(self, session, read_images, step):
        """Writes pictures of what is to come, the filters, the histograms.

        Args:
          session: tf.Session of the graph.
          read_images: function without arguments that returns the epoch's
            first images, float32 [batch, rows, columns, 3], and leaves the
            input as it found it.
          step: int, updates done.
        """
        if self._file is not None:
            self._guard(self._start_epoch, session, read_images, step)

    def before_step(self, session, step):
        """Reads what the step, the next after `step`, will compute with."""
        self._decay = None
        if self._file is not None and step % EVERY_STEPS == 0:
            self._decay, self._learning_rate = session.run(
                [self._graph.weight_decay_loss, self._graph.learning_rate])

    def after_step(self, step, loss, seconds):
        """Writes the scalars, once in EVERY_STEPS.

        Args:
          step: int, updates done, this one included.
          loss: float, the step's total loss.
          seconds: float, that the step took.
        """
        self._steps += 1
        self._seconds += seconds
        if self._file is None or self._decay is None:
            return
        rate = self._steps * self._batch_size / max(self._seconds, 1e-9)
        self._steps, self._seconds = 0, 0.0
        self._guard(self._write, step, tf.Summary(value=[
            tf.Summary.Value(tag=tag, simple_value=float(value))
            for tag, value in (
                ('loss/total', loss), ('loss/weight_decay', self._decay),
                ('loss/cross_entropy', loss - self._decay),
                ('learning_rate', self._learning_rate),
                ('images_per_second', rate))]))

    def after_epoch(self, step, metrics):
        """Writes an epoch's figures: dict of name -> number."""
        if self._file is not None:
            self._guard(self._write, step, tf.Summary(value=[
                tf.Summary.Value(tag=name, simple_value=float(value))
                for name, value in sorted(metrics.items())]))

    def close(self):
        if self._file is not None:
            self._guard(self._file.close)
            self._file = None

    def _guard(self, action, *arguments):
        """Event files are no reason to stop a run: one warning, and no more."""
        try:
            action(*arguments)
        except (OSError, tf.errors.OpError) as error:
            self._file = None
            reason = getattr(error, 'strerror', None) or getattr(
                error, 'message', error)
            print(f'warning: no more event files for TensorBoard: {reason}',
                  file=sys.stderr, flush=True)

    def _open(self, folder, step):
        os.makedirs(folder, exist_ok=True)
        self._file = tf.io.TFRecordWriter(os.path.join(
            folder, f'events.out.tfevents.{time.time():.6f}.step-{step}'))
        self._write_event(file_version='brain.Event:2')
        self._write_event(step=step, session_log=tf.SessionLog(
            status=tf.SessionLog.START))
        self._write_event(graph_def=self._graph.graph.as_graph_def(
            add_shapes=True).SerializeToString())
        self._file.flush()

    def _start_epoch(self, session, read_images, step):
        weights = session.run({
            variable.op.name: variable for variable
            in self._graph.graph.get_collection(
                tf.GraphKeys.TRAINABLE_VARIABLES)})
        images = read_images()[:NUM_IMAGES]
        stride = -(-images.shape[1] // MOST_PIXELS)
        pictures = [('augmented_images', build_mosaic(
            _stretch(images[:, ::stride, ::stride]), scale=2))]
        if self._filters is not None:
            filters = weights[self._filters].transpose(3, 0, 1, 2)
            pictures.append(('filters', build_mosaic(_stretch(filters[None])[0],
                                                     scale=6)))
        values = [tf.Summary.Value(tag=tag, image=tf.Summary.Image(
            height=picture.shape[0], width=picture.shape[1], colorspace=3,
            encoded_image_string=png.encode(picture)))
                  for tag, picture in pictures]
        values += [tf.Summary.Value(tag=name, histo=build_histogram(value))
                   for name, value in sorted(weights.items())]
        self._write(step, tf.Summary(value=values))
        self._file.flush()

    def _write(self, step, summary):
        self._write_event(step=step, summary=summary)

    def _write_event(self, **fields):
        self._file.write(tf.Event(wall_time=time.time(), **fields)
                         .SerializeToString())


def build_histogram(values):
    """tf.HistogramProto of an array, in NUM_BUCKETS of one width."""
    values = np.asarray(values, np.float64).ravel()
    values = values[np.isfinite(values)]
    counts, edges = np.histogram(values, NUM_BUCKETS)
    return tf.HistogramProto(
        min=values.min() if values.size else 0.0,
        max=values.max() if values.size else 0.0, num=values.size,
        sum=values.sum(), sum_squares=np.square(values).sum(),
        bucket_limit=edges[1:], bucket=counts)


def build_mosaic(pictures, scale):
    """One picture of many, side by side.

    Args:
      pictures: uint8 [n, rows, columns, 1 or 3].
      scale: int, how many pixels one becomes.
    Returns:
      uint8 [rows, columns, 3].
    """
    number, rows, columns, unused_channels = pictures.shape
    width = int(np.ceil(np.sqrt(number)))
    height = -(-number // width)
    mosaic = np.full([height, rows + 1, width, columns + 1, 3], 255, np.uint8)
    for i, picture in enumerate(pictures):
        mosaic[i // width, :-1, i % width, :-1] = picture
    mosaic = mosaic.reshape(height * (rows + 1), width * (columns + 1), 3)
    return mosaic.repeat(scale, axis=0).repeat(scale, axis=1)


def _stretch(pictures):
    """float [n, ...] as uint8, each from its least value to its greatest."""
    axes = tuple(range(1, pictures.ndim))
    low = pictures.min(axes, keepdims=True)
    span = np.maximum(pictures.max(axes, keepdims=True) - low, 1e-12)
    return np.rint(255 * (pictures - low) / span).astype(np.uint8)
