import sys
import keras
import numpy as np
import picture

arrays = np.load('export.npz')
classes = arrays['about/classes']


class Normalization(keras.layers.Layer):
    """TensorFlow's LRN over 9 channels; Keras has none."""

    def call(self, x):
        channels = np.arange(x.shape[-1])
        near = abs(channels[:, None] - channels) <= 4
        sums = keras.ops.matmul(keras.ops.square(x), near.astype('float32'))
        return x / (1 + 0.001 / 9 * sums) ** 0.75


model = keras.Sequential([
    keras.Input((24, 24, 3)),
    keras.layers.Conv2D(64, 5, padding='same', activation='relu', name='conv_1'),
    keras.layers.MaxPooling2D(3, 2, padding='same'),
    Normalization(),
    keras.layers.Conv2D(64, 5, padding='same', activation='relu', name='conv_2'),
    Normalization(),
    keras.layers.MaxPooling2D(3, 2, padding='same'),
    keras.layers.Flatten(),
    keras.layers.Dense(384, activation='relu', name='FC_1'),
    keras.layers.Dense(192, activation='relu', name='FC_2'),
    keras.layers.Dense(10, activation='softmax', name='softmax_linear'),
])
for layer in model.layers:
    if layer.weights:
        name = f'model/{layer.name}/'
        biases = 'bias' if layer.name == 'conv_1' else 'biases'
        layer.set_weights([arrays[name + 'weights'], arrays[name + biases]])


def classify(pixels):
    """uint8 [N, 32, 32, 3] to the classes' probabilities, [N, 10]."""
    return model.predict(picture.prepare(pixels), verbose=0)


if __name__ == '__main__':
    for path in sys.argv[1:]:
        row, = classify(picture.load(path)[None])
        print(f'{path}: {classes[row.argmax()]} {100 * row.max():.1f} %')
