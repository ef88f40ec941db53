"""Batches for train_graph.py, after the rules of the recipes, from PyTorch's random numbers."""
import os

import numpy as np
import torch

from graph_torch import DEVICE


class Pairs:
    """Batches of packages/schemes/src/neural/pair-recipe.ts."""
    PICTURES = 4

    def __init__(self, shapes, photos, options):
        self.batch, _, self.crop, _ = shapes['plain']['dims']
        self.photos = photos

    def many(self, steps):
        count, size, photos = steps * self.batch, self.crop, self.photos
        rand = lambda: torch.rand(count, device=DEVICE)
        picked = torch.rand(steps, photos.shape[0], device=DEVICE).argsort(1)[:, :self.PICTURES]
        picked = picked.repeat(1, self.batch // self.PICTURES).reshape(-1)
        kind = rand()
        stride = torch.where(kind < 0.25, 2, 1)
        side = photos.shape[-1]

        def along():
            start = (rand() * (side - stride * size + 1)).floor().long()
            return start[:, None] + stride[:, None] * torch.arange(size, device=DEVICE)[None, :]
        rows, columns = along(), along()
        columns = torch.where((rand() < 0.5)[:, None], columns.flip(1), columns)
        crops = photos[picked[:, None, None], :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2).float() / 255
        one = lambda v: v[:, None, None, None]
        contrasted = (0.5 + one(1 + 2 * rand()) * (crops - one(0.2 + 0.6 * rand()))).clamp(0, 1)
        plain = torch.where(one(kind < 0.75), crops, contrasted)
        noise = torch.randint(0, 256, plain.shape, device=DEVICE).float() / 255
        part = lambda x: x.reshape(steps, self.batch, *x.shape[1:])
        return {'plain': part(plain.contiguous()), 'noise': part(noise)}


class Halves:
    """Batches of packages/schemes/src/flowcrypt/recipe.ts."""
    CROP, WINDOW = 64, 32

    def __init__(self, shapes, photos, options):
        self.batch = shapes['x']['dims'][0]
        self.photos = photos
        self.recovery = options['recovery']

    @staticmethod
    def split(planes):
        """Planes [M, 3, S, S] as halves [M, 3, S, S / 2] by random balanced masks."""
        m, _, side, _ = planes.shape
        order = torch.rand(m, side * side, device=planes.device).argsort(1)
        first = order[:, :side * side // 2].sort(1).values
        turn = lambda i: (i % side) * side + i // side
        second = turn(turn(order[:, side * side // 2:]).sort(1).values)
        flat = planes.reshape(m, 3, -1)
        return [flat.gather(2, i[:, None, :].expand(-1, 3, -1)).reshape(m, 3, side, side // 2) for i in (first, second)]

    def many(self, steps):
        count, photos, crop, window = steps * self.batch, self.photos, self.CROP, self.WINDOW
        rand = lambda *shape: torch.rand(count, *shape, device=DEVICE)
        picked = torch.randint(0, photos.shape[0], (count,), device=DEVICE)
        along = lambda: (rand() * (photos.shape[-1] - crop + 1)).floor().long()[:, None] + torch.arange(crop, device=DEVICE)[None, :]
        rows, columns = along(), along()
        columns = torch.where((rand() < 0.5)[:, None], columns.flip(1), columns)
        crops = photos[picked[:, None, None], :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2).float() / 255
        one = lambda v: v[:, None, None, None]
        odd = torch.arange(count, device=DEVICE) % 2 == 1
        gain, middle = torch.where(odd, 1 + rand(), torch.ones(count, device=DEVICE)), torch.where(odd, 0.3 + 0.4 * rand(), torch.full((count,), 0.5, device=DEVICE))
        crops = (0.5 + one(gain) * (crops - one(middle))).clamp(0, 1)
        start = (rand() * (crop - window + 1)).floor().long()
        lines = (start[:, None] + torch.arange(window, device=DEVICE)[None, :])[:, None, :, None].expand(-1, 3, -1, window)
        x, y = [half.gather(2, lines) for half in self.split(crops)]
        keep, noise = self.layer(count)
        part = lambda v: v.reshape(steps, self.batch, *v.shape[1:]).contiguous()
        values = {'x': x, 'y': y, 'mapX': rand(1, window, window), 'mapY': rand(1, window, window), 'keep': keep, 'noise': noise}
        return {**{name: part(v) for name, v in values.items()}, 'recovery': torch.full((steps,), self.recovery, device=DEVICE)}

    def layer(self, count):
        """The noise layer: the first half of each batch rounded, of the rest each with something stronger, or nothing."""
        h, w = self.WINDOW, 2 * self.WINDOW
        shape = (count, 3, h, w)
        one = lambda v: v[:, None, None, None]
        pick = torch.randint(0, 4, (count,), device=DEVICE)
        kind = torch.where(torch.arange(count, device=DEVICE) % self.batch < self.batch // 2, torch.full_like(pick, -1), pick)
        strength, place = torch.rand(count, device=DEVICE), torch.rand(count, device=DEVICE)
        u = torch.rand(shape, device=DEVICE)
        deviation = torch.tensor([1., 5., 10.], device=DEVICE)[(3 * strength).floor().long()] / 255
        gaussian = torch.randn(shape, device=DEVICE) * one(deviation)
        share = one(0.01 + 0.04 * strength)
        struck = u < share
        top, left = (strength * (h - h // 4)).floor(), (place * (w - w // 4)).floor()
        inside = lambda at, length, size: (torch.arange(size, device=DEVICE)[None, :] >= at[:, None]) & (torch.arange(size, device=DEVICE)[None, :] < at[:, None] + length)
        hole = (inside(top, h // 4, h)[:, None, :, None] & inside(left, w // 4, w)[:, None, None, :]).expand(shape)
        zero = torch.zeros(shape, device=DEVICE)
        noise = torch.where(one(kind == -1), (u - 0.5) / 255, zero)
        noise = torch.where(one(kind == 1), gaussian, noise)
        noise = torch.where(one(kind == 2) & struck, (u >= share / 2).float(), noise)
        gone = (one(kind == 2) & struck) | (one(kind == 3) & hole)
        return (~gone).float(), noise


def pictures(folder):
    """All pictures of a folder, squares of one size, as [P, 3, S, S], bytes."""
    names = sorted(os.listdir(folder))
    if all(name.endswith('.npy') for name in names):
        found = [np.load(os.path.join(folder, name)) for name in names]
    else:
        try:
            from PIL import Image
            found = [np.asarray(Image.open(os.path.join(folder, name)).convert('RGB')).transpose(2, 0, 1) for name in names]
        except Exception:
            import cv2
            found = [cv2.imread(os.path.join(folder, name), cv2.IMREAD_COLOR)[:, :, ::-1].transpose(2, 0, 1) for name in names]
    return torch.from_numpy(np.stack(found).copy())
