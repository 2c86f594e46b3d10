"""Networks: one that brings real weights, and small ones to read line by line.

- `lite0`: EfficientNet-Lite0 with its ImageNet weights, and the cut that divides it in two.
- `small`: a network of three convolutions and one of three residual blocks.
- `transformer`: a vision transformer, and a stem of convolutions for it.
- `classic`: LeNet, AlexNet, VGG and ResNet for small images, from the same few pieces.
- `yolo`: a one-stage detector in the manner of YOLO.
- `two_stage`: torchvision's Faster and Mask R-CNN on EfficientNet-Lite0, sized for two cores.
- `single_shot`: torchvision's SSD on the same pyramid, for a comparison of one stage with two.
- `costs`: parameters, operations and memory of a network, and the shapes inside of it.
- `unet`: encoders that make maps of many sizes, and a decoder that puts them together to a class for each pixel.
- `deeplab`: DeepLabV3+, the same task with an atrous pyramid.
- `parameters`: keep a part of a network fixed, and count what is learnt.

timm is imported inside the functions that need it: on two CPU cores it takes about 7 s (2 s where torchvision is loaded
already), which a lesson that only reads the small networks need not pay.
"""

from course_utils.models.classic import ConvPair, alexnet, conv_block, dense_block, lenet, resnet, vgg
from course_utils.models.costs import kept_bytes, layer_shapes, network_costs
from course_utils.models.deeplab import AtrousPyramid, DeepLabV3Plus, atrous_block
from course_utils.models.lite0 import IMAGENET_CLASSES, LITE0_BLOCKS, imagenet_names, lite0_stages, load_lite0
from course_utils.models.parameters import count_parameters, freeze
from course_utils.models.single_shot import run_single, ssd
from course_utils.models.small import ResidualBlock, SmallCNN, SmallResNet
from course_utils.models.transformer import PatchEmbedding, VisionTransformer, convolutional_stem
from course_utils.models.two_stage import (
    Lite0Body,
    Lite0Pyramid,
    boxes_of_sides,
    faster_rcnn,
    learnt_part,
    mask_rcnn,
    rcnn_targets,
    run_stages,
    to_course_labels,
)
from course_utils.models.unet import (
    DECODER_WIDTHS,
    Lite0Encoder,
    OnStoredMaps,
    PlainEncoder,
    UNet,
    UNetDecoder,
    library_unet,
    pack_maps,
    stored_maps,
)
from course_utils.models.yolo import ANCHORS_EACH, STRIDES, Yolo, fuse_norms

__all__ = [
    "ANCHORS_EACH",
    "DECODER_WIDTHS",
    "IMAGENET_CLASSES",
    "LITE0_BLOCKS",
    "STRIDES",
    "AtrousPyramid",
    "ConvPair",
    "DeepLabV3Plus",
    "Lite0Body",
    "Lite0Encoder",
    "Lite0Pyramid",
    "OnStoredMaps",
    "PatchEmbedding",
    "PlainEncoder",
    "ResidualBlock",
    "SmallCNN",
    "SmallResNet",
    "UNet",
    "UNetDecoder",
    "VisionTransformer",
    "Yolo",
    "alexnet",
    "atrous_block",
    "boxes_of_sides",
    "conv_block",
    "convolutional_stem",
    "count_parameters",
    "dense_block",
    "faster_rcnn",
    "freeze",
    "fuse_norms",
    "imagenet_names",
    "kept_bytes",
    "layer_shapes",
    "learnt_part",
    "lenet",
    "library_unet",
    "lite0_stages",
    "load_lite0",
    "mask_rcnn",
    "network_costs",
    "pack_maps",
    "rcnn_targets",
    "resnet",
    "run_single",
    "run_stages",
    "ssd",
    "stored_maps",
    "to_course_labels",
    "vgg",
]
