"""The same work in PyTorch, to stand beside ours: forward passes, analyses of photographs, and distillation steps.

    python3 peer.py forward --model deit_tiny_patch16_224 --batch 8
    python3 peer.py analyze --model swin_tiny_patch4_window7_224 --images DIR --batch 32
    python3 peer.py step --model deit_tiny_patch16_224 --teacher cait_xxs24_224 --batch 8

Prints one line of JSON: seconds and CPU seconds (user, system) of each repetition, peak memory in MiB, and whose model it was. Models are timm's where
timm is installed (random weights: speed does not hang on them); otherwise the definitions below, which do the same operations in plain PyTorch.
The benchmark program runs this script with --peer; it needs only torch, and numpy and Pillow for photographs. (Debian's python3-torch multiplies
matrices twenty times slower than it could until libopenblas0-pthread is installed.)
"""
import argparse
import json
import os
import resource
import sys
import time

parser = argparse.ArgumentParser()
parser.add_argument("job", choices=["forward", "analyze", "step", "product"])
parser.add_argument("--model", default="deit_tiny_patch16_224")
parser.add_argument("--teacher", default="cait_xxs24_224")
parser.add_argument("--images", help="analyze: folder of photographs, class folders inside or not")
parser.add_argument("--count", type=int, default=32, help="forward, step: images in all; analyze: photographs at most")
parser.add_argument("--batch", type=int, default=8)
parser.add_argument("--threads", type=int, default=1)
parser.add_argument("--repeat", type=int, default=3)
parser.add_argument("--device", default="cpu")
parser.add_argument("--precision", default="float32", choices=["float32", "tf32", "bf16"])
arguments = parser.parse_args()
os.environ.setdefault("OMP_NUM_THREADS", str(arguments.threads))

import torch  # noqa: E402  (the thread count must be set before)
import torch.nn.functional as F  # noqa: E402
from torch import nn  # noqa: E402

torch.set_num_threads(arguments.threads)
device = torch.device(arguments.device)
if arguments.precision == "tf32":
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True


def attend(q, k, v, bias=None):
    """Scaled dot-product attention, fused where this PyTorch has it."""
    if hasattr(F, "scaled_dot_product_attention"):
        return F.scaled_dot_product_attention(q, k, v, attn_mask=bias)
    weights = (q * q.shape[-1] ** -0.5) @ k.transpose(-2, -1)
    return (weights if bias is None else weights + bias).softmax(-1) @ v


class Mlp(nn.Sequential):
    def __init__(self, width):
        super().__init__(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads, self.qkv, self.proj = heads, nn.Linear(width, 3 * width), nn.Linear(width, width)

    def split(self, x):
        b, n, c = x.shape
        return self.qkv(x).reshape(b, n, 3, self.heads, c // self.heads).permute(2, 0, 3, 1, 4).unbind(0)

    def forward(self, x, bias=None):
        q, k, v = self.split(x)
        return self.proj(attend(q, k, v, bias).transpose(1, 2).reshape(x.shape))


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.norm1, self.attn = nn.LayerNorm(width, eps=1e-6), Attention(width, heads)
        self.norm2, self.mlp = nn.LayerNorm(width, eps=1e-6), Mlp(width)

    def forward(self, x):
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class Deit(nn.Module):
    def __init__(self, width, depth, heads):
        super().__init__()
        self.patch = nn.Conv2d(3, width, 16, 16)
        self.cls, self.pos = nn.Parameter(torch.zeros(1, 1, width)), nn.Parameter(torch.zeros(1, 197, width))
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(depth))
        self.norm, self.head = nn.LayerNorm(width, eps=1e-6), nn.Linear(width, 1000)

    def forward(self, images):
        x = self.patch(images).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls.expand(len(x), -1, -1), x], 1) + self.pos
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x)[:, 0])


class TalkingHeads(Attention):
    def __init__(self, width, heads):
        super().__init__(width, heads)
        self.proj_l, self.proj_w = nn.Linear(heads, heads), nn.Linear(heads, heads)

    def forward(self, x, bias=None):
        q, k, v = self.split(x)
        weights = (q * q.shape[-1] ** -0.5) @ k.transpose(-2, -1)
        weights = self.proj_l(weights.permute(0, 2, 3, 1)).permute(0, 3, 1, 2).softmax(-1)
        weights = self.proj_w(weights.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        return self.proj((weights @ v).transpose(1, 2).reshape(x.shape))


class CaitBlock(Block):
    def __init__(self, width, heads):
        super().__init__(width, heads)
        self.attn = TalkingHeads(width, heads)
        self.gamma_1, self.gamma_2 = nn.Parameter(torch.full((width,), 1e-5)), nn.Parameter(torch.full((width,), 1e-5))

    def forward(self, x):
        x = x + self.gamma_1 * self.attn(self.norm1(x))
        return x + self.gamma_2 * self.mlp(self.norm2(x))


class ClassBlock(CaitBlock):
    def __init__(self, width, heads):
        super().__init__(width, heads)
        self.heads, self.attn = heads, nn.ModuleList(nn.Linear(width, width) for _ in range(4))

    def forward(self, token, x):
        u = self.norm1(torch.cat([token, x], 1))
        def shape(t):
            return t.reshape(len(t), -1, self.heads, t.shape[-1] // self.heads).transpose(1, 2)
        q, k, v = shape(self.attn[0](u[:, :1])), shape(self.attn[1](u)), shape(self.attn[2](u))
        token = token + self.gamma_1 * self.attn[3](attend(q, k, v).transpose(1, 2).reshape(token.shape))
        return token + self.gamma_2 * self.mlp(self.norm2(token))


class Cait(nn.Module):
    def __init__(self, width, depth, heads):
        super().__init__()
        self.patch = nn.Conv2d(3, width, 16, 16)
        self.cls, self.pos = nn.Parameter(torch.zeros(1, 1, width)), nn.Parameter(torch.zeros(1, 196, width))
        self.blocks = nn.ModuleList(CaitBlock(width, heads) for _ in range(depth))
        self.last = nn.ModuleList(ClassBlock(width, heads) for _ in range(2))
        self.norm, self.head = nn.LayerNorm(width, eps=1e-6), nn.Linear(width, 1000)

    def forward(self, images):
        x = self.patch(images).flatten(2).transpose(1, 2) + self.pos
        for block in self.blocks:
            x = block(x)
        token = self.cls.expand(len(x), -1, -1)
        for block in self.last:
            token = block(token, x)
        return self.head(self.norm(torch.cat([token, x], 1))[:, 0])


class SwinBlock(Block):
    def __init__(self, width, heads, side, shift):
        super().__init__(width, heads)
        self.side, self.shift = side, shift
        self.table = nn.Parameter(torch.zeros(169, heads))
        steps = torch.stack(torch.meshgrid(torch.arange(7), torch.arange(7), indexing="ij")).flatten(1)
        far = steps[:, :, None] - steps[:, None, :] + 6
        self.register_buffer("index", far[0] * 13 + far[1], persistent=False)
        mask = None
        if shift:
            area = torch.zeros(side, side)
            cuts = [slice(0, -7), slice(-7, -shift), slice(-shift, None)]
            for number, (rows, columns) in enumerate((r, c) for r in cuts for c in cuts):
                area[rows, columns] = number
            area = area.reshape(side // 7, 7, side // 7, 7).transpose(1, 2).reshape(-1, 49)
            mask = (area[:, :, None] != area[:, None, :]).float() * -100.0
        self.register_buffer("mask", mask, persistent=False)

    def forward(self, x):
        b, h, w, c = x.shape
        u = self.norm1(x)
        if self.shift:
            u = torch.roll(u, (-self.shift, -self.shift), (1, 2))
        u = u.reshape(b, h // 7, 7, w // 7, 7, c).transpose(2, 3).reshape(-1, 49, c)
        bias = self.table[self.index.reshape(-1)].reshape(49, 49, -1).permute(2, 0, 1)[None]
        if self.shift:
            bias = (bias + self.mask[:, None]).repeat(b, 1, 1, 1)
        u = self.attn(u, bias).reshape(b, h // 7, w // 7, 7, 7, c).transpose(2, 3).reshape(b, h, w, c)
        if self.shift:
            u = torch.roll(u, (self.shift, self.shift), (1, 2))
        x = x + u
        return x + self.mlp(self.norm2(x))


class Stage(nn.Module):
    def __init__(self, width, depth, heads, side, merge):
        super().__init__()
        self.norm = nn.LayerNorm(2 * width) if merge else None
        self.reduction = nn.Linear(2 * width, width, bias=False) if merge else None
        self.blocks = nn.ModuleList(SwinBlock(width, heads, side, 3 if i % 2 and side > 7 else 0) for i in range(depth))

    def forward(self, x):
        if self.reduction is not None:
            b, h, w, c = x.shape
            x = x.reshape(b, h // 2, 2, w // 2, 2, c).permute(0, 1, 3, 4, 2, 5).flatten(3)
            x = self.reduction(self.norm(x))
        for block in self.blocks:
            x = block(x)
        return x


class Swin(nn.Module):
    def __init__(self, width, depths, heads):
        super().__init__()
        self.patch, self.patch_norm = nn.Conv2d(3, width, 4, 4), nn.LayerNorm(width)
        self.layers = nn.ModuleList(
            Stage(width << i, depth, head, 56 >> i, i > 0) for i, (depth, head) in enumerate(zip(depths, heads)))
        self.norm, self.head = nn.LayerNorm(8 * width), nn.Linear(8 * width, 1000)

    def forward(self, images):
        x = self.patch_norm(self.patch(images).permute(0, 2, 3, 1))
        for stage in self.layers:
            x = stage(x)
        return self.head(self.norm(x).mean((1, 2)))


PLAIN = {
    "deit_tiny_patch16_224": lambda: Deit(192, 12, 3),
    "deit_small_patch16_224": lambda: Deit(384, 12, 6),
    "cait_xxs24_224": lambda: Cait(192, 24, 4),
    "cait_s24_224": lambda: Cait(384, 24, 8),
    "swin_tiny_patch4_window7_224": lambda: Swin(96, (2, 2, 6, 2), (3, 6, 12, 24)),
    "swin_small_patch4_window7_224": lambda: Swin(96, (2, 2, 18, 2), (3, 6, 12, 24)),
}

try:
    import timm
    source = f"timm {timm.__version__}"
except (ImportError, AttributeError):
    timm, source = None, "plain PyTorch"


def create(name):
    if timm is None and name not in PLAIN:
        sys.exit(f"peer.py: without timm there is no {name}; known are {', '.join(PLAIN)}")
    torch.manual_seed(0)
    return (timm.create_model(name) if timm else PLAIN[name]()).to(device)


def blocks(model):
    return list(model.blocks) if hasattr(model, "blocks") else [block for stage in model.layers for block in stage.blocks]


def maps_of(model):
    """Lists that the model's blocks fill with their maps, as [B, C, H, W], at each forward pass."""
    kept = []

    def keep(_module, _inputs, out):
        if out.dim() == 3:  # tokens: the class token, where there is one, is left out
            side = int(out.shape[1] ** 0.5)
            out = out[:, out.shape[1] - side * side:].transpose(1, 2).reshape(len(out), out.shape[2], side, side)
        else:
            out = out.permute(0, 3, 1, 2)
        kept.append(out)

    for block in blocks(model):
        block.register_forward_hook(keep)
    return kept


def lower(model, images):
    return (model.bfloat16(), images.bfloat16()) if arguments.precision == "bf16" else (model, images)


def forward():
    model, images = lower(create(arguments.model).eval(), torch.randn(arguments.batch, 3, 224, 224, device=device))

    def run():
        with torch.inference_mode():
            for _ in range(-(-arguments.count // arguments.batch)):
                model(images)

    return run, -(-arguments.count // arguments.batch) * arguments.batch


def analyze():
    """Photographs to spectral intensities in both domains, as the authors' scripts and the paper compute them."""
    import numpy
    from PIL import Image
    files = sorted(os.path.join(folder, name) for folder, _, names in os.walk(arguments.images) for name in names
                   if name.lower().endswith((".jpg", ".jpeg", ".png")))[:arguments.count]
    model = create(arguments.model).eval()
    kept = maps_of(model)
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])

    def read(file):
        image = Image.open(file).convert("RGB")
        scale = 248 / min(image.size)
        image = image.resize([round(edge * scale) for edge in image.size], Image.BICUBIC)
        left, top = ((edge - 224) // 2 for edge in image.size)
        pixels = torch.from_numpy(numpy.asarray(image.crop((left, top, left + 224, top + 224)), dtype=numpy.float32)) / 255
        return ((pixels - mean) / std).permute(2, 0, 1)

    def run():
        sums = {}
        with torch.inference_mode():
            for start in range(0, len(files), arguments.batch):
                model(torch.stack([read(file) for file in files[start:start + arguments.batch]]).to(device))
                for layer, x in enumerate(kept):
                    spatial = torch.fft.fft2(x.float(), norm="ortho").abs().double().mean().item()
                    channel = (torch.fft.fft(x.float(), dim=1).abs() / x.shape[1]).double().mean().item()
                    old = sums.get(layer, (0.0, 0.0))
                    sums[layer] = old[0] + spatial * len(x), old[1] + channel * len(x)
                kept.clear()

    return run, len(files)


def step():
    """The reference's step: soft labels and the rfft2 alignment of eight layer pairs, AdamW, moving average."""
    student, teacher = create(arguments.model).train(), create(arguments.teacher).eval()
    of_student, of_teacher = maps_of(student), maps_of(teacher)
    average = [p.detach().clone() for p in student.parameters()]
    optimizer = torch.optim.AdamW(student.parameters(), lr=5e-4, weight_decay=0.05)
    images = torch.randn(arguments.batch, 3, 224, 224, device=device)
    labels = torch.randint(0, 1000, (arguments.batch,), device=device)
    own, other = len(blocks(student)), len(blocks(teacher))
    pairs = [(0, 0), (1, 1), *((own - i, other - i) for i in range(6, 0, -1))]

    def layer_loss(s, t):
        width = min(s.shape[1], t.shape[1])
        if s.shape[1] != t.shape[1]:
            s, t = (F.adaptive_avg_pool2d(m.flatten(2).transpose(1, 2), (m.shape[2] * m.shape[3], width)).transpose(1, 2)
                    .reshape(len(m), width, m.shape[2], m.shape[3]) for m in (s, t))
        s, t = torch.fft.rfft2(s, norm="ortho"), torch.fft.rfft2(t, norm="ortho")
        return F.mse_loss(torch.view_as_real(s), torch.view_as_real(t))

    def run():
        for _ in range(-(-arguments.count // arguments.batch)):
            with torch.no_grad():
                target = teacher(images)
            logits = student(images)
            loss = 0.1 * F.cross_entropy(logits, labels) + 0.9 * F.kl_div(
                F.log_softmax(logits, 1), F.log_softmax(target, 1), reduction="batchmean", log_target=True)
            loss = loss + 0.2 * sum(layer_loss(of_student[s], of_teacher[t]) for s, t in pairs)
            of_student.clear()
            of_teacher.clear()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            with torch.no_grad():
                for kept, p in zip(average, student.parameters()):
                    kept.mul_(0.99996).add_(p, alpha=4e-5)

    return run, -(-arguments.count // arguments.batch)


def product():
    """What one core or GPU does at best here: 2 m n k operations of [1576, 192] x [192, 768]."""
    a, b = torch.randn(1576, 192, device=device), torch.randn(192, 768, device=device)

    def run():
        for _ in range(100):
            torch.mm(a, b)

    return run, 100


def measure(run, units):
    rows = []
    for turn in range(arguments.repeat + 1):
        before, start = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
        run()
        if device.type == "cuda":
            torch.cuda.synchronize()
        wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF)
        if turn:  # the first warms up
            rows.append({"wall": wall, "user": after.ru_utime - before.ru_utime, "system": after.ru_stime - before.ru_stime})
    return {"units": units, "rounds": rows, "peak_mib": round(peak(), 1)}


def peak():
    """MiB. Not by getrusage on Linux, which counts what the process that started this one held."""
    if os.path.exists("/proc/self/status"):
        with open("/proc/self/status", encoding="ascii") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)


work, size = globals()[arguments.job]()
print(json.dumps({"job": arguments.job, "model": arguments.model, "batch": arguments.batch, "threads": arguments.threads,
                  "torch": torch.__version__, "source": source, **measure(work, size)}))
