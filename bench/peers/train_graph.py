"""Trains what bench/training-file.ts wrote, with PyTorch's kernels and derivatives, on a GPU if there is one.

The losses are Latent's own, operator by operator; batches are drawn here, after the recipes' rules but from other
random numbers. A whole step (losses, gradients, Adam, averages) is captured once as a CUDA graph and replayed. Several runs share
a GPU, each on its own stream. Each run's schedule ends when the time given is up.

usage: train_graph.py PHOTOS RUNS.json OUT SECONDS
       train_graph.py --measure FILE START BATCH RATE STEPS

PHOTOS: folders train and val of square pictures (or .npy of [3, S, S]). RUNS.json: a list of {name, file, rates, ...}; see DEFAULTS.
OUT gets log.jsonl, and of each run its averaged weights (safetensors, one file a network) unless it says "save": false.

--measure takes STEPS steps from the weights START on the one batch BATCH (safetensors both), and prints what they reported
and how many a second there are.
"""
import contextlib
import gzip
import json
import math
import os
import struct
import sys
import threading
import time

import numpy as np
import torch
import torch.nn.functional as F

from crops import Halves, Pairs, pictures
from graph_torch import DEVICE, LAST, Program

CUDA = torch.cuda.is_available()
# Variances as differences of means of squares (SSIM) do not survive ten bits, so products of the losses are exact; see `conv`.
torch.backends.cuda.matmul.allow_tf32 = False
torch.backends.cudnn.allow_tf32 = False
torch.backends.cudnn.benchmark = True

DEFAULTS = {
    'rates': {},          # by phase: [peak, end], a cosine over the run
    'warmup': 0.01,       # of the run: the rate rises
    'hold': 0.01,         # of the run: until then the rate stays
    'group': None,        # at `prune` (of the run), only the best of a group goes on
    'prune': None,
    'seconds': None,      # ends earlier than the others
    'ramp': [0.03, 0.2],  # of the run: where secrecy begins to count, and where it counts whole
    'seed': 1,
    'tf32': True,         # convolutions with trained kernels in products of ten bits
    'last': False,        # convolutions between many channels on images with channels last
    'train': True,        # or only measured
    'recovery': 0.4,      # FlowCrypt's weight of recovery
    'check': 0.1,         # of the run, from one validation to the next
    'save': True,
    'start': None,        # a safetensors file to start from
}


def draw(parameter, generator):
    """Initial values, as packages/graph/src/parameters.ts draws them, from other random numbers."""
    dims, init = parameter['dims'], parameter['init']
    if init['kind'] == 'constant':
        return torch.full(dims, float(init['value']))
    if init['kind'] == 'uniform':
        return (2 * torch.rand(dims, generator=generator) - 1) * init['bound']
    values = torch.randn(dims, generator=generator) * init['deviation']
    if 'outer' in init:
        taps, outer = dims[2] * dims[3], init['outer']
        scale = torch.full([taps], float(outer))
        scale[(taps - 1) // 2] = math.sqrt(taps - (taps - 1) * outer ** 2)
        values = values * scale.reshape(1, 1, dims[2], dims[3])
    return values


def safetensors(path, tensors, metadata):
    header, offset = {'__metadata__': metadata}, 0
    for name, value in tensors.items():
        header[name] = {'dtype': 'F32', 'shape': list(value.shape), 'data_offsets': [offset, offset + 4 * value.size]}
        offset += 4 * value.size
    text = json.dumps(header).encode()
    text += b' ' * (-len(text) % 8)
    with open(path + '.part', 'wb') as file:
        file.write(struct.pack('<Q', len(text)) + text)
        for value in tensors.values():
            file.write(np.ascontiguousarray(value, dtype='<f4').tobytes())
    os.replace(path + '.part', path)


def read_safetensors(path):
    data = open(path, 'rb').read()
    size, = struct.unpack('<Q', data[:8])
    header = json.loads(data[8:8 + size])
    return {name: np.frombuffer(data, '<f4', (v['data_offsets'][1] - v['data_offsets'][0]) // 4, 8 + size + v['data_offsets'][0]).reshape(v['shape']) for name, v in header.items() if name != '__metadata__'}


def orthogonal(x):
    """Nearly the orthogonal factors of matrices [K, rows, columns]: Newton and Schulz's iteration as in Muon (Jordan 2024)."""
    tall = x.shape[1] > x.shape[2]
    if tall:
        x = x.transpose(1, 2)
    x = x / (x.square().sum((1, 2), keepdim=True).sqrt() + 1e-7)
    for _ in range(5):
        a = x @ x.transpose(1, 2)
        x = 3.4445 * x + (-4.775 * a + 2.0315 * (a @ a)) @ x
    return x.transpose(1, 2) if tall else x


class Run:
    POOL = 16  # steps whose batches are drawn together

    def __init__(self, options, photos, checks, folder):
        self.o = o = {**DEFAULTS, **options}
        self.folder, self.name = folder, o['name']
        raw = gzip.open(o['file'], 'rb').read() if o['file'].endswith('.gz') else open(o['file'], 'rb').read()
        size, = struct.unpack('<I', raw[:4])
        self.h = h = json.loads(raw[4:4 + size])
        blob = raw[4 + size:]
        self.kind = h['kind']
        self.programs = [Program(phase['model'], blob) for phase in h['phases']]
        self.checker = Program(h['check'], blob)
        self.data = {'pair': Pairs, 'flowcrypt': Halves}[self.kind](h['batch'], photos, o)
        self.batch = {name: torch.zeros(spec['dims'], device=DEVICE) for name, spec in h['batch'].items()}
        self.batch_size = max(spec['dims'][0] for spec in h['batch'].values() if spec['dims'])
        self.layout(torch.Generator().manual_seed(o['seed']))
        # By phase: the step's size, Adam's floor, Muon's size; and last how far the averages move.
        self.scalars = torch.zeros(3 * len(h['phases']) + 1, device=DEVICE)
        self.stream = torch.cuda.Stream() if CUDA else None
        self.steps, self.log, self.sums, self.counted = 0, [], None, 0
        self.graph = self.check_graph = None
        self.checks = self.prepare(checks)
        self.pool, self.at = None, self.POOL

    def layout(self, generator):
        """All parameters of a phase as one vector, of which each is a view; parts begin at multiples of 64."""
        given = read_safetensors(self.o['start']) if self.o['start'] else {}
        self.flats, self.views, self.matrices = [], [], []
        for phase in self.h['phases']:
            members, offset, parts = [], 0, []
            for p in self.h['parameters']:
                if p['path'].split('.')[0] not in phase['trains']:
                    continue
                value = torch.from_numpy(given[p['path']].copy()) if p['path'] in given else draw(p, generator)
                count = value.numel()
                padded = -(-count // 64) * 64
                parts.append(F.pad(value.reshape(-1), [0, padded - count]))
                members.append((p['path'], p['dims'], count, padded))
                offset += padded
            p = torch.cat(parts).to(DEVICE)
            self.flats.append({'p': p, 'm': torch.zeros_like(p), 'v': torch.zeros_like(p), 'average': p.clone()})
            self.views.append(members)
            groups, mask = {}, torch.ones_like(p)
            if phase['rule']['name'] == 'muon':
                at = 0
                for _, dims, count, padded in members:
                    if len(dims) == 4 and min(dims[:2]) >= 16:
                        groups.setdefault((dims[0], count // dims[0]), []).append((at, count))
                        mask[at:at + count] = 0
                    at += padded
                for (rows, columns), places in groups.items():
                    self.flats[-1][f'momentum {rows} {columns}'] = torch.zeros(len(places), rows, columns, device=DEVICE)
            self.matrices.append((groups, mask))

    def named(self, index, flat):
        parts = flat.split([padded for *_, padded in self.views[index]])
        return {path: part[:count].reshape(dims) for (path, dims, count, _), part in zip(self.views[index], parts)}

    def loss(self, index, flat):
        values = {}
        for other, phase in enumerate(self.h['phases']):
            for path, value in self.named(other, flat if other == index else self.flats[other]['p']).items():
                values['networks.' + path] = value
        for name, value in self.batch.items():
            values['batch.' + name] = value
        return self.programs[index](values)

    def advance(self):
        reports = []
        for index, phase in enumerate(self.h['phases']):
            f = self.flats[index]
            flat = f['p'].detach().requires_grad_()
            with torch.enable_grad():
                found = self.losses[index](flat)
                g, = torch.autograd.grad(found['loss'], flat)
            norm = g.square().sum().sqrt()
            reports += [found[name].detach().reshape(()) for name in self.programs[index].outputs] + [norm]
            with torch.no_grad():
                if phase.get('clip'):
                    g = g * (phase['clip'] / (norm + 1e-6)).clamp(max=1)
                r = phase['rule']
                f['m'].mul_(r['beta1']).add_(g)
                f['v'].mul_(r['beta2']).addcmul_(g, g)
                groups, mask = self.matrices[index]
                move = f['m'] / (f['v'].sqrt() + self.scalars[3 * index + 1]) * self.scalars[3 * index]
                f['p'].sub_(move * mask if groups else move)
                for (rows, columns), places in groups.items():
                    found = torch.stack([g[at:at + count].view(rows, columns) for at, count in places])
                    momentum = f[f'momentum {rows} {columns}'].mul_(r['momentum']).add_(found)
                    moves = orthogonal(found + r['momentum'] * momentum) * (self.scalars[3 * index + 2] * (0.2 * math.sqrt(max(rows, columns))))
                    torch._foreach_sub_([f['p'][at:at + count].view(rows, columns) for at, count in places], list(moves.unbind()))
        with torch.no_grad():
            for f in self.flats:
                f['average'].add_((f['p'] - f['average']) * self.scalars[-1])
            self.report = torch.stack(reports)

    def report_names(self):
        return [phase['name'] + ('' if name == 'loss' else name.replace('metrics', '')) for phase, program in zip(self.h['phases'], self.programs) for name in program.outputs + ['.gradient']]

    def rate_at(self, fraction, peak, end):
        o = self.o
        if fraction < o['warmup']:
            return peak * fraction / o['warmup']
        return end + (peak - end) * (1 + math.cos(math.pi * min(1, max(0, fraction - o['hold']) / (1 - o['hold'])))) / 2

    def set_scalars(self, fraction, fed=False):
        o, values, t = self.o, [], self.steps + 1
        for phase in self.h['phases']:
            rate = self.rate_at(fraction, *o['rates'][phase['name']])
            r = phase['rule']
            s = math.sqrt((1 - r['beta2']) / (1 - r['beta2'] ** t))
            values += [r.get('rest', 1) * rate * (1 - r['beta1']) / (1 - r['beta1'] ** t) / s, r['epsilon'] / s, rate]
        self.rate = rate
        values.append(1 - min(self.h['average'], (1 + t) / (10 + t)))
        self.scalars.copy_(torch.tensor(values))
        if 'ramp' in self.batch and not fed:
            low, high = o['ramp']
            self.batch['ramp'].fill_(min(1., max(0., (fraction - low) / (high - low))))

    def feed(self):
        if self.at == self.POOL:
            self.pool, self.at = self.data.many(self.POOL), 0
        for name, values in self.pool.items():
            self.batch[name].copy_(values[self.at])
        self.at += 1

    def on_stream(self):
        return torch.cuda.stream(self.stream) if CUDA else torch.no_grad()

    def prepare(self, checks):
        pictures = [p[None].float().to(DEVICE) / 255 for p in checks]
        if self.kind == 'pair':
            return [{'x': p} for p in pictures]
        if not pictures:
            return []
        state = torch.random.get_rng_state()
        torch.manual_seed(7)
        found = []
        for p in pictures:
            x, y = Halves.split(p)
            maps = [torch.rand(1, 1, *x.shape[2:]).to(DEVICE) for _ in range(2)]
            found.append({'x': x, 'y': y, 'mapX': maps[0], 'mapY': maps[1], 'plain': p})
        torch.random.set_rng_state(state)
        return found

    def open(self):
        """Warms up and captures. Nothing else may use the GPU meanwhile."""
        torch.backends.cudnn.allow_tf32, LAST.on = self.o['tf32'], self.o['last']
        self.losses = [lambda flat, i=i: self.loss(i, flat) for i in range(len(self.programs))]
        self.check_in = {name: value.clone() for name, value in self.checks[0].items()}
        if CUDA:
            self.capture()

    def capture(self, check=True):
        with torch.cuda.stream(self.stream), self.unchanged():
            if check:
                self.set_scalars(0.0)
                self.feed()
            for _ in range(3):
                self.advance()
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, stream=self.stream):
            self.advance()
        self.graph = graph
        torch.backends.cudnn.allow_tf32 = False
        if not check:
            return
        with torch.cuda.stream(self.stream), torch.no_grad():
            self.check_now()
        torch.cuda.synchronize()
        checking = torch.cuda.CUDAGraph()
        with torch.cuda.graph(checking, stream=self.stream), torch.no_grad():
            self.check_now()
        torch.cuda.synchronize()
        self.check_graph = checking

    @contextlib.contextmanager
    def unchanged(self):
        """What is tried within leaves no trace in the weights. Arrays stay in place: graphs hold them."""
        saved = [{name: value.clone() for name, value in f.items()} for f in self.flats]
        yield
        with torch.no_grad():
            for f, values in zip(self.flats, saved):
                for name, value in values.items():
                    f[name].copy_(value)
        if CUDA:
            torch.cuda.synchronize()

    def check_now(self):
        values = dict(self.check_in)
        for index, f in enumerate(self.flats):
            for path, value in self.named(index, f['average']).items():
                values['p.' + (path if self.kind == 'pair' else path.split('.', 1)[1])] = value
        self.checked = self.checker(values)

    def check(self):
        rows = []
        for inputs in self.checks:
            for name, value in inputs.items():
                self.check_in[name].copy_(value)
            if self.check_graph:
                self.check_graph.replay()
            else:
                with torch.no_grad():
                    self.check_now()
            c = {name: value for name, value in self.checked.items()}
            counts = torch.bincount((c['cipher'].reshape(-1) * 255).round().long().clamp(0, 255), minlength=256).double()
            share = counts / counts.sum()
            number = lambda name: float(c[name])
            row = {
                'psnr': -10 * math.log10(max(number('mse'), 1e-10)),
                'ssim': number('ssim'),
                'entropy': float(-(share[share > 0] * share[share > 0].log2()).sum()),
                'correlation': float(c['neighbours'].max()),
                **{name: math.sqrt(number(name)) for name in ('edges', 'deviation', 'squint')},
            }
            if 'mse32' in c:
                row['exact'] = -10 * math.log10(max(number('mse32'), 1e-16))
                row['outside'] = number('outside')
                del row['ssim']
            rows.append(row)
        found = {'check.' + name: sum(row[name] for row in rows) / len(rows) for name in rows[0]}
        found['check.worst'] = min(row['psnr'] for row in rows)
        return found

    def step(self, fraction):
        self.set_scalars(fraction)
        self.feed()
        if self.graph:
            self.graph.replay()
        else:
            self.advance()
        self.sums = self.report.clone() if self.sums is None else self.sums + self.report
        self.counted += 1
        self.steps += 1

    def entry(self, seconds, final):
        means = (self.sums / self.counted).tolist()
        self.sums, self.counted = None, 0
        entry = {'step': self.steps, **dict(zip(self.report_names(), means)), 'rate': self.rate, 'seconds': seconds, 'imagesPerSecond': self.steps * self.batch_size / seconds}
        if seconds >= self.next_check or final:
            self.next_check += self.o['check'] * self.total
            entry.update(self.check())
        return entry

    def run(self, started, total, emit, contest):
        total = min(total, self.o['seconds'] or total)
        self.total, self.next_check = total, self.o['check'] * total
        prune = self.o['prune'] * total if self.o['prune'] else math.inf
        saved = 0.0
        try:
            with self.on_stream():
                while True:
                    seconds = time.time() - started
                    self.step(min(1.0, max(0.0, seconds / total)))
                    if self.steps % 50 == 0 or seconds >= total:
                        entry = self.entry(max(1e-3, time.time() - started), seconds >= total)
                        self.log.append(entry)
                        if not all(math.isfinite(v) for v in entry.values()):
                            raise ValueError(f'diverged at step {self.steps}')
                        if self.steps % 200 == 0 or 'check.psnr' in entry:
                            emit({'run': self.name, **entry})
                        if seconds - saved > 60 and prune == math.inf:
                            saved = seconds
                            self.save()
                    if seconds >= prune:
                        prune = math.inf
                        found = self.check()
                        emit({'run': self.name, 'step': self.steps, 'pruning': True, **found})
                        if not contest.best(self.o['group'], self.name, found['check.psnr']):
                            return
                    if seconds >= total:
                        break
                self.save()
        except Exception as error:
            contest.best(self.o['group'], self.name, -math.inf)
            emit({'run': self.name, 'step': self.steps, 'failed': f'{type(error).__name__}: {error}'[:300]})

    def save(self):
        if not self.o['save']:
            return
        metadata = {'recipe': self.h['recipe'], 'steps': str(self.steps), 'batchSize': str(self.batch_size), 'seed': str(self.o['seed'])}
        for index, f in enumerate(self.flats):
            if self.h['phases'][index]['name'] == 'judge':
                continue
            named = {path: value.cpu().numpy() for path, value in self.named(index, f['average']).items()}
            for network in sorted({path.split('.')[0] for path in named}):
                safetensors(os.path.join(self.folder, f'{self.name}.{network}.safetensors'), {path: v for path, v in named.items() if path.split('.')[0] == network}, metadata)

    def solo(self, count=30):
        """Steps a second of this run alone."""
        if not CUDA:
            return 0.0
        with self.on_stream(), self.unchanged():
            for _ in range(3):
                self.graph.replay()
            torch.cuda.synchronize()
            begun = time.time()
            for _ in range(count):
                self.graph.replay()
            torch.cuda.synchronize()
            return count / (time.time() - begun)


class Contest:
    """Which run of each group is best, once all of the group have said how good they are."""

    def __init__(self, runs):
        self.waiting = {}
        for run in runs:
            self.waiting.setdefault(run.o['group'], set()).add(run.name)
        self.scores, self.changed = {}, threading.Condition()

    def best(self, group, name, score):
        if group is None:
            return True
        with self.changed:
            self.scores.setdefault(group, {}).setdefault(name, score)
            self.waiting[group].discard(name)
            self.changed.notify_all()
            self.changed.wait_for(lambda: not self.waiting[group], timeout=20)
            found = self.scores[group]
            return max(found, key=found.get) == name


def measure(path, start, batch, rate, steps):
    options = {'name': 'measured', 'file': path, 'start': start, 'warmup': 0, 'tf32': False}
    run = Run(options, torch.zeros(25, 3, 160, 160, dtype=torch.uint8, device=DEVICE), [], '.')
    run.o['rates'] = {phase['name']: [rate, rate] for phase in run.h['phases']}
    for name, value in read_safetensors(batch).items():
        run.batch[name].copy_(torch.from_numpy(value.copy()))
    run.losses = [lambda flat, i=i: run.loss(i, flat) for i in range(len(run.programs))]
    reports = []
    for _ in range(3):
        run.set_scalars(0.5, fed=True)
        run.advance()
        run.steps += 1
        reports.append(dict(zip(run.report_names(), run.report.tolist())))
    found = {'device': torch.cuda.get_device_name(0) if CUDA else 'cpu', 'torch': torch.__version__, 'reports': reports}
    if CUDA:
        run.capture(check=False)
        found['perSecond'] = run.solo(steps)
    else:
        begun = time.time()
        for _ in range(steps):
            run.advance()
        found['perSecond'] = steps / (time.time() - begun)
    print(json.dumps(found))


def main():
    if sys.argv[1] == '--measure':
        return measure(*sys.argv[2:5], float(sys.argv[5]), int(sys.argv[6]))
    photo_path, runs_path, folder, seconds = sys.argv[1], sys.argv[2], sys.argv[3], float(sys.argv[4])
    begun = time.time()
    os.makedirs(folder, exist_ok=True)
    photos, checks = [pictures(os.path.join(photo_path, part)) for part in ('train', 'val')]
    photos = photos.to(DEVICE)
    log, lock = open(os.path.join(folder, 'log.jsonl'), 'a'), threading.Lock()

    def emit(entry):
        with lock:
            text = json.dumps({k: float(f'{v:.5g}') if isinstance(v, float) else v for k, v in entry.items()})
            log.write(text + '\n')
            log.flush()
            short = {k: v for k, v in entry.items() if k in ('run', 'step', 'failed', 'solo', 'opened', 'pruning') or k.startswith('check.') or k.endswith('l1')}
            if len(short) > 2:
                print(json.dumps({k: float(f'{v:.4g}') if isinstance(v, float) else v for k, v in short.items()}), flush=True)

    runs = []
    for options in json.load(open(runs_path)):
        at = time.time()
        try:
            run = Run(options, photos, checks, folder)
            run.open()
            solo = run.solo()
            if run.o['train']:
                runs.append(run)
            emit({'run': run.name, 'opened': time.time() - at, 'solo': solo, 'gpu': torch.cuda.get_device_name(0) if CUDA else 'cpu'})
        except Exception as error:
            emit({'run': options['name'], 'failed': f'{type(error).__name__}: {error}'[:300], 'step': 0})
    started = time.time()
    total = seconds - (started - begun)
    contest = Contest(runs)
    threads = [threading.Thread(target=run.run, args=(started, total, emit, contest)) for run in runs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == '__main__':
    main()
