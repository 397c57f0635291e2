import sys
import tensorflow.compat.v1 as tf

prefix = sys.argv[1]
for name, shape in tf.train.list_variables(prefix):
    print('tensor', name, shape)
tf.disable_eager_execution()
tf.train.import_meta_graph(prefix + '.meta')
for op in tf.get_default_graph().get_operations():
    if op.name.startswith('save/'):
        continue  # the Saver's own
    if op.type.startswith(('Placeholder', 'IteratorGetNext', 'QueueDequeue', 'Softmax',
                           'BiasAdd', 'Sigmoid')):
        for tensor in op.outputs:
            print(op.type, tensor.name, tensor.dtype.name, tensor.shape)
