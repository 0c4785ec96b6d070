"""Holds the engine's derivatives against PyTorch's: what torch_gradients wrote of every shared op
(value, gradient and second derivative in double; value and gradient in float) and of the two nets of
the benchmarks (loss and every parameter's gradient, in float), against torch's autograd in double.
usage: torch_gradients.py CASES.json; exits 77 where there is no torch.
"""

import json
import sys

try:
    import torch
    import torch.nn.functional as F
except ImportError:
    print("SKIPPED: this python3 has no torch (Debian: python3-torch), so nothing was compared")
    sys.exit(77)

IN_DOUBLE, IN_FLOAT, OF_NETS = 1e-12, 2e-6, 2e-5  # relative L2


def tensor(numbers):
    return torch.tensor(numbers["values"], dtype=torch.double).reshape(numbers["shape"])


def error(found, expected):
    assert found.shape == expected.shape, (found.shape, expected.shape)
    norm = float(expected.norm())
    return float((found - expected).norm()) / norm if norm > 0 else float(found.norm())


def first(x):
    return x.permute(0, 3, 1, 2)


def last(y):
    return y.permute(0, 2, 3, 1)


def kernel(w):
    return w.permute(0, 3, 1, 2)


def grads(y, xs, u=None, create_graph=False):
    """torch.autograd.grad, with zeros where nothing depends."""
    if not y.requires_grad:
        return [torch.zeros_like(x) for x in xs]
    found = torch.autograd.grad(y, xs, u, create_graph=create_graph, allow_unused=True)
    return [torch.zeros_like(x) if g is None else g for g, x in zip(found, xs)]


def check_op(case):
    """The largest errors in double (value and first, then second derivative) and in float."""
    x = [tensor(t).requires_grad_() for t in case["inputs"]]
    y = eval(case["torch"], {"torch": torch, "F": F, "first": first, "last": last,
                             "kernel": kernel, "x": x})
    ours = case["double"]
    gradients = grads(y, x, tensor(ours["cotangent"]), create_graph=True)
    along = sum((g * tensor(v)).sum() for g, v in zip(gradients, ours["directions"]))
    second = grads(along, x)

    def worst(of):
        return max([error(tensor(of["value"]), y.detach())]
                   + [error(tensor(g), e.detach()) for g, e in zip(of["gradients"], gradients)])

    found = (worst(ours), max(error(tensor(g), e) for g, e in zip(ours["second"], second)),
             worst(case["float"]))
    assert max(found[:2]) < IN_DOUBLE and found[2] < IN_FLOAT, (case["op"], found)
    return found


def tiny(x, p):
    x = F.max_pool2d(F.relu(F.conv2d(x, kernel(p["c.weight"]), p["c.bias"])), (3, 6))
    rows = x.reshape(len(x), 9, 4).permute(0, 2, 1).reshape(-1, 9)
    hidden = F.relu(F.linear(rows, p["a.weight"], p["a.bias"]))
    return F.linear(hidden, p["b.weight"], p["b.bias"])


def crnn(x, p):
    pools = [(2, 2), (2, 2), None, (2, 1), (2, 1), None, None]
    for i, pool in enumerate(pools, 1):
        padding = 1 if i < 6 else 0
        x = F.conv2d(x, kernel(p[f"conv{i}.weight"]), p[f"conv{i}.bias"], padding=padding)
        if i < 7:
            x = F.relu(x)
        if pool:
            x = F.max_pool2d(x, pool)
    return -last(x).reshape(-1, x.shape[1])  # energies: low is likely


def check_net(case):
    """The error of the loss, and the largest of a parameter's gradient: ours, and torch's in float."""
    def run(dtype):
        p = {k: tensor(v).to(dtype).requires_grad_() for k, v in case["parameters"].items()}
        logits = {"tiny": tiny, "crnn": crnn}[case["name"]](first(tensor(case["images"])).to(dtype), p)
        loss = F.cross_entropy(logits, torch.tensor(case["answers"]))
        return float(loss), dict(zip(p, torch.autograd.grad(loss, list(p.values()))))

    loss, exact = run(torch.double)
    _, in_float = run(torch.float)
    ours = max(error(tensor(case["gradients"][k]), g) for k, g in exact.items())
    theirs = max(error(in_float[k].double(), g) for k, g in exact.items())
    found = (abs(case["loss"] - loss) / abs(loss), ours, theirs)
    print("%s: %d parameters; loss off by %.1e, gradients by %.1e at most; torch in float by %.1e"
          % (case["name"], sum(g.numel() for g in exact.values()), *found))
    assert found[0] < OF_NETS and ours < OF_NETS, found


def main():
    torch.set_num_threads(1)
    with open(sys.argv[1]) as file:
        written = json.load(file)
    found = [check_op(case) for case in written["ops"]]
    names = {case["op"] for case in written["ops"]}
    print("torch %s: %d ops in %d cases" % (torch.__version__, len(names), len(found)))
    print("  largest errors in double: %.1e, of the second derivative: %.1e; in float: %.1e"
          % tuple(map(max, zip(*found))))
    assert len(names) > 50
    for case in written["nets"]:
        check_net(case)


main()
