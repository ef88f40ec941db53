"""Training steps in PyTorch: {"open": name, "threads": n}, then {"steps": n}; answers in JSON lines."""
import json
import sys
import time

import torch
from networks import training

step = None
for line in sys.stdin:
    command = json.loads(line)
    if 'open' in command:
        torch.set_num_threads(command['threads'])
        step, parameters = training(command['open'])
        answer = {'parameters': parameters}
    else:
        times = []
        for _ in range(command['steps']):
            start = time.perf_counter()
            loss = step()
            times.append((time.perf_counter() - start) * 1000)
        times.sort()
        answer = {'median': times[len(times) // 2], 'loss': loss}
    print(json.dumps(answer), flush=True)
