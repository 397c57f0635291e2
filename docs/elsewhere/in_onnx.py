import sys
import onnxruntime
import picture

model = onnxruntime.InferenceSession('exported.onnx')
for path in sys.argv[1:]:
    pixels = picture.load(path)
    classes, probabilities = model.run(None, {'images': pixels[None]})
    print(classes[0], probabilities[0, classes[0]])
