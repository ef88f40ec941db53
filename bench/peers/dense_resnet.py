"""Dense-ResNet in PyTorch: the networks of packages/schemes/src/dense-resnet/network.ts, profile paper. One network each way,
of one shape; input [N, 3, H, W] in 0..1. Parameters have the names of our weight files, but for the prefix `encryption.`
or `decryption.`."""
import torch
from torch import nn
from torch.nn import functional as F

FULL, HALF, QUARTER, GROWTH, BLOCKS = 32, 64, 128, 32, 3


class Layer(nn.Conv2d):
    """A convolution, instance norm in the published variant, and ReLU."""

    def __init__(self, own, inputs, outputs, kernel, stride=1):
        super().__init__(inputs, outputs, kernel, stride, kernel // 2, bias=own)
        self.own = own
        if not own:
            self.scale, self.shift = nn.Parameter(torch.ones(outputs)), nn.Parameter(torch.zeros(outputs))

    def forward(self, x):
        y = super().forward(x)
        return F.relu(y if self.own else F.instance_norm(y, weight=self.scale, bias=self.shift), inplace=True)


class Up(nn.ConvTranspose2d):
    """The own variant's way up: a transposed convolution and ReLU."""

    def __init__(self, inputs, outputs):
        super().__init__(inputs, outputs, 3, 2, 1, 1)

    def forward(self, x):
        return F.relu(super().forward(x), inplace=True)


class Block(nn.Module):
    def __init__(self, own):
        super().__init__()
        self.dense = nn.ModuleList(Layer(own, QUARTER + i * GROWTH, GROWTH, 3) for i in range(3))
        self.fuse = nn.Conv2d(QUARTER + 3 * GROWTH, QUARTER, 1)

    def forward(self, x):
        seen = x
        for layer in self.dense:
            seen = torch.cat([seen, layer(seen)], 1)
        return x + self.fuse(seen)


class DenseResnet(nn.Module):
    """`form` is own or published; the own variant's decryption network ends without a sigmoid."""

    def __init__(self, form='own', decrypts=False):
        super().__init__()
        own = form == 'own'
        self.first, self.down1, self.down2 = Layer(own, 3, FULL, 7), Layer(own, FULL, HALF, 3, 2), Layer(own, HALF, QUARTER, 3, 2)
        self.blocks = nn.ModuleList(Block(own) for _ in range(BLOCKS))
        self.up1, self.up2 = (Up(QUARTER, HALF), Up(HALF, FULL)) if own else (Layer(own, QUARTER, HALF, 3), Layer(own, HALF, FULL, 3))
        self.last = nn.Conv2d(FULL, 3, 7, padding=3)
        self.own, self.linear = own, own and decrypts

    def forward(self, x):
        h = self.down2(self.down1(self.first(x)))
        for block in self.blocks:
            h = block(h)
        for up in (self.up1, self.up2):
            h = up(h if self.own else F.interpolate(h, scale_factor=2))
        y = self.last(h)
        return y if self.linear else torch.sigmoid(y)
