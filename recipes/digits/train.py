"""Trains the digits network and writes it as QONNX, with the held-out images and labels beside it.

    python3 train.py --out model.onnx [--data DIR]

An MLP 64-64-32-10 with ternary weights and 2-bit activations on scikit-learn's handwritten digits: 1797 images of 8x8
pixels 0..16. The graph's input is `pixel/16`, 1x64; its output are the ten class scores, 1x10. Every weight and
activation scale is a power of two and no layer but batch normalisation has a real-valued parameter, so float32
computes each score exactly, in whatever order it adds, and equal scores are equal: the highest one, or the lowest
index among several, is the same class in float32 and in integers.

Deterministic for one machine and the pinned requirements: one thread, fixed seeds, no CUDA.
"""

import argparse
import collections
import importlib.metadata
import os
import pathlib
import sys

# Before torch is loaded: one thread, no GPU, and kernels that do not depend on what the processor can do.
os.environ['OMP_NUM_THREADS'] = '1'
os.environ['MKL_NUM_THREADS'] = '1'
os.environ['MKL_CBWR'] = 'COMPATIBLE'
os.environ['ATEN_CPU_CAPABILITY'] = 'default'
os.environ['CUDA_VISIBLE_DEVICES'] = ''

import numpy as np
import torch
from brevitas.core.restrict_val import RestrictValueType
from brevitas.export import export_qonnx
from brevitas.nn import QuantLinear, QuantReLU
from brevitas.quant import Int8WeightPerTensorFloat, Uint8ActPerTensorFloat
from sklearn.datasets import load_digits

SPLIT_SEED = 1
SEED = 1
HELD_OUT = 450
WIDTHS = [64, 64, 32, 10]
NOISE = 0.15  # standard deviation, of a pixel range of 0..1
TEMPERATURE = 4  # scores are multiples of 1/2 and have no scale to learn


class Weight(Int8WeightPerTensorFloat):
    """Integers -1, 0, 1, scale 1."""

    bit_width = 2
    narrow_range = True
    scaling_impl_type = 'const'
    scaling_const = 1.0
    restrict_scaling_type = RestrictValueType.FP


class Activation(Uint8ActPerTensorFloat):
    """Integers 0..3, scale 1/2."""

    bit_width = 2
    scaling_impl_type = 'const'
    scaling_const = 1.5
    max_val = 1.5
    restrict_scaling_type = RestrictValueType.FP


def network(widths):
    """Linear, batch normalisation and quantised ReLU for each hidden layer, then a linear one: fc1, bn1, act1, fc2, ..."""
    layers = collections.OrderedDict()
    for index, (inputs, outputs) in enumerate(zip(widths[:-1], widths[1:]), start=1):
        layers[f'fc{index}'] = QuantLinear(inputs, outputs, bias=False, weight_quant=Weight)
        if index < len(widths) - 1:
            layers[f'bn{index}'] = torch.nn.BatchNorm1d(outputs)
            layers[f'act{index}'] = QuantReLU(act_quant=Activation)
    for layer in layers.values():
        if isinstance(layer, QuantLinear):
            torch.nn.init.uniform_(layer.weight, -1, 1)
    return torch.nn.Sequential(layers)


def split():
    """(train images, train labels, held-out images, held-out labels); the held-out ones are the last of a permutation."""
    digits = load_digits()
    order = np.random.default_rng(SPLIT_SEED).permutation(len(digits.target))
    images = digits.data[order].astype(np.uint8)
    labels = digits.target[order].astype(np.uint8)
    return images[:-HELD_OUT], labels[:-HELD_OUT], images[-HELD_OUT:], labels[-HELD_OUT:]


def train(model, images, labels, epochs):
    """Adam with a cosine schedule; noise on the pixels keeps it from learning the images by heart."""
    generator = torch.Generator().manual_seed(SEED)
    inputs = torch.from_numpy(images.astype(np.float32)) / 16
    targets = torch.from_numpy(labels.astype(np.int64))
    optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    model.train()
    for _ in range(epochs):
        noisy = inputs + NOISE * torch.randn(inputs.shape, generator=generator)
        for batch in torch.randperm(len(inputs), generator=generator).split(32):
            optimizer.zero_grad()
            scores = model(noisy[batch]) / TEMPERATURE
            torch.nn.functional.cross_entropy(scores, targets[batch]).backward()
            optimizer.step()
            with torch.no_grad():
                for layer in model:
                    if isinstance(layer, QuantLinear):
                        layer.weight.clamp_(-1, 1)
        schedule.step()
    model.eval()


def accuracy(model, images, labels):
    with torch.no_grad():
        scores = model(torch.from_numpy(images.astype(np.float32)) / 16).numpy()
    return float(np.mean(scores.argmax(axis=1) == labels))


def check_requirements():
    """Ends the program if an installed package is not the one that requirements.txt pins."""
    wrong = []
    for line in (pathlib.Path(__file__).parent / 'requirements.txt').read_text().splitlines():
        if '==' in line:
            name, version = line.split('==')
            installed = importlib.metadata.version(name)
            if installed != version:
                wrong.append(f'{name} is {installed}, requirements.txt pins {version}')
    if wrong:
        sys.exit('\n'.join(wrong))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--out', type=pathlib.Path, required=True, help='the QONNX file to write')
    parser.add_argument('--data', type=pathlib.Path, help='folder for test-images.npy and test-labels.npy')
    parser.add_argument('--epochs', type=int, default=400)
    options = parser.parse_args()
    check_requirements()
    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    torch.backends.mkldnn.enabled = False
    torch.use_deterministic_algorithms(True)

    train_images, train_labels, test_images, test_labels = split()
    model = network(WIDTHS)
    train(model, train_images, train_labels, options.epochs)
    print(
        f'accuracy: {accuracy(model, train_images, train_labels):.4f} training, '
        f'{accuracy(model, test_images, test_labels):.4f} held out'
    )
    export_qonnx(
        model,
        args=torch.zeros(1, 64),
        export_path=str(options.out),
        input_names=['pixels'],
        output_names=['scores'],
        opset_version=13,
    )
    if options.data is not None:
        options.data.mkdir(parents=True, exist_ok=True)
        np.save(options.data / 'test-images.npy', test_images)
        np.save(options.data / 'test-labels.npy', test_labels)


if __name__ == '__main__':
    main()
