"""Runs training steps that Latent wrote (see bench/remote-step.ts) with PyTorch, on a GPU if there is one.

A step is a list of ONNX operators over named arrays; outputs next.NAME become the inputs NAME of the
next step. On a GPU the whole step is captured once as a CUDA graph and replayed. One connection is one
training; several run side by side, each on its own stream.

usage: step_server.py SOCKET
"""
import json
import os
import socket
import struct
import sys
import threading

import numpy as np
import torch
import torch.nn.functional as F

CUDA = torch.cuda.is_available()
DEVICE = torch.device('cuda' if CUDA else 'cpu')
DTYPES = {'f32': (np.float32, torch.float32), 'i32': (np.int32, torch.int32), 'i64': (np.int64, torch.int64), 'bool': (np.uint8, torch.bool)}
# Variances as differences of means of squares (SSIM) do not survive ten bits: with them this very step
# had gradients a million times too large.
torch.backends.cuda.matmul.allow_tf32 = False
torch.backends.cudnn.allow_tf32 = True
torch.backends.cudnn.benchmark = True
torch.set_grad_enabled(False)


def conv(x, w, attributes):
    rank = w.dim() - 2
    pads, strides = attributes.get('pads', [0] * 2 * rank), attributes.get('strides', [1] * rank)
    dilations, group = attributes.get('dilations', [1] * rank), attributes.get('group', 1)
    before, after = pads[:rank], pads[rank:]
    if before != after:
        x = F.pad(x, [p for i in reversed(range(rank)) for p in (before[i], after[i])])
        before = [0] * rank
    return (F.conv1d, F.conv2d)[rank - 1](x, w, None, strides, before, dilations, group)


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


BINARY = {'Add': torch.add, 'Sub': torch.sub, 'Mul': torch.mul, 'Div': torch.div, 'MatMul': torch.matmul, 'Less': torch.lt, 'Greater': torch.gt, 'Equal': torch.eq, 'And': torch.logical_and, 'Or': torch.logical_or, 'Max': torch.maximum, 'Min': torch.minimum, 'Pow': torch.pow}
UNARY = {'Sqrt': torch.sqrt, 'Neg': torch.neg, 'Relu': torch.relu, 'Reciprocal': torch.reciprocal, 'Tanh': torch.tanh, 'Floor': torch.floor, 'Cos': torch.cos, 'Sin': torch.sin, 'Exp': torch.exp, 'Log': torch.log, 'Sigmoid': torch.sigmoid, 'Abs': torch.abs, 'Not': torch.logical_not, 'Identity': lambda x: x, 'Erf': torch.erf}
CAST = {1: torch.float32, 6: torch.int32, 7: torch.int64, 9: torch.bool}


def compiled(node, constants):
    """One node as a function of the environment."""
    op, inputs, outputs, a = node['op'], node['inputs'], node['outputs'], node.get('attributes') or {}
    out = outputs[0]
    whole = lambda i: [int(v) for v in constants[inputs[i]].reshape(-1).tolist()]

    def one(f):
        def run(env):
            env[out] = f(*[env[name] for name in inputs if name != ''])
        return run

    first = inputs[0]
    if op in BINARY and len(inputs) == 2:
        return one(BINARY[op])
    if op in ('Max', 'Min', 'Sum') and len(inputs) == 1:
        return one(lambda x: x)
    if op in UNARY:
        return one(UNARY[op])
    if op == 'Conv':
        return one(lambda x, w, b=None: conv(x, w, a) if b is None else conv(x, w, a) + b.reshape([1, -1] + [1] * (x.dim() - 2)))
    if op == 'LeakyRelu':
        return one(lambda x: F.leaky_relu(x, a.get('alpha', 0.01)))
    if op == 'Where':
        return one(torch.where)
    if op == 'Cast':
        return one(lambda x: x.to(CAST[a['to']]))
    if op == 'Transpose':
        return one(lambda x: x.permute(a['perm']))
    if op == 'Concat':
        return one(lambda *xs: torch.cat(xs, a['axis']))
    if op == 'Gather':
        return one(lambda x, i: torch.index_select(x, a.get('axis', 0), i.reshape(-1)).reshape(list(x.shape[:a.get('axis', 0)]) + list(i.shape) + list(x.shape[a.get('axis', 0) + 1:])))
    if op == 'GatherElements':
        return one(lambda x, i: torch.gather(x, a.get('axis', 0), i.long()))
    if op == 'ScatterElements':
        if a.get('reduction', 'none') == 'add':
            return one(lambda x, i, u: x.scatter_add(a.get('axis', 0), i.long(), u))
        return one(lambda x, i, u: x.scatter(a.get('axis', 0), i.long(), u))
    if op == 'ScatterND':
        accumulate = a.get('reduction', 'none') == 'add'
        return one(lambda x, i, u: x.index_put(tuple(i.long().unbind(-1)), u, accumulate=accumulate))
    if op == 'Clip':
        low = float(constants[inputs[1]]) if len(inputs) > 1 and inputs[1] else None
        high = float(constants[inputs[2]]) if len(inputs) > 2 and inputs[2] else None
        return lambda env: env.__setitem__(out, torch.clamp(env[first], low, high))
    if op == 'Reshape':
        shape = whole(1)
        return lambda env: env.__setitem__(out, env[first].reshape(shape))
    if op == 'Expand':
        shape = whole(1)
        return lambda env: env.__setitem__(out, env[first].expand(torch.broadcast_shapes(tuple(env[first].shape), tuple(shape))))
    if op == 'Slice':
        starts, ends, axes = whole(1), whole(2), whole(3)
        steps = whole(4) if len(inputs) > 4 else [1] * len(axes)
        return lambda env: env.__setitem__(out, sliced(env[first], starts, ends, axes, steps))
    if op == 'Pad':
        amounts = whole(1)
        rank = len(amounts) // 2
        value = float(constants[inputs[2]]) if len(inputs) > 2 and inputs[2] else 0.0
        widths = [p for i in reversed(range(rank)) for p in (amounts[i], amounts[rank + i])]
        return lambda env: env.__setitem__(out, F.pad(env[first], widths, value=value))
    if op in ('ReduceSum', 'ReduceMax', 'ReduceMin', 'ReduceMean', 'ReduceProd'):
        axes = a['axes'] if 'axes' in a else (whole(1) if len(inputs) > 1 and inputs[1] else None)
        keep = bool(a.get('keepdims', 1))
        reduce = {'ReduceSum': torch.sum, 'ReduceMean': torch.mean, 'ReduceMax': torch.amax, 'ReduceMin': torch.amin}[op]
        def run(env):
            x = env[first]
            env[out] = reduce(x, dim=axes if axes is not None else list(range(x.dim())), keepdim=keep)
        return run
    if op == 'Split':
        sizes = whole(1)
        def run(env):
            for name, part in zip(outputs, torch.split(env[first], sizes, a.get('axis', 0))):
                env[name] = part
        return run
    if op == 'TopK':
        count = whole(1)[0]
        def run(env):
            x = env[first]
            axis = a.get('axis', -1)
            if count == x.shape[axis]:
                values, indices = torch.sort(x, dim=axis, descending=bool(a.get('largest', 1)), stable=True)
            else:
                values, indices = torch.topk(x, count, axis, bool(a.get('largest', 1)), True)
            env[out] = values
            if len(outputs) > 1 and outputs[1]:
                env[outputs[1]] = indices
        return run
    raise ValueError(f'no rule for the operator {op}')


class Step:
    def __init__(self, model, constants, carried):
        self.constants = constants
        on_device = {name: torch.from_numpy(value.astype(bool) if dtype == 'bool' else value).to(DEVICE) for name, (value, dtype) in constants.items()}
        self.base = on_device
        plain = {name: value for name, (value, _) in constants.items()}
        self.program = [compiled(node, plain) for node in model['nodes']]
        self.carried = model['carried']
        self.state = {name: torch.from_numpy(value).to(DEVICE) for name, value in carried.items()}
        self.feeds = {f['name']: torch.zeros(f['dims'], dtype=DTYPES[f['dtype']][1], device=DEVICE) for f in model['feeds']}
        self.reports = model['reports']
        self.stream = torch.cuda.Stream() if CUDA else None
        self.graph = None

    def compute(self):
        env = dict(self.base)
        env.update(self.state)
        env.update(self.feeds)
        for run in self.program:
            run(env)
        following = [env['next.' + name].reshape(self.state[name].shape) for name in self.carried]
        report = torch.stack([env[name].reshape(()).float() for name in self.reports])
        return following, report

    def advance(self):
        following, report = self.compute()
        for name, value in zip(self.carried, following):
            self.state[name].copy_(value)
        self.report = report

    def capture(self):
        saved = {name: value.clone() for name, value in self.state.items()}
        for _ in range(3):
            self.advance()
        for name, value in saved.items():
            self.state[name].copy_(value)
        torch.cuda.synchronize()
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, stream=self.stream, capture_error_mode='thread_local'):
            self.advance()
        for name, value in saved.items():
            self.state[name].copy_(value)
        self.graph = graph

    def run(self):
        if not CUDA:
            self.advance()
            return self.report.numpy()
        with torch.cuda.stream(self.stream):
            if self.graph is None:
                self.capture()
            self.graph.replay()
            return self.report.cpu().numpy()


def exactly(connection, count):
    buffer = bytearray(count)
    view = memoryview(buffer)
    while count > 0:
        got = connection.recv_into(view[-count:] if count else view, count)
        if got == 0:
            raise EOFError
        count -= got
    return buffer


def serve(connection):
    torch.set_grad_enabled(False)  # of this thread
    try:
        size, = struct.unpack('<I', exactly(connection, 4))
        model = json.loads(exactly(connection, size))
        def arrays(specs):
            found = {}
            for spec in specs:
                dtype = DTYPES[spec['dtype']][0]
                count = int(np.prod(spec['dims'])) if spec['dims'] else 1
                found[spec['name']] = np.frombuffer(exactly(connection, count * np.dtype(dtype).itemsize), dtype=dtype).reshape(spec['dims']).copy()
            return found
        constants = {name: (value, spec['dtype']) for (name, value), spec in zip(arrays(model['constants']).items(), model['constants'])}
        carried = arrays(model['initial'])
        model['carried'] = [spec['name'] for spec in model['initial']]
        with torch.cuda.stream(torch.cuda.Stream()) if CUDA else open(os.devnull):
            step = Step(model, constants, carried)
            if CUDA:
                torch.cuda.current_stream().synchronize()
        while True:
            command = bytes(exactly(connection, 1))
            if command == b'R':
                for spec in model['feeds']:
                    target = step.feeds[spec['name']]
                    data = exactly(connection, target.numel() * target.element_size())
                    source = torch.frombuffer(data, dtype=target.dtype).reshape(target.shape)
                    if CUDA:
                        with torch.cuda.stream(step.stream):
                            target.copy_(source)
                    else:
                        target.copy_(source)
                connection.sendall(step.run().astype(np.float32).tobytes())
            elif command == b'G':
                for name in model['carried']:
                    connection.sendall(step.state[name].cpu().numpy().tobytes())
            elif command == b'S':
                for name in model['carried']:
                    target = step.state[name]
                    target.copy_(torch.frombuffer(exactly(connection, target.numel() * 4), dtype=torch.float32).reshape(target.shape))
                if CUDA:
                    torch.cuda.synchronize()
    except EOFError:
        pass
    finally:
        connection.close()


def main(path):
    if os.path.exists(path):
        os.remove(path)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen()
    print('listening', DEVICE, flush=True)
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=serve, args=(connection,), daemon=True).start()


main(sys.argv[1])
