"""python3 rows.py RUN: what each scheme's images gave, from the rows that `latent lab evaluate` wrote."""
import json
import statistics
import sys
from collections import defaultdict

values, exact = defaultdict(lambda: defaultdict(list)), defaultdict(list)
with open(f"{sys.argv[1]}/rows.jsonl", encoding="utf-8") as rows:
    for row in map(json.loads, rows):
        if row["kind"] != "image":
            continue
        exact[row["scheme"]].append(row["quality"]["exact"])
        for test, found in row["tests"].items():
            values[row["scheme"]][test].append(found["value"])

for scheme, tests in values.items():
    entropy = statistics.fmean(tests["entropy"]) if tests["entropy"] else float("nan")
    npcr = 100 * statistics.fmean(tests["pixel-npcr"]) if tests["pixel-npcr"] else float("nan")
    print(f"{scheme:24} {len(exact[scheme]):4} images  {sum(exact[scheme]):4} exact  entropy {entropy:.5f}  NPCR {npcr:8.4f} %")
