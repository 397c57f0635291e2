import os
import sys
import numpy as np
import tensorflow.compat.v1 as tf

prefix = 'old/model.ckpt-100'
examples = {'x:0': np.random.RandomState(1).rand(5, 4).astype('float32')}
constants = {}
output = 'y:0'

if os.path.exists('rescued'):
    sys.exit('rescued already exists; remove it, or rename it')
tf.disable_eager_execution()
names = {tensor: f'input_{i}' for i, tensor in enumerate(examples)}
inputs = {tensor: tf.placeholder(value.dtype, [None, *value.shape[1:]], names[tensor])
          for tensor, value in examples.items()}
fixed = {tensor: tf.constant(value, name=f'constant_{i}')
         for i, (tensor, value) in enumerate(constants.items())}
saver = tf.train.import_meta_graph(prefix + '.meta', clear_devices=True,
                                   input_map={**inputs, **fixed})
y = tf.get_default_graph().get_tensor_by_name(output)
reader = tf.train.NewCheckpointReader(prefix)
tables = tf.tables_initializer()
with tf.Session() as session:
    saver.restore(session, prefix)
    for variable in tf.global_variables():
        average = variable.op.name + '/ExponentialMovingAverage'
        if reader.has_tensor(average):
            print('taken from its moving average:', variable.op.name)
            variable.load(reader.get_tensor(average), session)
    session.run(tables)
    expected = session.run(y, {inputs[name]: value for name, value in examples.items()})
    print('the outputs differ from each other by', np.ptp(expected, axis=0).max())
    tf.saved_model.simple_save(
        session, 'rescued', {names[name]: inputs[name] for name in examples}, {'y': y},
        legacy_init_op=tables)
np.savez('expected.npz', y=expected,
         **{names[name]: value for name, value in examples.items()})
