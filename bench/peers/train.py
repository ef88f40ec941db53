"""Training steps in PyTorch: {"open": name, "threads": n}, then {"steps": n}; answers in JSON lines, medians in
milliseconds by the clock and of processor time."""
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
        times = {'wall': [], 'cpu': []}
        for _ in range(command['steps']):
            start = (time.perf_counter(), time.process_time())
            step()
            times['wall'].append((time.perf_counter() - start[0]) * 1000)
            times['cpu'].append((time.process_time() - start[1]) * 1000)
        answer = {kind: sorted(values)[len(values) // 2] for kind, values in times.items()}
    print(json.dumps(answer), flush=True)
