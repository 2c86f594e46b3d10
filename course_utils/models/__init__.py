"""Networks: one that brings real weights, and small ones to read line by line.

- `lite0`: EfficientNet-Lite0 with its ImageNet weights, and the cut that divides it in two.
- `small`: a network of three convolutions and one of three residual blocks.
- `transformer`: a vision transformer, and a stem of convolutions for it.
- `classic`: LeNet, AlexNet, VGG and ResNet for small images, from the same few pieces.
- `costs`: parameters, operations, memory and time of a network, and the shapes inside of it.
- `parameters`: keep a part of a network fixed, and count what is learnt.

timm is imported inside the functions that need it: on two CPU cores it takes about 7 s (2 s where torchvision is loaded
already), which a lesson that only reads the small networks need not pay.
"""

from course_utils.models.classic import ConvPair, alexnet, conv_block, dense_block, lenet, resnet, vgg
from course_utils.models.costs import kept_bytes, layer_shapes, network_costs
from course_utils.models.lite0 import IMAGENET_CLASSES, LITE0_BLOCKS, imagenet_names, lite0_stages, load_lite0
from course_utils.models.parameters import count_parameters, freeze
from course_utils.models.small import ResidualBlock, SmallCNN, SmallResNet
from course_utils.models.transformer import PatchEmbedding, VisionTransformer, convolutional_stem

__all__ = [
    "IMAGENET_CLASSES",
    "LITE0_BLOCKS",
    "ConvPair",
    "PatchEmbedding",
    "ResidualBlock",
    "SmallCNN",
    "SmallResNet",
    "VisionTransformer",
    "alexnet",
    "conv_block",
    "convolutional_stem",
    "count_parameters",
    "dense_block",
    "freeze",
    "imagenet_names",
    "kept_bytes",
    "layer_shapes",
    "lenet",
    "lite0_stages",
    "load_lite0",
    "network_costs",
    "resnet",
    "vgg",
]
