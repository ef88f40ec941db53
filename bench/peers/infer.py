"""Inference in PyTorch: {"size": n, "threads": n}, then {"runs": n}; answers in JSON lines, medians in
milliseconds by the clock and of processor time."""
import json
import sys
import time

import torch
from networks import generator

net = image = None
for line in sys.stdin:
    command = json.loads(line)
    if 'size' in command:
        torch.set_num_threads(command['threads'])
        torch.manual_seed(1)
        net = generator().eval()
        image = torch.rand(1, 3, command['size'], command['size'])
        answer = {'parameters': sum(p.numel() for p in net.parameters())}
    else:
        times = {'wall': [], 'cpu': []}
        with torch.inference_mode():
            for _ in range(command['runs']):
                start = (time.perf_counter(), time.process_time())
                net(image)
                times['wall'].append((time.perf_counter() - start[0]) * 1000)
                times['cpu'].append((time.process_time() - start[1]) * 1000)
        answer = {kind: sorted(values)[len(values) // 2] for kind, values in times.items()}
    print(json.dumps(answer), flush=True)
