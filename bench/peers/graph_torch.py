"""Lists of ONNX operators, as Latent writes them, as functions of PyTorch's tensors, which PyTorch can differentiate."""
import threading

import numpy as np
import torch
import torch.nn.functional as F

DEVICE = torch.device('cuda' if torch.cuda.is_available() else 'cpu')
NUMPY = {'f32': np.float32, 'i32': np.int32, 'i64': np.int64, 'bool': np.uint8}


class Through(torch.autograd.Function):
    """Floor, which gradients do not see."""

    @staticmethod
    def forward(context, x):
        return torch.floor(x)

    @staticmethod
    def backward(context, gradient):
        return gradient


LAST = threading.local()


def conv(x, w, a, exact):
    if getattr(LAST, 'on', False) and min(w.shape[:2]) >= 16:
        x, w = [v.contiguous(memory_format=torch.channels_last) for v in (x, w)]
    rank = w.dim() - 2
    pads, strides = a.get('pads', [0] * 2 * rank), a.get('strides', [1] * rank)
    dilations, group = a.get('dilations', [1] * rank), a.get('group', 1)
    before, after = pads[:rank], pads[rank:]
    if before != after:
        x = F.pad(x, [p for i in reversed(range(rank)) for p in (before[i], after[i])])
        before = [0] * rank
    f = (F.conv1d, F.conv2d)[rank - 1]
    # In double precision no graphics card rounds to ten bits.
    return f(x.double(), w.double(), None, strides, before, dilations, group).float() if exact else f(x, w, None, strides, before, dilations, group)


def sliced(x, starts, ends, axes, steps):
    flips = []
    for start, end, axis, step in zip(starts, ends, axes, steps):
        if step < 0:
            assert step == -1 and start in (-1, x.shape[axis] - 1)
            flips.append(axis)
            continue
        index = [slice(None)] * x.dim()
        index[axis] = slice(start, min(end, x.shape[axis]) if end >= 0 else end, step)
        x = x[tuple(index)]
    return x.flip(flips) if flips else x


BINARY = {'Add': torch.add, 'Sub': torch.sub, 'Mul': torch.mul, 'Div': torch.div, 'MatMul': torch.matmul, 'Less': torch.lt, 'Equal': torch.eq, 'Max': torch.maximum, 'Min': torch.minimum}
UNARY = {'Sqrt': torch.sqrt, 'Neg': torch.neg, 'Relu': torch.relu, 'Reciprocal': torch.reciprocal, 'Tanh': torch.tanh, 'Cos': torch.cos, 'Sin': torch.sin, 'Exp': torch.exp, 'Log': torch.log, 'Sigmoid': torch.sigmoid, 'Abs': torch.abs, 'Identity': lambda x: x, 'Floor': Through.apply}
REDUCE = {'ReduceSum': torch.sum, 'ReduceMean': torch.mean, 'ReduceMax': torch.amax, 'ReduceMin': torch.amin}
CAST = {1: torch.float32, 6: torch.int32, 7: torch.int64, 9: torch.bool}


def rule(node, constants):
    """One node as a function of its inputs; a tuple for several outputs. `constants`: by name, as NumPy arrays."""
    op, inputs, a = node['op'], node['inputs'], node.get('attributes') or {}
    whole = lambda i: [int(v) for v in constants[inputs[i]].reshape(-1).tolist()]
    if op in BINARY and len(inputs) == 2:
        return BINARY[op]
    if op in UNARY:
        return UNARY[op]
    if op == 'Conv':
        exact = inputs[1] in constants
        return lambda x, w, b=None: conv(x, w, a, exact) if b is None else conv(x, w, a, exact) + b.reshape([1, -1] + [1] * (x.dim() - 2))
    if op == 'LeakyRelu':
        return lambda x: F.leaky_relu(x, a.get('alpha', 0.01))
    if op == 'Where':
        return torch.where
    if op == 'Cast':
        return lambda x: x.to(CAST[a['to']])
    if op == 'Transpose':
        return lambda x: x.permute(a['perm'])
    if op == 'Concat':
        return lambda *xs: torch.cat(xs, a['axis'])
    if op == 'Reshape':
        shape = whole(1)
        return lambda x, _: x.reshape(shape)
    if op == 'Expand':
        shape = whole(1)
        return lambda x, _: x.expand(torch.broadcast_shapes(tuple(x.shape), tuple(shape)))
    if op == 'Slice':
        starts, ends, axes = whole(1), whole(2), whole(3)
        steps = whole(4) if len(inputs) > 4 else [1] * len(axes)
        return lambda x, *_: sliced(x, starts, ends, axes, steps)
    if op == 'Pad':
        amounts = whole(1)
        rank = len(amounts) // 2
        value = float(constants[inputs[2]]) if len(inputs) > 2 and inputs[2] else 0.0
        widths = [p for i in reversed(range(rank)) for p in (amounts[i], amounts[rank + i])]
        return lambda x, *_: F.pad(x, widths, value=value)
    if op in REDUCE:
        axes = a['axes'] if 'axes' in a else (whole(1) if len(inputs) > 1 and inputs[1] else None)
        keep = bool(a.get('keepdims', 1))
        f = REDUCE[op]
        return lambda x, *_: f(x, dim=axes if axes is not None else list(range(x.dim())), keepdim=keep)
    if op == 'Split':
        sizes = whole(1)
        return lambda x, *_: torch.split(x, sizes, a.get('axis', 0))
    if op == 'TopK':
        count, axis, descending = whole(1)[0], a.get('axis', -1), bool(a.get('largest', 1))

        def top(x, _):
            assert count == x.shape[axis]
            return torch.sort(x, dim=axis, descending=descending)
        return top
    raise ValueError(f'no rule for the operator {op}')


class Program:
    """A list of operators as a function from named tensors to named tensors."""

    def __init__(self, model, blob):
        arrays = {}
        for c in model['constants']:
            data = np.frombuffer(blob, NUMPY[c['dtype']], c['bytes'] // np.dtype(NUMPY[c['dtype']]).itemsize, c['offset'])
            arrays[c['name']] = (data.astype(bool) if c['dtype'] == 'bool' else data.copy()).reshape(c['dims'])
        self.constants = {name: torch.from_numpy(value).to(DEVICE) for name, value in arrays.items()}
        self.steps = [(rule(node, arrays), [n for n in node['inputs'] if n != ''], node['outputs']) for node in model['nodes']]
        self.outputs = model['outputs']

    def __call__(self, values):
        env = dict(self.constants)
        env.update(values)
        for f, inputs, outputs in self.steps:
            found = f(*[env[name] for name in inputs])
            if isinstance(found, tuple):
                for name, value in zip(outputs, found):
                    env[name] = value
            else:
                env[outputs[0]] = found
        return {name: env[name] for name in self.outputs}
