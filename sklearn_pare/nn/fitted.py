"""The network of a fitted estimator as a torch module for prediction."""

import copy

from torch import nn


class FittedModule(nn.Module):
    """Network of a fitted estimator, from encoded samples to its predictions.

    The attribute `module_` of a fitted estimator returns it, in evaluation mode, and
    its method ``encode`` returns the inputs. The weights are a copy: moving the module
    to another device, converting it or training it does not change the estimator.

    Parameters
    ----------
    network : PaReModel
        Its submodules ``embed``, ``backbone``, ``head`` and ``linear`` (the linear
        model, or None) are kept. What only training needs is left out.
    finish : callable
        Maps the outputs (B, K, ...) of the network to predictions.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_pare import PaReClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = PaReClassifier(max_epochs=1, random_state=0).fit(X, y)
    >>> module, x = clf.module_, clf.encode(X[:2])
    >>> module(x).shape
    torch.Size([2, 3])
    >>> module.features(x).shape
    torch.Size([2, 256])
    """

    def __init__(self, network, finish):
        super().__init__()
        self.network = copy.deepcopy(network)
        self.network.gate = self.network.source_embed = None
        self.network.source_head = None
        self.finish = finish
        self.train(mode=False)

    def forward(self, x):
        """Return the predictions for encoded samples in float32.

        Parameters
        ----------
        x : torch.Tensor of shape (B, F), (B, C, L) or (B, C, H, W), float32

        Returns
        -------
        predictions : torch.Tensor of shape (B,) or (B, ...)
            Those of ``decision_function`` of a classifier: logits, or for two classes
            of samples the log-odds of the second. Those of ``predict`` of a regressor,
            in the units of y. The linear model and the network's share are included.
        """
        return self.finish(self.network.predict(x))

    def features(self, x):
        """Return the features (B, E) that ``transform`` returns, for encoded samples.

        Parameters
        ----------
        x : torch.Tensor of shape (B, F), (B, C, L) or (B, C, H, W), float32
        """
        return self.network.features(x)
