"""The training step of PaRe as a skorch net."""

import math

import torch
from skorch import NeuralNet

from sklearn_pare.backbones.tuning import layer_scales
from sklearn_pare.exceptions import DivergenceError
from sklearn_pare.nn.losses import add_agreement, pare_loss
from sklearn_pare.nn.model import Mixing
from sklearn_pare.nn.schedule import (
    gap_fraction,
    learning_rate_factor,
    mix_fraction,
    n_replaced,
)
from sklearn_pare.training.batches import Batches

_TERMS = ("target", "mixed_target", "mixed_source", "unlabeled")
# Losses of single batches are noise: about the last ten steps count.
_MEMORY = 0.9


class PaReNet(NeuralNet):
    """Fine-tune a `PaReModel`, mixing source tokens in by the schedule.

    Parameters
    ----------
    module : PaReModel
        On its device.
    recipe : Recipe
        Numbers of the run.
    source : object with `sample`, or None
    unlabeled : iterator of batches, or None
    shuffle_generator : torch.Generator
        Order of the target rows; on the CPU.
    source_generator : torch.Generator
        Source rows and selection noise; on the device of `module`.
    scorer : callable
        ``scorer(outputs, y, weight)`` -> validation score, higher is better.
    **kwargs
        To `skorch.NeuralNet`.
    """

    def __init__(
        self,
        module,
        *,
        recipe,
        source,
        unlabeled,
        shuffle_generator,
        source_generator,
        scorer,
        **kwargs,
    ):
        self.recipe = recipe
        self.source = source
        self.unlabeled = unlabeled
        self.shuffle_generator = shuffle_generator
        self.source_generator = source_generator
        self.scorer = scorer
        super().__init__(module, **kwargs)

    def initialize_history(self):
        """Start at step 0 with an empty history."""
        super().initialize_history()
        self.step_ = 0
        self.ratio_ = 1.0
        self.stop_ = False
        return self

    def initialize_optimizer(self):
        """AdamW on what trains; biases, norms and other vectors do not decay."""
        recipe, groups = self.recipe, {}
        scales = layer_scales(self.module_.body, recipe.layer_decay)
        head = self.module_.head
        scales |= dict.fromkeys(head.parameters(), getattr(head, "lr_scale", 1.0))
        for parameter in self.module_.parameters():
            if parameter.requires_grad:
                decay = recipe.weight_decay if parameter.ndim > 1 else 0.0
                key = scales.get(parameter, 1.0), decay
                groups.setdefault(key, []).append(parameter)
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
        """Batches of `Rows`, shuffled in training."""
        generator = self.shuffle_generator if training else None
        return Batches(dataset, self.recipe.batch_size, generator)

    def _fraction(self):
        """Fraction of the tokens to replace in this step."""
        recipe = self.recipe
        if recipe.mix_schedule == "gap":
            return gap_fraction(self.ratio_, recipe.mix_start, recipe.mix_end)
        progress = self.step_ / max(recipe.n_steps - 1, 1)
        return mix_fraction(
            progress, recipe.mix_start, recipe.mix_end, recipe.mix_schedule
        )

    def _mixing(self, n, n_unlabeled):
        """Source rows and noise of this step, or None where nothing is replaced."""
        recipe, generator = self.recipe, self.source_generator
        if self.source is None:
            return None, None
        # Both modalities lie on the body's one grid.
        n_tokens = recipe.n_tokens
        k = n_replaced(self._fraction(), n_tokens, n_tokens)
        if recipe.mix_schedule == "gap" and max(recipe.mix_start, recipe.mix_end) > 0:
            # Without a mixed row there is no ratio, and no way back.
            k = max(k, 1)
        if k == 0:
            return None, None
        n = n_unlabeled + math.ceil(recipe.mixed_share * n)
        x, y = self.source.sample(n, generator)
        # Gumbel noise that fades out: explore first, then trust the gate.
        scale = mix_fraction(self.step_ / recipe.n_steps, *recipe.noise)
        noise = torch.empty(2, n, n_tokens, device=generator.device)
        noise = -scale * noise.exponential_(generator=generator).log()
        return Mixing(x, k, *noise), y

    def _draw_unlabeled(self, offset):
        """Unlabelled rows of this step, and the offsets of them and of the others."""
        if self.unlabeled is None or self.source is None:
            return (), offset
        x = next(self.unlabeled)[0]
        if offset is not None:
            with torch.no_grad():
                offset = torch.cat([self.module_.linear(x), offset])
        return x, offset

    def train_step_single(self, batch, **fit_params):
        """Forward and backward on clean and mixed rows at once."""
        x, y, weight, offset = batch
        self._set_training(True)
        factor = learning_rate_factor((self.step_ + 0.5) / self.recipe.n_steps)
        for group in self.optimizer_.param_groups:
            group["lr"] = self.recipe.lr * factor * group["scale"]
        unlabeled, offset = self._draw_unlabeled(offset)
        n_unlabeled = len(unlabeled)
        mixing, y_source = self._mixing(len(x), n_unlabeled)
        # Those that are all mixed come first.
        x = torch.cat([unlabeled, x]) if n_unlabeled else x
        outputs = self.module_(x, mixing, offset, bfloat16=self.recipe.bfloat16)
        without, outputs = outputs.split(n_unlabeled)
        terms = pare_loss(
            outputs,
            y,
            weight,
            self.recipe.loss,
            None if y_source is None else y_source[n_unlabeled:],
            self.recipe.mix_weight,
            self.recipe.source_weight,
        )
        if mixing is not None and n_unlabeled:
            terms = add_agreement(
                terms, without, self.recipe.agreement, self.recipe.mix_weight
            )
        terms.total.backward()
        if self.recipe.mix_schedule == "gap" and terms.mixed_target is not None:
            ratio = (terms.target / terms.mixed_target.clamp_min(1e-9)).item()
            # A loss that is not finite is reported at the end of the epoch.
            if math.isfinite(ratio):
                self.ratio_ = _MEMORY * self.ratio_ + (1 - _MEMORY) * ratio
        trained = (p for p in self.module_.parameters() if p.requires_grad)
        torch.nn.utils.clip_grad_norm_(trained, self.recipe.max_grad_norm)
        self.step_ += 1
        return {"loss": terms.total.detach(), "terms": terms, "outputs": outputs}

    def run_single_epoch(self, iterator, training, prefix, step_fn, **fit_params):
        """One pass; figures stay on the device until it ends."""
        if iterator is None:
            return
        if not training:
            loss, score = self.evaluate(iterator)
            self.history.record("valid_loss", loss)
            self.history.record("valid_score", score)
            return
        sums, counts = {}, {}
        for batch in iterator:
            if self.step_ == self.recipe.n_steps:
                # A bound on steps may cut the last epoch short.
                break
            self.notify("on_batch_begin", batch=batch, training=True)
            step = step_fn(batch)
            for name in ("total", *_TERMS):
                value = getattr(step["terms"], name)
                if value is not None:
                    sums[name] = sums.get(name, 0) + value.detach() * len(batch[0])
                    counts[name] = counts.get(name, 0) + len(batch[0])
            self.notify("on_batch_end", batch=batch, training=True, **step)
        self.check_finite("training loss", sums["total"])
        means = {name: (sums[name] / counts[name]).item() for name in sums}
        self.history.record("train_loss", means["total"])
        for name in _TERMS:
            self.history.record(f"{name}_loss", means.get(name))
        self.history.record("mix_fraction", step["outputs"].fraction)
        lr = max(group["lr"] for group in self.optimizer_.param_groups)
        self.history.record("lr", lr)

    def check_finite(self, what, values):
        """Raise `DivergenceError` if any of `values` is infinite or NaN."""
        if bool(values.isfinite().all()):
            return
        raise DivergenceError(
            f"The {what} is no longer finite in epoch {len(self.history)} with "
            f"lr={self.recipe.lr:g}. Try a lower lr, such as "
            f"lr={self.recipe.lr / 10:g}, or look for extreme values in X, y or "
            "sample_weight."
        )

    @torch.no_grad()
    def check_outputs(self, rows):
        """Check a batch of outputs: the last step of all shows in no loss."""
        self._set_training(False)
        x, _, _, offset = rows[: self.recipe.batch_size]
        outputs = self.module_.predict(x, offset, bfloat16=self.recipe.bfloat16)
        self.check_finite("output", outputs)

    def epochs(self):
        """The history as plain dicts, one an epoch."""
        return [
            {name: value for name, value in row.items() if name != "batches"}
            for row in self.history
        ]

    @torch.no_grad()
    def evaluate(self, iterator):
        """Mean loss and score over a whole set."""
        self._set_training(False)
        parts = []
        for x, y, weight, offset in iterator:
            outputs = self.module_.predict(x, offset, bfloat16=self.recipe.bfloat16)
            parts.append((outputs, y, weight))
        outputs, y, weight = (
            torch.cat(part).cpu() for part in zip(*parts, strict=True)
        )
        self.check_finite("output", outputs)
        losses = self.recipe.loss(outputs, y)
        loss = (weight * losses).sum() / weight.sum()
        score = self.scorer(outputs.numpy(), y.numpy(), weight.numpy())
        return loss.item(), float(score)
