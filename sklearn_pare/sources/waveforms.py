"""Signals drawn from random programs as a source: "waveforms"."""

from functools import lru_cache

import torch

from sklearn_pare.exceptions import DataError
from sklearn_pare.sources import waveform
from sklearn_pare.sources.base import Source

#: Number of programs that classes can be chosen from, and the seed that draws them:
#: another seed gives other programs.
N_PROGRAMS = 1024
_SEED = 20261126

# Programs whose signals are far from those of the others, relative to their own spread:
# the nearest mean of 32 values and 32 log powers names 99 % of new signals. The choice
# does not depend on a backbone, as that of `FormulaSource` does.
_READABLE = (3, 129, 177, 187, 254, 293, 495, 521, 720, 737)


@lru_cache(maxsize=2)
def _programs(device):
    # Drawn on the CPU, so that the classes are the same on every device.
    generator = torch.Generator().manual_seed(_SEED)
    return waveform.programs(N_PROGRAMS, generator).to(device)


class WaveformSource(Source):
    """Labelled signals drawn from random programs: the source named "waveforms".

    Parameters
    ----------
    programs : sequence of int, default=None
        Numbers of the programs that are the classes, among 1,024. None: ten programs
        whose signals are easy to tell apart.

    Attributes
    ----------
    n_classes : int
    row_shape : tuple of int
        ``(1, 512)``.

    Examples
    --------
    >>> import torch
    >>> from sklearn_pare.sources import WaveformSource
    >>> x, y = WaveformSource().sample(3, torch.Generator().manual_seed(0))
    >>> x.shape, y.shape
    (torch.Size([3, 1, 512]), torch.Size([3]))
    """

    row_shape = (1, waveform.LENGTH)

    def __init__(self, programs=None):
        self.programs = _READABLE if programs is None else tuple(programs)
        if not self.programs or not set(self.programs) <= set(range(N_PROGRAMS)):
            raise DataError(
                f"programs={programs!r}: give numbers of programs, from 0 to "
                f"{N_PROGRAMS - 1}."
            )

    @property
    def n_classes(self):
        """Number of classes."""
        return len(self.programs)

    def draw(self, labels, generator):
        """Draw a new signal for each class (n,), and return them: (n, 1, 512)."""
        numbers = torch.tensor(self.programs, device=labels.device)[labels]
        programs = _programs(str(generator.device)).select(numbers)
        return waveform.render(programs, generator)[:, None]

    def sample(self, n, generator):
        """Draw `n` new signals (n, 1, 512) with their classes."""
        labels = torch.randint(
            self.n_classes, (n,), generator=generator, device=generator.device
        )
        return self.draw(labels, generator), labels
