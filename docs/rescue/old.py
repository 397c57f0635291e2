import numpy as np
import tensorflow.compat.v1 as tf

x = tf.placeholder(tf.float32, [None, 4], name='x')
w = tf.get_variable('dense/kernel', [4, 3], initializer=tf.ones_initializer())
b = tf.get_variable('dense/bias', [3], initializer=tf.zeros_initializer())
y = tf.nn.softmax(tf.matmul(x, w) + b, name='y')
step = tf.train.get_or_create_global_step()
loss = -tf.reduce_mean(tf.log(y[:, 0]))
train = tf.train.GradientDescentOptimizer(0.5).minimize(loss, step)
with tf.Session() as session:
    session.run(tf.global_variables_initializer())
    for _ in range(100):
        session.run(train, {x: np.eye(4)})
    print(tf.train.Saver().save(session, './old/model.ckpt', step))
