"""The training step of PaRe as a skorch net."""

from functools import partial

import torch
from skorch import NeuralNet

from sklearn_pare._device import free_cache, is_out_of_memory
from sklearn_pare._utils import without_traces
from sklearn_pare.backbones.freezing import layer_scales
from sklearn_pare.nn.decoder import DenseDecoder
from sklearn_pare.nn.schedule import learning_rate_factor
from sklearn_pare.training.batches import Batches, endless
from sklearn_pare.training.draw import draw_step
from sklearn_pare.training.guard import Guard
from sklearn_pare.training.step import backward

# Factor on the learning rate after a second start.
_SLOWER = 1 / 3

#: Parts of the loss.
TERMS = ("target", "mixed_target", "mixed_source", "unlabeled")


class PaReNet(NeuralNet):
    """skorch net that fine-tunes a `PaReModel` on clean and mixed samples.

    Parameters
    ----------
    module : PaReModel
        On its device.
    recipe : Recipe
        Numbers of the training run.
    source : object with `sample`, or None
    symmetries : Symmetries
        Samples with fields are transformed at random along these.
    batches, unlabeled : Batches
        Training batches; `unlabeled` may be None.
    source_generator : torch.Generator
        For source samples and selection noise; on the device of `module`.
    scorer : callable
        ``scorer(outputs, y, weight)`` returns the validation score; higher is better.
    processes : Alone or Several
        They share the parts of a step and the validation.
    **kwargs
        Passed to `skorch.NeuralNet`.
    """

    def __init__(
        self,
        module,
        *,
        recipe,
        source,
        symmetries,
        batches,
        unlabeled,
        source_generator,
        scorer,
        processes,
        **kwargs,
    ):
        self.recipe = recipe
        self.source = source
        self.symmetries = symmetries
        self.batches = batches
        self.unlabeled = unlabeled
        self.source_generator = source_generator
        self.scorer = scorer
        self.processes = processes
        super().__init__(module, **kwargs)

    def initialize_history(self):
        """Start at step 0 with an empty history."""
        super().initialize_history()
        self.step_ = 0
        # Number of steps before the second start; 0 if there was none.
        self.n_lost_ = 0
        # The reason to stop, one of `_report.ENDINGS`.
        self.stop_ = None
        # Sums over the current epoch, on the device.
        self.sums_, self.counts_, self.fraction_ = {}, {}, 0.0
        # Number of parts that a process runs per batch; more if memory is short.
        self.n_parts_ = 1
        # With a time budget, its callback.
        self.pace_ = None
        self.guard_ = Guard(self.recipe, self.source_generator.device)
        # Whether other samples of the batch take the place of source samples.
        self.mixes_own_ = getattr(self.source, "own_samples", None) == "always"
        self._endless = self.unlabeled and endless(self.unlabeled)
        return self

    def initialize_optimizer(self):
        """Make AdamW for the trained weights; biases and norms are not decayed."""
        recipe, groups = self.recipe, {}
        scales = layer_scales(self.module_.backbone, recipe.layer_decay)
        head = self.module_.head
        if isinstance(head, DenseDecoder):
            scale = head.lr_scale * recipe.decoder_lr / recipe.lr
            scales |= dict.fromkeys(head.parameters(), scale)
        for parameter in self.module_.parameters():
            if parameter.requires_grad:
                decay = recipe.weight_decay if parameter.ndim > 1 else 0.0
                key = scales.get(parameter, 1.0), decay
                groups.setdefault(key, []).append(parameter)
        with without_traces():
            import torch._dynamo
        self.optimizer_ = torch.optim.AdamW(
            [
                {"params": parameters, "scale": scale, "weight_decay": decay}
                for (scale, decay), parameters in groups.items()
            ],
            lr=recipe.lr,
            fused=True,
        )
        return self

    def get_iterator(self, dataset, training=False):
        """Return batches of `Rows`: all, shuffled, in training, else the own ones."""
        if training:
            return self.batches
        return Batches(dataset, self.recipe.batch_size, own=self.processes.own)

    @property
    def score_name(self):
        """Key of the validation score in the history."""
        return f"valid_{self.recipe.scoring}"

    @property
    def peak_rate(self):
        """Peak learning rate since the last start."""
        return self.recipe.lr * (_SLOWER if self.n_lost_ else 1.0)

    def start_over(self):
        """Let the other steps be a training run of their own, at a lower rate."""
        self.n_lost_ = self.step_
        self.guard_.lr = self.peak_rate
        self.initialize_optimizer()

    def set_rate(self, step):
        """Set the learning rates of a step, counted from 0."""
        n_before = self.n_lost_
        progress = (step - n_before + 0.5) / (self.recipe.n_steps - n_before)
        factor = learning_rate_factor(progress)
        for group in self.optimizer_.param_groups:
            group["lr"] = self.peak_rate * factor * group["scale"]

    def _draw(self, batch):
        """Draw everything random of this step."""
        batch = self.symmetries.apply(batch, self.source_generator)
        unlabeled = None
        if self.unlabeled is not None and self.source is not None:
            more, _, _, offset = next(self._endless)
            if offset is None and batch[3] is not None:
                with torch.no_grad():
                    offset = self.module_.linear(more)
            unlabeled = more, offset
        return draw_step(
            batch,
            unlabeled,
            self.source,
            self.recipe,
            self.step_,
            self.source_generator,
            self.mixes_own_,
        )

    def train_step_single(self, batch, **fit_params):
        """Run forward and backward on clean and mixed samples together."""
        recipe = self.recipe
        self._set_training(True)
        self.set_rate(self.step_)
        step = self._draw(batch)
        trained = [p for p in self.module_.parameters() if p.requires_grad]
        terms = self.processes.add_up(trained, self._backward(step))
        norm = torch.nn.utils.clip_grad_norm_(trained, recipe.max_grad_norm)
        self.step_ += 1
        finite = self.guard_.see(self.step_, terms.total, norm)
        # As with GradScaler, the fused kernel then leaves the weights unchanged.
        self.optimizer_.found_inf = (~finite).float()
        fraction = 0.0 if step.mixing is None else step.mixing.k / recipe.n_tokens
        return {"loss": terms.total, "terms": terms, "fraction": fraction,
                "finite": finite}  # fmt: skip

    def _backward(self, step):
        """Return terms of the own parts of a step; more of them if memory is short."""
        recipe, processes = self.recipe, self.processes
        alone = self.step_ < recipe.share_alone * recipe.n_steps
        # A network that is continued may have learned to use the backbone.
        alone = alone and not self.module_.head.share.any()
        while True:
            # The last batch of an epoch may have fewer samples than there are parts.
            n_parts = min(self.n_parts_ * processes.n, step.n_most)
            parts = step, recipe, n_parts, processes.own, alone
            try:
                terms, failed = backward(self.module_, *parts), False
            except RuntimeError as error:
                failed = is_out_of_memory(error)
                if not failed or n_parts == step.n_most:
                    # Other processes that wait for this one fail at once.
                    raise
            # Outside of the except block, nothing holds the tensors of the failed try.
            if not processes.any(failed):
                return terms
            self.n_parts_ *= 2
            self._zero_grad_optimizer()
            free_cache(step.x.device)

    def run_single_epoch(self, iterator, training, prefix, step_fn, **fit_params):
        """Run one epoch; losses stay on the device until its end."""
        if iterator is None:
            return
        if not training:
            loss, score = self.evaluate(iterator)
            self.history.record("valid_loss", loss)
            if self.recipe.scoring != "loss":
                self.history.record(self.score_name, score)
            return
        for batch in iterator:
            self.notify("on_batch_begin", batch=batch, training=True)
            step = step_fn(batch)
            self._add(step, len(batch[1]))
            if self.guard_.is_due(self.step_):
                self.guard_.check(len(self.history))
            self.notify("on_batch_end", batch=batch, training=True, **step)
            if self.stop_:
                break
        n_skipped = self.guard_.check(len(self.history))
        means = {name: (self.sums_[name] / self.counts_[name]).item()
                 for name in self.sums_}  # fmt: skip
        self.sums_, self.counts_ = {}, {}
        self.history.record("train_loss", means["total"])
        for name in TERMS:
            self.history.record(f"{name}_loss", means.get(name))
        self.history.record("mix_fraction", self.fraction_)
        lr = max(group["lr"] for group in self.optimizer_.param_groups)
        self.history.record("lr", lr)
        self.history.record("skipped_steps", n_skipped)

    def _add(self, step, n):
        """Add the losses of a step of n samples to those of the epoch."""
        self.fraction_ = step["fraction"]
        for name in ("total", *TERMS):
            value = getattr(step["terms"], name)
            if value is not None:
                # Skipped steps do not count in the means.
                value = torch.where(step["finite"], value, 0.0)
                self.sums_[name] = self.sums_.get(name, 0) + value * n
                self.counts_[name] = self.counts_.get(name, 0) + step["finite"] * n

    @torch.no_grad()
    def _outputs_are_finite(self, rows):
        self._set_training(False)
        x, _, _, offset = rows[: self.recipe.batch_size]
        outputs = self.module_.predict(x, offset, bfloat16=self.recipe.bfloat16)
        return bool(outputs.isfinite().all())

    def outputs_are_finite(self, rows):
        """Return whether the current weights give finite outputs for a batch."""
        return self.processes.first(partial(self._outputs_are_finite, rows))

    def epochs(self):
        """Return the finished epochs as plain dicts."""
        return [
            {name: value for name, value in row.items() if name != "batches"}
            for row in self.history
            if "lr" in row
        ]

    @torch.no_grad()
    def evaluate(self, iterator):
        """Return mean loss and score over the batches of all processes."""
        self._set_training(False)
        parts = []
        for x, y, weight, offset in iterator:
            outputs = self.module_.predict(x, offset, bfloat16=self.recipe.bfloat16)
            parts.append((outputs.cpu(), y.cpu(), weight.cpu()))
        parts = self.processes.gather(parts)
        outputs, y, weight = map(torch.cat, zip(*parts, strict=True))
        if not outputs.isfinite().all():
            raise self.guard_.error("output", len(self.history))
        losses = self.recipe.loss(outputs, y)
        loss = (weight * losses).sum() / weight.sum()
        if self.recipe.scoring == "loss":
            return loss.item(), -loss.item()
        arrays = outputs.numpy(), y.numpy(), weight.numpy()
        score = self.processes.first(lambda: float(self.scorer(*arrays)))
        return loss.item(), score
