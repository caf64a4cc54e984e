"""The public names, and where they come from: for type checkers, editors and `__init__.py`."""

from keras_classics import (
    anatomy as anatomy,
    comparison as comparison,
    data as data,
    drawings as drawings,
    evaluation as evaluation,
    layers as layers,
    models as models,
    report as report,
    runs as runs,
    shipped as shipped,
    training as training,
    visualization as visualization,
    weights as weights,
    zoo as zoo,
)
from keras_classics.anatomy.receptive_field import receptive_field as receptive_field
from keras_classics.anatomy.summary import summary as summary
from keras_classics.anatomy.windows import output_size as output_size
from keras_classics.comparison import compare as compare, list_runs as list_runs
from keras_classics.data.class_names import (
    decode_predictions as decode_predictions,
    imagenet_classes as imagenet_classes,
)
from keras_classics.drawings import draw as draw
from keras_classics.export import export as export
from keras_classics.models.alexnet import alexnet as alexnet
from keras_classics.models.alexnet_2012 import (
    alexnet_145 as alexnet_145,
    alexnet_145_half as alexnet_145_half,
    alexnet_147 as alexnet_147,
    alexnet_148 as alexnet_148,
    alexnet_150 as alexnet_150,
    alexnet_167 as alexnet_167,
)
from keras_classics.models.alexnet_cifar import alexnet_cifar as alexnet_cifar
from keras_classics.models.cifar_resnet import (
    cifar_plain20 as cifar_plain20,
    cifar_plain32 as cifar_plain32,
    cifar_plain44 as cifar_plain44,
    cifar_plain56 as cifar_plain56,
    cifar_plain110 as cifar_plain110,
    cifar_resnet20 as cifar_resnet20,
    cifar_resnet32 as cifar_resnet32,
    cifar_resnet44 as cifar_resnet44,
    cifar_resnet56 as cifar_resnet56,
    cifar_resnet110 as cifar_resnet110,
    cifar_resnet1202 as cifar_resnet1202,
)
from keras_classics.models.fully_convolutional import fully_convolutional as fully_convolutional
from keras_classics.models.googlenet import googlenet as googlenet
from keras_classics.models.lenet import lenet5 as lenet5
from keras_classics.models.mnist_cnn import mnist_cnn as mnist_cnn
from keras_classics.models.pretrained import pretrained as pretrained
from keras_classics.models.resnet import (
    plain18 as plain18,
    plain34 as plain34,
    resnet18 as resnet18,
    resnet34 as resnet34,
    resnet50 as resnet50,
    resnet101 as resnet101,
    resnet152 as resnet152,
)
from keras_classics.models.vgg import (
    vgg11 as vgg11,
    vgg11_lrn as vgg11_lrn,
    vgg13 as vgg13,
    vgg16 as vgg16,
    vgg16_1x1 as vgg16_1x1,
    vgg19 as vgg19,
)
from keras_classics.trained_model import feature_extractor as feature_extractor
from keras_classics.visualization.confusion import plot_confusion as plot_confusion
from keras_classics.visualization.filters import plot_filters as plot_filters
from keras_classics.visualization.grad_cam import grad_cam as grad_cam, grad_cam_map as grad_cam_map
from keras_classics.visualization.maps import feature_maps as feature_maps
from keras_classics.visualization.occlusion import (
    occlusion as occlusion,
    occlusion_map as occlusion_map,
)
from keras_classics.weights.pixels import (
    preprocess_input as preprocess_input,
    preprocessing as preprocessing,
)
from keras_classics.zoo import (
    get_model as get_model,
    list_models as list_models,
    model_card as model_card,
)

EXPORTS: dict[str, str]
__version__: str
