import sys
import numpy as np
import torch
from torch import nn
import picture

arrays = np.load('export.npz')
classes = arrays['about/classes']


def normalization():
    # PyTorch divides alpha by the 9 channels, TensorFlow takes it as it is: 0.001 / 9.
    return nn.LocalResponseNorm(9, alpha=0.001, beta=0.75, k=1)


def pool():
    # TensorFlow pads 24 x 24 and 12 x 12 at the bottom and at the right alone.
    return nn.MaxPool2d(3, 2, ceil_mode=True)


model = nn.Sequential()
for name, layers in {
        'conv_1': (nn.Conv2d(3, 64, 5, padding=2), nn.ReLU(), pool(), normalization()),
        'conv_2': (nn.Conv2d(64, 64, 5, padding=2), nn.ReLU(), normalization(), pool(),
                   nn.Flatten()),
        'FC_1': (nn.Linear(6 * 6 * 64, 384), nn.ReLU()),
        'FC_2': (nn.Linear(384, 192), nn.ReLU()),
        'softmax_linear': (nn.Linear(192, 10), nn.Softmax(1))}.items():
    weights = arrays[f'model/{name}/weights']
    if name == 'FC_1':  # rows, columns, channels; here the channels come first
        weights = weights.reshape(6, 6, 64, 384).transpose(2, 0, 1, 3).reshape(-1, 384)
    # Inputs and outputs are the last two axes there, the first two here.
    weights = weights.transpose((3, 2, 0, 1) if weights.ndim == 4 else (1, 0))
    biases = arrays[f'model/{name}/' + ('bias' if name == 'conv_1' else 'biases')]
    layers[0].load_state_dict({'weight': torch.tensor(weights.copy()),
                               'bias': torch.tensor(biases)})
    model.extend(layers)
model.eval()


def classify(pixels):
    """uint8 [N, 32, 32, 3] to the classes' probabilities, [N, 10]."""
    images = torch.tensor(picture.prepare(pixels)).permute(0, 3, 1, 2)
    with torch.inference_mode():
        return torch.cat([model(part) for part in images.split(100)]).numpy()


if __name__ == '__main__':
    for path in sys.argv[1:]:
        row, = classify(picture.load(path)[None])
        print(f'{path}: {classes[row.argmax()]} {100 * row.max():.1f} %')
