"""The original of 2017, as the benchmark times it."""

import tensorflow.compat.v1 as tf

from cifar10_tf1.benchmark import plain_port


class Plain:
    """The original's way: batches fetched to the host and fed back."""

    kinds = ('train', 'test')

    def __init__(self, data_set):
        graph = tf.Graph()
        with graph.as_default():
            self._port = plain_port.build_training()
            self._inputs = {
                'train': plain_port.build_input(data_set.train_paths, True),
                'test': plain_port.build_input([data_set.test_path], False)}
            initializer = tf.global_variables_initializer()
        # No numbers of threads: as TensorFlow chooses.
        self._session = tf.Session(graph=graph)
        self._session.run(initializer)
        self._error = tf.errors.OutOfRangeError
        for initializer, unused_batch in self._inputs.values():
            self._session.run(initializer)

    def train(self):
        self._run('train', [self._port['train_op'], self._port['loss']])
        return self._batch_size

    def test(self):
        self._run('test', self._port['in_top_1'])
        return self._batch_size

    def _run(self, which, fetches):
        initializer, batch = self._inputs[which]
        try:
            images, labels = self._session.run(batch)
        except self._error:
            self._session.run(initializer)
            images, labels = self._session.run(batch)
        self._batch_size = len(images)
        self._session.run(fetches, {self._port['images']: images,
                                    self._port['labels']: labels})
