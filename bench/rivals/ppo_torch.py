"""PPO as Stable-Baselines3 writes it, in PyTorch with a vectorised numpy environment: a rival of bench/training.ts.

Reads one JSON line per run on stdin: {"hiddenSizes", "envCount", "horizon", "minibatchSize", "epochs",
"separateTrunks", "threads", "iterations", "width", "actions", "rows"}; answers each with one JSON line
{"rates": environment steps per second of each iteration, "hash": SHA-256 of the final weights}.
"""

import hashlib
import json
import sys
import time

import numpy as np
import torch
from torch import nn


class WalkEnvs:
    """bench/rivals/walkEnv.ts for all environments at once."""

    def __init__(self, count, width, rows, rng):
        self.table = rng.standard_normal((rows, width), dtype=np.float32)
        self.rng = rng
        self.row = rng.integers(rows, size=count)
        self.left = np.full(count, 1000)

    def observe(self):
        return self.table[self.row]

    def step(self, action):
        reward = self.table[self.row, action]
        self.row = (self.row + 1 + action) % len(self.table)
        self.left -= 1
        done = self.left == 0
        if done.any():
            self.row[done] = self.rng.integers(len(self.table), size=done.sum())
            self.left[done] = 1000
        return reward, done


def trunk(width, sizes):
    layers = []
    for size in sizes:
        linear = nn.Linear(width, size)
        nn.init.orthogonal_(linear.weight, 2**0.5)
        nn.init.zeros_(linear.bias)
        layers += [linear, nn.Tanh()]
        width = size
    return nn.Sequential(*layers)


class Policy(nn.Module):
    def __init__(self, width, actions, sizes, separate):
        super().__init__()
        self.policy_trunk = trunk(width, sizes)
        self.value_trunk = trunk(width, sizes) if separate else None
        self.logits = nn.Linear(sizes[-1], actions)
        self.value = nn.Linear(sizes[-1], 1)

    def forward(self, x):
        hidden = self.policy_trunk(x)
        other = self.value_trunk(x) if self.value_trunk is not None else hidden
        return torch.log_softmax(self.logits(hidden), 1), self.value(other).squeeze(1)


def run(c):
    torch.manual_seed(1)
    torch.set_num_threads(c["threads"])
    rng = np.random.default_rng(1)
    count, horizon, batch = c["envCount"], c["horizon"], c["minibatchSize"]
    envs = WalkEnvs(count, c["width"], c["rows"], rng)
    policy = Policy(c["width"], c["actions"], c["hiddenSizes"], c["separateTrunks"] == 1)
    optimiser = torch.optim.Adam(policy.parameters(), lr=3e-4, eps=1e-5, foreach=True)
    samples = count * horizon
    observations = np.zeros((horizon, count, c["width"]), dtype=np.float32)
    actions = np.zeros((horizon, count), dtype=np.int64)
    log_probs, values, rewards, advantages = (np.zeros((horizon, count), dtype=np.float32) for _ in range(4))
    ended = np.zeros((horizon, count), dtype=bool)
    rates = []
    for _ in range(c["iterations"]):
        started = time.perf_counter()
        with torch.no_grad():
            for t in range(horizon):
                observations[t] = envs.observe()
                log_p, value = policy(torch.from_numpy(observations[t]))
                p = log_p.numpy()
                uniform = rng.random((count, 1), dtype=np.float32)
                action = (np.exp(p).cumsum(1)[:, :-1] < uniform).sum(1)
                actions[t], values[t] = action, value.numpy()
                log_probs[t] = p[np.arange(count), action]
                rewards[t], ended[t] = envs.step(action)
            last = policy(torch.from_numpy(envs.observe()))[1].numpy()
        carried = np.zeros(count, dtype=np.float32)
        for t in reversed(range(horizon)):
            following = last if t == horizon - 1 else values[t + 1]
            going = 1.0 - ended[t]
            carried = rewards[t] + 0.99 * following * going - values[t] + 0.99 * 0.95 * going * carried
            advantages[t] = carried
        flat = [
            torch.from_numpy(a.reshape(samples, *a.shape[2:]))
            for a in (observations, actions, log_probs, advantages, advantages + values)
        ]
        for _ in range(c["epochs"]):
            for index in torch.randperm(samples).split(batch):
                x, action, old, advantage, target = (a[index] for a in flat)
                advantage = (advantage - advantage.mean()) / (advantage.std() + 1e-8)
                log_p, value = policy(x)
                ratio = torch.exp(log_p.gather(1, action[:, None]).squeeze(1) - old)
                surrogate = torch.min(advantage * ratio, advantage * torch.clamp(ratio, 0.8, 1.2))
                loss = 0.5 * nn.functional.mse_loss(value, target) - surrogate.mean()
                optimiser.zero_grad(set_to_none=True)
                loss.backward()
                nn.utils.clip_grad_norm_(policy.parameters(), 0.5)
                optimiser.step()
        rates.append(samples / (time.perf_counter() - started))
    digest = hashlib.sha256()
    for parameter in policy.parameters():
        digest.update(parameter.detach().numpy().tobytes())
    return {"rates": rates, "hash": digest.hexdigest()[:16]}


def product_gflops():
    """Of 1024 x 128 x 128: tells a tuned BLAS from the reference one."""
    a, b = torch.randn(1024, 128), torch.randn(128, 128)
    times = []
    for _ in range(50):
        started = time.perf_counter()
        torch.matmul(a, b)
        times.append(time.perf_counter() - started)
    return 2 * 1024 * 128 * 128 / sorted(times)[25] / 1e9


print(json.dumps({"torch": torch.__version__, "gflops": product_gflops()}), flush=True)
for line in sys.stdin:
    print(json.dumps(run(json.loads(line))), flush=True)
