"""Inference in PyTorch: {"size": n, "threads": n}, then {"runs": n}; answers in JSON lines."""
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
        times = []
        with torch.inference_mode():
            for _ in range(command['runs']):
                start = time.perf_counter()
                net(image)
                times.append((time.perf_counter() - start) * 1000)
        times.sort()
        answer = {'median': times[len(times) // 2]}
    print(json.dumps(answer), flush=True)
