import sys
import picture
import tensorflow as tf

model = tf.saved_model.load('exported').signatures['serving_default']
for path in sys.argv[1:]:
    pixels = picture.load(path)
    outputs = model(images=tf.constant(pixels[None]))
    print(outputs['classes'].numpy(), outputs['probabilities'].numpy())
