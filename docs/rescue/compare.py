import numpy as np
import tensorflow as tf

expected = dict(np.load('expected.npz'))
y = expected.pop('y')
model = tf.saved_model.load('rescued').signatures['serving_default']
given = model(**{name: tf.constant(value) for name, value in expected.items()})
print('largest difference:', abs(given['y'].numpy() - y).max())
