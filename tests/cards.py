"""Graphics cards, each as the only one of a machine."""

from cifar10_tf1.machine.cuda.driver import Card

GTX_680 = Card('0', 'GeForce GTX 680', (3, 0))
GTX_980 = Card('0', 'NVIDIA GeForce GTX 980', (5, 2))
GTX_1080_TI = Card('0', 'NVIDIA GeForce GTX 1080 Ti', (6, 1))
RTX_2080 = Card('0', 'NVIDIA GeForce RTX 2080', (7, 5))
RTX_3090 = Card('0', 'NVIDIA GeForce RTX 3090', (8, 6))
H100 = Card('0', 'NVIDIA H100 80GB HBM3', (9, 0))
RTX_5090 = Card('0', 'NVIDIA GeForce RTX 5090', (12, 0))
