"""Where the time of a training step goes on a GPU, from the profiler of torch."""

import re
from dataclasses import replace
from functools import partial

from torch.autograd import DeviceType
from torch.profiler import ProfilerActivity, profile

from sklearn_pare._device import resolve_device
from studies.steps import (
    NETWORKS,
    PARE,
    STEPS,
    median_seconds,
    open_network,
    synchronize,
)
from studies.tables import markdown

_REPEATS = 3
#: Kind -> pattern of the names of its kernels; the first one that is found counts.
_KINDS = {
    "attention": r"flash|fmha|attention|softmax",
    "matrix products": r"gemm|nvjet|cutlass|xmma|wgmma|conv|aten::(mm|addmm|bmm)",
    "normalisation": r"norm",
    "optimiser": r"multi_tensor|adam",
    "copies": r"copy|cat|index|gather|scatter|mem(cpy|set)|roll",
    "sums": r"reduce|sum",
    "other maps of elements": r"",
}
_WAITING = "no kernel runs"


def profile_rows():
    """Yield the time in each kind of kernel, in a step of PaRe in bfloat16.

    On a CPU, which is a rehearsal, functions of torch take the place of kernels.
    """
    device = resolve_device("auto")
    on_cpu = device.type == "cpu"
    for name in NETWORKS:
        net, batch = open_network(name, on_cpu)
        net.recipe = replace(net.recipe, **STEPS[PARE])
        run = partial(net.train_step, batch)
        seconds = median_seconds(run, device, warm_up=2, repeats=_REPEATS)
        found = kernels(run, device)
        for kind, (time, n) in found.items():
            yield {"network": name, "kind": kind, "seconds": time, "kernels": n,
                   "share": time / seconds}  # fmt: skip
        busy = sum(time for time, _ in found.values())
        waiting = max(0.0, seconds - busy)
        yield {"network": name, "kind": _WAITING, "seconds": waiting, "kernels": 0,
               "share": waiting / seconds}  # fmt: skip


def kernels(run, device):
    """Return the time per call and the number of kernels: kind -> (seconds, number)."""
    here = DeviceType.CPU if device.type == "cpu" else DeviceType.CUDA
    activities = [ProfilerActivity.CPU]
    if here is DeviceType.CUDA:
        activities.append(ProfilerActivity.CUDA)
    with profile(activities=activities) as profiler:
        for _ in range(_REPEATS):
            run()
        synchronize(device)
    found = dict.fromkeys(_KINDS, (0.0, 0.0))
    for event in profiler.key_averages():
        if event.device_type != here or event.is_user_annotation:
            continue
        own = event.self_cpu_time_total
        if here is DeviceType.CUDA:
            own = event.self_device_time_total
        kind = kind_of(event.key)
        time, n = found[kind]
        found[kind] = time + own / 1e6 / _REPEATS, n + event.count / _REPEATS
    return found


def kind_of(name):
    """Return the kind of a kernel."""
    return next(
        kind
        for kind, pattern in _KINDS.items()
        if re.search(pattern, name, re.IGNORECASE)
    )


def profile_table(rows):
    """Return the table of the kinds of kernels, as Markdown."""
    cells = [
        [row["network"], row["kind"], f"{row['kernels']:.0f}",
         f"{1e3 * row['seconds']:.1f}", f"{row['share']:.1%}"]
        for row in rows
    ]  # fmt: skip
    titles = ["network", f"{PARE}: kind of kernel", "kernels", "ms", "share of time"]
    return markdown(titles, cells)
