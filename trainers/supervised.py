"""The supervised stage: imitate worked responses."""

from __future__ import annotations

import math

from lpo.recipe.stages import DftStage
from trainers.data import MixedOrder
from trainers.evaluation import evaluate, evaluate_start
from trainers.learner_batch import LossSettings
from trainers.run import Run, StepClock
from trainers.schedule import learning_rate
from trainers.training_batch import supervised_batch


def train_supervised(run: Run, stage: DftStage) -> None:
    """From ``run.state.step`` to the stage's last step, or to the evaluation that reaches ``target_accuracy``."""
    if run.state.step == 0:
        evaluate_start(run, stage)
    sets, weights = [each.pairs for each in run.worked], [each.weight for each in run.worked]
    order = run.follow(MixedOrder(sets, weights, run.order_seed))
    loss = LossSettings(objective=None)
    while run.state.step < stage.steps:
        clock = StepClock()
        samples = supervised_batch([(prompt.token_ids, ids) for prompt, ids in order.take(stage.batch_size)])
        with clock("learn"):
            statistics = run.learner.step(samples, loss, learning_rate(stage.optimizer, run.state.step, stage.steps))
        run.state.advance(int(statistics.tokens))
        metrics = {
            "policy/loss": float(statistics.loss),
            "policy/perplexity": math.exp(min(50.0, float(statistics.loss))),
            "policy/entropy": statistics.entropy,
            "policy/grad_norm": statistics.grad_norm,
            "policy/learning_rate": learning_rate(stage.optimizer, run.state.step - 1, stage.steps),
            "pad/fraction": statistics.pad_fraction,
        }
        last = run.state.step == stage.steps
        if last or (stage.evaluation.every and run.state.step % stage.evaluation.every == 0):
            run.publish(clock)
            metrics |= evaluate(run, stage, clock)
            metrics["weights/version"] = float(run.state.version)
            reached = stage.target_accuracy is not None and metrics["eval/accuracy"] >= stage.target_accuracy
            last = last or reached
            run.keep_best(metrics)
        times = clock.metrics()
        run.log(stage.name, metrics | times | {"rate/tokens_per_s": float(statistics.tokens) / times["time/step"]})
        run.end_step(stage.name, last=last)
        if last:
            return
