"""The network of a fitted estimator as a torch module for prediction."""

from torch import nn


class FittedModule(nn.Module):
    """Network of a fitted estimator, from encoded samples to its predictions.

    The attribute `module_` of a fitted estimator returns it, in evaluation mode, and
    its method ``encode`` returns the inputs. The weights are a copy: moving, converting
    or training the module does not change the estimator.

    ``network`` is the PaReModel without the parts that only training needs: it has the
    submodules ``embed``, ``backbone``, ``head`` and ``linear``, the linear model or
    None. ``finish`` maps its outputs (B, K, ...) to predictions.
    """

    def __init__(self, network, finish):
        super().__init__()
        self.network, self.finish = network, finish
        self.network.gate = self.network.source_embed = self.network.source_head = None
        self.train(mode=False)

    def forward(self, x):
        """Map encoded samples (B, ...) to predictions (B,) or (B, ...) in float32.

        They are those of ``decision_function`` of a classifier, logits or for two
        classes of samples the log-odds of the second, or of ``predict`` of a regressor.
        """
        return self.finish(self.network.predict(x))

    def features(self, x):
        """Map encoded samples (B, ...) to the features (B, E) of ``transform``."""
        return self.network.features(x)
