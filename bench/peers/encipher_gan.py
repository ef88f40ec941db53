"""Encipher GAN in PyTorch: the networks of packages/schemes/src/encipher-gan/network.ts, paper profile, in the forms
`instance` and `frozen`. Images are [N, 3, H, W] in -1..1, sides multiples of 4. Parameters have the names of our
weight files: `python3 encipher_gan.py WEIGHTS` encrypts and decrypts one 256x256 picture with them."""
import gzip
import json
import struct
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F


class Residual(nn.Module):
    def __init__(self, form, channels=128):
        super().__init__()
        self.form = form
        bias = form == 'frozen'
        self.first = nn.Conv2d(channels, channels, 3, padding=1, bias=bias)
        self.second = nn.Conv2d(channels, channels, 3, padding=1, bias=bias)

    def forward(self, x):
        if self.form == 'frozen':
            return x + self.second(F.relu(self.first(x)))
        y = F.instance_norm(self.second(F.relu(F.instance_norm(self.first(x)))))
        return F.leaky_relu(x + y, 0.2)


class Generator(nn.Module):
    def __init__(self, form, width=32, blocks=9):
        super().__init__()
        self.form = form
        bias = form == 'frozen'
        up = {'stride': 2, 'padding': 1, 'output_padding': 1, 'bias': bias}
        self.enter = nn.Conv2d(3, width, 7, bias=bias)
        self.down1 = nn.Conv2d(width, 2 * width, 3, stride=2, padding=1, bias=bias)
        self.down2 = nn.Conv2d(2 * width, 4 * width, 3, stride=2, padding=1, bias=bias)
        self.blocks = nn.ModuleList(Residual(form, 4 * width) for _ in range(blocks))
        self.up1 = nn.ConvTranspose2d(4 * width, 2 * width, 3, **up)
        self.up2 = nn.ConvTranspose2d(2 * width, width, 3, **up)
        self.leave = nn.Conv2d(width, 3, 7, bias=False)

    def active(self, x):
        return F.relu(F.instance_norm(x) if self.form == 'instance' else x)

    def forward(self, x):
        x = self.active(self.enter(F.pad(x, (3, 3, 3, 3), 'reflect')))
        x = self.active(self.down2(self.active(self.down1(x))))
        for block in self.blocks:
            x = block(x)
        x = self.active(self.up2(self.active(self.up1(x))))
        return torch.tanh(self.leave(F.pad(x, (3, 3, 3, 3), 'reflect')))


class EncipherGan(nn.Module):
    """Pictures and ciphers as bytes, [N, 3, H, W]."""

    def __init__(self, form):
        super().__init__()
        self.encryption, self.decryption = Generator(form), Generator(form)

    @staticmethod
    def apply_bytes(network, image):
        return torch.floor((network(image.float() / 127.5 - 1) + 1) * 127.5 + 0.5).clamp(0, 255).to(torch.uint8)

    def encrypt(self, plain):
        return self.apply_bytes(self.encryption, plain)

    def decrypt(self, cipher):
        return self.apply_bytes(self.decryption, cipher)


def read_weights(path):
    """Tensors of a safetensors file, packed or not, as float32."""
    with (gzip.open if path.endswith('.gz') else open)(path, 'rb') as file:
        data = file.read()
    length = struct.unpack('<Q', data[:8])[0]
    header = json.loads(data[8:8 + length])
    kinds = {'F16': torch.float16, 'F32': torch.float32}
    tensors = {}
    for name, entry in header.items():
        if name != '__metadata__':
            start, end = (8 + length + offset for offset in entry['data_offsets'])
            tensors[name] = torch.frombuffer(bytearray(data[start:end]), dtype=kinds[entry['dtype']]).reshape(entry['shape']).float()
    return tensors


def load(path):
    tensors = read_weights(path)
    model = EncipherGan('frozen' if 'encryption.enter.bias' in tensors else 'instance')
    model.load_state_dict(tensors)
    return model.eval()


if __name__ == '__main__':
    pair = load(sys.argv[1])
    y, x = torch.meshgrid(torch.arange(256), torch.arange(256), indexing='ij')
    picture = torch.stack([(x + 3 * y) % 256, (x * y // 64) % 256, 255 - y]).to(torch.uint8)[None]
    with torch.inference_mode():
        for _ in range(2):
            start = time.perf_counter()
            hidden = pair.encrypt(picture)
            middle = time.perf_counter()
            restored = pair.decrypt(hidden)
            times = middle - start, time.perf_counter() - middle
    print(json.dumps({
        'encrypt_ms': round(times[0] * 1000, 1),
        'decrypt_ms': round(times[1] * 1000, 1),
        'cipher_sum': int(hidden.sum()),
        'psnr': round(float(10 * torch.log10(255 ** 2 / ((restored.float() - picture.float()) ** 2).mean())), 3),
    }))
