"""Inference in PyTorch: {"network": name, "size": n, "threads": n}, then {"runs": n}; answers in JSON lines,
medians in milliseconds by the clock and of processor time."""
import json
import sys
import time

import torch
import encipher_gan
import mask_autoencoder
from dense_resnet import DenseResnet
from networks import FlowCrypt, generator


def prepared(network, size):
    """The network and its arguments for one picture; `network` names a family, then what it distinguishes."""
    family, *words = network.split()
    picture = torch.rand(1, 3, size, size)
    if family == 'flowcrypt':
        half, secret = (1, 3, size, size // 2), (1, 1, size, size // 2)
        return FlowCrypt(), [torch.rand(half), torch.rand(half), torch.rand(secret), torch.rand(secret)]
    if family == 'encipher-gan':
        return encipher_gan.Generator(words[0]), [picture * 2 - 1]
    if family == 'dense-resnet':
        return DenseResnet(words[0], words[1] == 'decrypts'), [picture]
    if family == 'mask-autoencoder':
        form, part = words
        count, side = ((size // 32) ** 2, 32) if form == 'link' else (1, size)
        whole = mask_autoencoder.MaskAutoencoder(form, side)
        shape = (count, 3, side, side) if part == 'encoder' else (count, 16, side // 4, side // 4)
        return getattr(whole, part), [torch.rand(shape)]
    return generator(), [picture]


net, args = None, []
for line in sys.stdin:
    command = json.loads(line)
    if 'size' in command:
        torch.set_num_threads(command['threads'])
        torch.manual_seed(1)
        net, args = prepared(command.get('network', 'generator'), command['size'])
        net.eval()
        answer = {'parameters': sum(p.numel() for p in net.parameters())}
    else:
        times = {'wall': [], 'cpu': []}
        with torch.inference_mode():
            for _ in range(command['runs']):
                start = (time.perf_counter(), time.process_time())
                net(*args)
                times['wall'].append((time.perf_counter() - start[0]) * 1000)
                times['cpu'].append((time.process_time() - start[1]) * 1000)
        answer = {kind: sorted(values)[len(values) // 2] for kind, values in times.items()}
    print(json.dumps(answer), flush=True)
