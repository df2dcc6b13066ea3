"""What the host computes before and behind the accelerator, as the steps in accelerator.json say. Needs numpy.

Every function computes in binary64 and its result is rounded once, to binary32 where its type is FLOAT32: what the
network's own arithmetic gives. Integers are held in binary64, too.
"""

import math

import numpy as np


def batched(shape, frames):
    """The shape of a batch of frames: the leading 1 of a network's shape is its batch axis."""
    return (frames, *shape[1:]) if shape[:1] in ([1], (1,)) else (frames, *shape)


def storage(name):
    return np.float32 if name == "FLOAT32" else np.float64


def sigmoid(step, x):
    return 1 / (1 + np.exp(-x))


def softplus(step, x):
    return np.where(x > 30, x, np.log1p(np.exp(np.minimum(x, 30))))


def wrap(step, x):
    """To an integer type: cut off toward 0, then modulo 2 to the number of bits."""
    whole = np.trunc(np.where(np.isfinite(x), x, 0))
    if step["bits"] > 32:
        return whole
    least = -(2.0 ** (step["bits"] - 1)) if step["signed"] else 0.0
    return np.mod(whole - least, 2.0 ** step["bits"]) + least


def matmul(step, a, b):
    return np.matmul(a, b)


def gather(count, values, reads):
    """Elements by their place in all sources, one behind the other; -1 stands for the fill."""
    places, fill, *sources = values
    flat = [
        source.reshape(count, -1) if isinstance(read, int) else np.broadcast_to(source.reshape(1, -1), (count, source.size))
        for source, read in zip(sources, reads[2:])
    ]
    places = places.reshape(-1).astype(np.int64)
    return np.where(places >= 0, np.concatenate(flat, axis=1)[:, places], fill)


def transpose(step, x):
    return x.transpose(0, *(1 + axis for axis in step["perm"]))


def thresholds(step, x, levels):
    count = np.zeros(x.shape)
    for level in levels:
        count += x >= level
    return step["scale"] * count + step["bias"]


def reduce(function):
    return lambda step, x: function(x, axis=tuple(1 + axis for axis in step["axes"]))


def softmax(step, x):
    powers = np.exp(x - x.max(axis=1 + step["axis"], keepdims=True))
    return powers / powers.sum(axis=1 + step["axis"], keepdims=True)


def log_softmax(step, x):
    most = x.max(axis=1 + step["axis"], keepdims=True)
    return x - most - np.log(np.exp(x - most).sum(axis=1 + step["axis"], keepdims=True))


def arg(function):
    """The index of the best; of equal ones the lowest, or the last."""

    def find(step, x):
        axis = 1 + step["axis"]
        if step.get("last"):
            return x.shape[axis] - 1 - function(np.flip(x, axis), axis=axis)
        return function(x, axis=axis)

    return find


def top(step, x):
    """Indices of the k best, best first; of equal ones the lowest first."""
    axis = 1 + step["axis"]
    order = np.argsort(-x if step["largest"] else x, axis=axis, kind="stable")
    return np.take(order, np.arange(step["k"]), axis=axis)


def take(step, x, indices):
    return np.take_along_axis(x, indices.astype(np.int64), axis=1 + step["axis"])


# Functions of values that are broadcast to one another, element by element.
ELEMENTWISE = {
    "add": lambda step, x, y: x + y,
    "sub": lambda step, x, y: x - y,
    "mul": lambda step, x, y: x * y,
    "div": lambda step, x, y: x / y,
    "pow": lambda step, x, y: np.power(x, y),
    "mod": lambda step, x, y: x - y * np.floor(x / y),
    "fmod": lambda step, x, y: np.fmod(x, y),
    "min": lambda step, x, y: np.minimum(x, y),
    "max": lambda step, x, y: np.maximum(x, y),
    "equal": lambda step, x, y: x == y,
    "not_equal": lambda step, x, y: x != y,
    "less": lambda step, x, y: x < y,
    "less_equal": lambda step, x, y: x <= y,
    "greater": lambda step, x, y: x > y,
    "greater_equal": lambda step, x, y: x >= y,
    "and": lambda step, x, y: (x != 0) & (y != 0),
    "or": lambda step, x, y: (x != 0) | (y != 0),
    "xor": lambda step, x, y: (x != 0) ^ (y != 0),
    "not": lambda step, x: x == 0,
    "where": lambda step, choice, x, y: np.where(choice != 0, x, y),
    "relu": lambda step, x: np.maximum(x, 0),
    "neg": lambda step, x: 0 - x,
    "abs": lambda step, x: np.abs(x),
    "sign": lambda step, x: np.sign(x),
    "floor": lambda step, x: np.floor(x),
    "ceil": lambda step, x: np.ceil(x),
    "round": lambda step, x: np.rint(x),
    "trunc": lambda step, x: np.trunc(x),
    "exp": lambda step, x: np.exp(x),
    "expm1": lambda step, x: np.expm1(x),
    "log": lambda step, x: np.log(x),
    "sqrt": lambda step, x: np.sqrt(x),
    "reciprocal": lambda step, x: 1 / x,
    "sin": lambda step, x: np.sin(x),
    "cos": lambda step, x: np.cos(x),
    "tanh": lambda step, x: np.tanh(x),
    "erf": lambda step, x: np.vectorize(math.erf, otypes=[np.float64])(x),
    "sigmoid": sigmoid,
    "softplus": softplus,
    "wrap": wrap,
    "thresholds": thresholds,
    "matmul": matmul,
}

# Functions of values in their own shapes.
OTHERS = {
    "reshape": lambda step, x: x,
    "transpose": transpose,
    "sum": reduce(np.sum),
    "product": reduce(np.prod),
    "most": reduce(np.max),
    "least": reduce(np.min),
    "softmax": softmax,
    "log_softmax": log_softmax,
    "arg_max": arg(np.argmax),
    "arg_min": arg(np.argmin),
    "top": top,
    "take": take,
}


class HostPart:
    """A program of accelerator.json, "before" or "after"; `folder` (a pathlib.Path) is where its constants lie."""

    def __init__(self, part, folder):
        self.shape = tuple(part["input"]["shape"])
        self.output_shape = tuple(part["output"]["shape"])
        # Does the network itself take reals?
        self.real = part["input"]["type"].startswith("FLOAT")
        self._type = part["input"]["type"]
        self._result = part["result"]
        self._steps = [(step, [self._constant(read, folder) for read in step["reads"]]) for step in part["steps"]]
        for step, _ in self._steps:
            if step["op"] not in ELEMENTWISE and step["op"] not in OTHERS and step["op"] != "gather":
                raise ValueError(f"unknown step {step['op']}")

    @staticmethod
    def _constant(read, folder):
        if isinstance(read, int):
            return read
        values = np.load(folder / read["npy"]) if "npy" in read else np.reshape(read["values"], read["shape"])
        return values.astype(np.float64)

    def run(self, frames):
        """Results for frames, whose first axis counts them."""
        frames = np.asarray(frames)
        count = len(frames)
        values = [frames.astype(storage(self._type)).reshape(count, *self.shape)]
        with np.errstate(all="ignore"):
            for step, reads in self._steps:
                made = self._made(step, [values[read] if isinstance(read, int) else read for read in reads], reads, count)
                values.append(np.asarray(made).astype(storage(step["type"])).reshape(count, *step["shape"]))
        return values[self._result].reshape(batched(self.output_shape, count))

    @staticmethod
    def _made(step, values, reads, count):
        wide = [value.astype(np.float64) for value in values]
        if step["op"] == "gather":
            return gather(count, wide, reads)
        if step["op"] in OTHERS:
            return OTHERS[step["op"]](step, *wide)
        # Frames stand before all axes that they are broadcast along.
        rank = len(step["shape"])
        for i, read in enumerate(reads):
            if isinstance(read, int):
                shape = wide[i].shape[1:]
                wide[i] = wide[i].reshape(count, *[1] * (rank - len(shape)), *shape)
        made = ELEMENTWISE[step["op"]](step, *wide)
        return made if any(isinstance(read, int) for read in reads) else np.broadcast_to(made, (count, *step["shape"]))
