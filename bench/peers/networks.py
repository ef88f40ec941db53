"""The networks of bench/networks.ts in PyTorch."""
import torch
from torch import nn
from torch.nn import functional as F


def stack(channels):
    layers = []
    for i in range(len(channels) - 1):
        if i > 0:
            layers.append(nn.LeakyReLU(0.01, inplace=True))
        layers.append(nn.Conv2d(channels[i], channels[i + 1], 3, padding=1))
    return nn.Sequential(*layers)


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.omega, self.phi, self.rho, self.eta = (stack([4, 32, 32, 32, 32, 3]) for _ in range(4))

    def couple(self, x, y, kx, ky):
        def scale(s):
            return torch.exp(2 * torch.sigmoid(s) - 1)

        yk = torch.cat([y, ky], 1)
        x2 = x * scale(self.omega(yk)) + self.phi(yk)
        xk = torch.cat([x2, kx], 1)
        return x2, y * scale(self.rho(xk)) + self.eta(xk)

    def forward(self, x, y, k):
        return torch.cat(self.couple(x, y, k, k), 1)


class FlowCrypt(nn.Module):
    """The paper profile of packages/schemes/src/flowcrypt/network.ts: 8 blocks, 953,440 parameters."""

    def __init__(self):
        super().__init__()
        self.blocks = nn.ModuleList(Block() for _ in range(8))

    def forward(self, x, y, kx, ky):
        for block in self.blocks:
            x, y = block.couple(x, y, kx, ky)
        return x, y


class Residual(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(c, c, 3, padding=1, bias=False), nn.InstanceNorm2d(c), nn.ReLU(True),
            nn.Conv2d(c, c, 3, padding=1, bias=False), nn.InstanceNorm2d(c))

    def forward(self, x):
        return x + self.body(x)


def generator():
    def norm(c):
        return [nn.InstanceNorm2d(c), nn.ReLU(True)]

    return nn.Sequential(
        nn.ReflectionPad2d(3), nn.Conv2d(3, 32, 7, bias=False), *norm(32),
        nn.Conv2d(32, 64, 3, stride=2, padding=1, bias=False), *norm(64),
        nn.Conv2d(64, 128, 3, stride=2, padding=1, bias=False), *norm(128),
        *[Residual(128) for _ in range(9)],
        nn.ConvTranspose2d(128, 64, 3, stride=2, padding=1, output_padding=1, bias=False), *norm(64),
        nn.ConvTranspose2d(64, 32, 3, stride=2, padding=1, output_padding=1, bias=False), *norm(32),
        nn.ReflectionPad2d(3), nn.Conv2d(32, 3, 7, bias=False), nn.Tanh())


class Basic(nn.Module):
    def __init__(self, inputs, width, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, width, 3, stride=stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(width)
        self.grow = width - inputs

    def forward(self, x):
        y = self.norm2(self.conv2(F.relu(self.norm1(self.conv1(x)), inplace=True)))
        shortcut = F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, 0, self.grow)) if self.grow else x
        return F.relu(y + shortcut, inplace=True)


class ResNet20(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU(True))
        blocks, inputs = [], 16
        for stage, width in enumerate([16, 32, 64]):
            for i in range(3):
                blocks.append(Basic(inputs, width, 2 if i == 0 and stage > 0 else 1))
                inputs = width
        self.blocks = nn.Sequential(*blocks)
        self.dense = nn.Linear(64, 10)

    def forward(self, x):
        return self.dense(self.blocks(self.stem(x)).mean((2, 3)))


def training(name):
    """A function that does one whole step, and the number of parameters."""
    torch.manual_seed(1)
    if name == 'a':
        net, args, target = stack([12, 32, 32, 32, 32, 12]), [torch.rand(8, 12, 64, 64)], torch.rand(8, 12, 64, 64)
        loss, optimiser = F.mse_loss, torch.optim.Adam(net.parameters(), 1e-3)
    elif name == 'b':
        net, args = Block(), [torch.rand(8, 3, 64, 32), torch.rand(8, 3, 64, 32), torch.rand(8, 1, 64, 32)]
        target = torch.rand(8, 6, 64, 32)
        loss, optimiser = F.mse_loss, torch.optim.Adam(net.parameters(), 1e-3)
    elif name == 'c':
        net, args, target = generator(), [torch.rand(4, 3, 64, 64)], torch.rand(4, 3, 64, 64)
        loss, optimiser = F.l1_loss, torch.optim.Adam(net.parameters(), 2e-4, betas=(0.5, 0.999))
    else:
        net, args, target = ResNet20(), [torch.rand(64, 3, 32, 32)], torch.arange(64) * 7 % 10
        loss = F.cross_entropy
        optimiser = torch.optim.SGD(net.parameters(), 0.1, momentum=0.9, nesterov=True, weight_decay=1e-4)

    def step():
        optimiser.zero_grad()
        value = loss(net(*args), target)
        value.backward()
        optimiser.step()
        return float(value)

    return step, sum(p.numel() for p in net.parameters())
