"""Inference in PyTorch: {"network": name, "size": n, "threads": n}, then {"runs": n}; answers in JSON lines,
medians in milliseconds by the clock and of processor time."""
import json
import sys
import time

import torch
from networks import FlowCrypt, generator



def prepared(network, size):
    """The network and its arguments for one image."""
    if network == 'flowcrypt':
        half, secret = (1, 3, size, size // 2), (1, 1, size, size // 2)
        return FlowCrypt(), [torch.rand(half), torch.rand(half), torch.rand(secret), torch.rand(secret)]
    return generator(), [torch.rand(1, 3, size, size)]


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
