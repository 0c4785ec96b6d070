"""Holds the aligner against PyTorch: what torch_cases wrote, against torch.nn.functional.ctc_loss
(value and gradient) and against torch's autograd through a plain log-domain programme (value,
gradient, Hessian-vector product).
usage: torch_agreement.py CASES.json; exits 77 where there is no torch.
"""

import json
import sys

try:
    import torch
except ImportError:
    print("SKIPPED: this python3 has no torch (Debian: python3-torch), so nothing was compared")
    sys.exit(77)

BETWEEN = 0  # set from the file
TOLERANCE = 1e-9


def states_of(word, topology):
    label = [] if topology == "classic" else [BETWEEN]
    for letter in word:
        label += [letter, BETWEEN]
    return label


def steps_to(label, s, topology):
    """The states from which a path may come to state s."""
    before = [s, s - 1]
    if topology == "ctc" and s >= 2 and label[s] != BETWEEN and label[s] != label[s - 2]:
        before.append(s - 2)
    return [t for t in before if t >= 0]


def free_energy(e, word, topology, beta):
    """-(1/beta) log sum over paths of exp(-beta E), cell by cell; None where there is no path."""
    label = states_of(word, topology)
    margin = 1 if topology == "classic" else 2
    before = {}
    for i in range(len(e)):
        here = {}
        for s in range(len(label)):
            if i == 0:
                parts = [torch.zeros((), dtype=torch.double)] if s < margin else []
            else:
                parts = [before[t] for t in steps_to(label, s, topology) if t in before]
            if parts:
                here[s] = torch.logsumexp(torch.stack(parts), 0) - beta * e[i, label[s]]
        before = here
    ends = [before[s] for s in range(max(0, len(label) - margin), len(label)) if s in before]
    return -torch.logsumexp(torch.stack(ends), 0) / beta if ends else None


def difference(a, b):
    return float((a - b).abs().max()) if a.numel() else 0.0


def tensor(rows):
    return torch.tensor(rows, dtype=torch.double)


def check_infeasible(case):
    assert case["value"] is None, case["status"]
    for name in ("gradient", "hessian_product"):
        assert (tensor(case[name]) == 0).all(), "without a path there is no force at all"


def check_by_autograd(case):
    """Returns the largest difference of value, gradient and Hessian-vector product; None: no path."""
    e = tensor(case["energies"]).requires_grad_()
    f = free_energy(e[: case["frames"]], case["word"], case["topology"], case["beta"])
    if f is None:
        assert case["status"] != "ok", "torch finds no path"
        check_infeasible(case)
        return None
    assert case["status"] == "ok", case["status"]
    (gradient,) = torch.autograd.grad(f, e, create_graph=True)
    along = (gradient * tensor(case["direction"])).sum()
    (product,) = torch.autograd.grad(along, e) if along.grad_fn else (torch.zeros_like(e),)
    return (
        abs(float(f) - case["value"]),
        difference(gradient.detach(), tensor(case["gradient"])),
        difference(product, tensor(case["hessian_product"])),
    )


def check_by_ctc_loss(batch):
    """One ragged call. ctc_loss(log_softmax(-beta e)) = beta F + sum over frames of logsumexp(-beta e).
    Where there is no path torch says +inf, and its gradient is NaN: those are left out."""
    beta = batch[0]["beta"]
    e = torch.stack([tensor(case["energies"]) for case in batch]).requires_grad_()
    frames = torch.tensor([case["frames"] for case in batch])
    letters = torch.tensor([len(case["word"]) for case in batch])
    words = torch.full((len(batch), max(1, int(letters.max()))), BETWEEN)
    for b, case in enumerate(batch):
        words[b, : letters[b]] = torch.tensor(case["word"], dtype=torch.long)
    log_p = torch.log_softmax(-beta * e, 2)
    loss = torch.nn.functional.ctc_loss(
        log_p.transpose(0, 1), words, frames, letters, blank=BETWEEN, reduction="none"
    )
    feasible = [b for b, case in enumerate(batch) if case["status"] == "ok"]
    assert torch.isfinite(loss).nonzero().flatten().tolist() == feasible, "the same have a path"
    (gradient,) = torch.autograd.grad(loss[feasible].sum(), e)
    worst = (0.0, 0.0)
    for b in feasible:
        n = batch[b]["frames"]
        used = e[b, :n].detach()
        value = (float(loss[b]) - float(torch.logsumexp(-beta * used, 1).sum())) / beta
        ours = beta * (tensor(batch[b]["gradient"])[:n] - torch.softmax(-beta * used, 1))
        found = (abs(value - batch[b]["value"]), difference(gradient[b, :n], ours))
        worst = tuple(map(max, worst, found))
    return len(feasible), worst


def main():
    global BETWEEN
    torch.set_num_threads(1)  # for numbers this small, threads only wait for each other
    with open(sys.argv[1]) as file:
        written = json.load(file)
    BETWEEN = written["between"]
    compared = without_path = 0
    worst = (0.0, 0.0, 0.0)
    for batch in written["batches"]:
        for case in batch:
            found = check_by_autograd(case)
            if found is None:
                without_path += 1
                continue
            compared += 1
            worst = tuple(map(max, worst, found))
    print(f"torch {torch.__version__} autograd: {compared} pairs, {without_path} without a path;")
    print("  largest differences of F, gradient, Hessian product: %.1e %.1e %.1e" % worst)
    assert compared > 80 and without_path > 10
    assert max(worst) < TOLERANCE
    for batch in written["batches"]:
        if batch[0]["topology"] != "ctc":
            continue
        pairs, found = check_by_ctc_loss(batch)
        print("ctc_loss: %d pairs; largest differences: %.1e %.1e" % (pairs, *found))
        assert pairs > 8 and max(found) < TOLERANCE


main()
