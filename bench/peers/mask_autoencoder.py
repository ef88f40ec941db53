"""The masked auto-encoder in PyTorch: the networks of packages/schemes/src/mask-autoencoder/network.ts, compact profile.
Input is [N, 3, H, W] in 0..1, for `link` [N, 3, 32, 32] (a 256x256 picture is 64 tiles); the latents between encoder and
decoder are rounded to bytes. Parameters have the names of our weight files, but for dense weights, which are transposed."""
import torch
from torch import nn
from torch.nn import functional as F

LATENTS, BLOCK = 16, 4


def conv(inputs, outputs, kernel=3):
    return nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2)


class Encoder(nn.Module):
    def __init__(self, side=None):
        super().__init__()
        self.conv1, self.conv2, self.conv3 = conv(3, 32), conv(32, 64), conv(64, LATENTS)
        length = None if side is None else LATENTS * (side // BLOCK) ** 2
        self.link = None if length is None else nn.Linear(length, length)

    def forward(self, x):
        h = F.max_pool2d(F.relu(self.conv1(x)), 2)
        h = self.conv3(F.max_pool2d(F.relu(self.conv2(h)), 2))
        if self.link is not None:
            h = self.link(h.flatten(1)).reshape(h.shape)
        return F.relu(h)


class Decoder(nn.Module):
    def __init__(self, side=None):
        super().__init__()
        self.conv1, self.conv2, self.conv3 = conv(LATENTS, 64), conv(64, 32), conv(32, 3)
        length = None if side is None else LATENTS * (side // BLOCK) ** 2
        self.link = None if length is None else nn.Linear(length, length)

    def forward(self, z):
        h = z if self.link is None else self.link(z.flatten(1)).reshape(z.shape)
        h = F.interpolate(F.relu(self.conv1(h)), scale_factor=2)
        h = F.interpolate(F.relu(self.conv2(h)), scale_factor=2)
        return torch.sigmoid(self.conv3(h))


class Residual(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.first, self.second = conv(channels, channels), conv(channels, channels)

    def forward(self, x):
        return x + self.second(F.relu(self.first(x)))


class Deep(nn.Module):
    def __init__(self, inputs, outputs, channels, blocks):
        super().__init__()
        self.linear, self.first, self.last = conv(inputs, outputs, 1), conv(inputs, channels), conv(channels, outputs)
        self.blocks = nn.ModuleList(Residual(channels) for _ in range(blocks))

    def forward(self, x):
        h = F.relu(self.first(x))
        for block in self.blocks:
            h = block(h)
        return self.linear(x) + self.last(F.relu(h))


class RepairedEncoder(Deep):
    def __init__(self):
        super().__init__(3 * BLOCK ** 2, LATENTS, 48, 1)

    def forward(self, x):
        return 0.5 + super().forward(F.pixel_unshuffle(x - 0.5, BLOCK))


class RepairedDecoder(Deep):
    def __init__(self):
        super().__init__(LATENTS, 3 * BLOCK ** 2, 64, 3)

    def forward(self, z):
        return (0.5 + F.pixel_shuffle(super().forward(z - 0.5), BLOCK)).clamp(0, 1)


class MaskAutoencoder(nn.Module):
    """Encoder, bytes, decoder: one pass of a picture. `form` is conv, link or repaired; `side` that of link's tiles."""

    def __init__(self, form, side=32):
        super().__init__()
        tile = side if form == 'link' else None
        self.encoder = RepairedEncoder() if form == 'repaired' else Encoder(tile)
        self.decoder = RepairedDecoder() if form == 'repaired' else Decoder(tile)

    def forward(self, x):
        return self.decoder(torch.round(self.encoder(x).clamp(0, 1) * 255) / 255)
