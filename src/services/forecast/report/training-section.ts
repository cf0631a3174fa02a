/** How the training went: losses, rates, gradients. */
import type { Section } from "../../../report/index.ts";
import type { TrainingView } from "../train.ts";
import { figure } from "./words.ts";

export function training({ output, input, log }: TrainingView): Section {
  const epochs = output.history.map(({ epoch }) => epoch);
  const column = (name: "trainLoss" | "validationLoss") => output.history.map((record) => record[name]);
  const steps = log.map(({ step }) => step);
  const kept = log.findLast(({ epoch }) => epoch === output.bestEpoch);
  const loss = { label: "Loss", unit: input.target === "direction" ? "nats" : "normalised" };
  const byStep = {
    x: { label: "Step", kind: "whole" as const, include: [1] },
    marks: kept ? [{ x: kept.step, label: "kept" }] : [],
  };
  return {
    title: "Training",
    blocks: [
      {
        kind: "paragraph",
        text: `${output.samples.train.toLocaleString("en")} samples to learn from, ${output.samples.validation.toLocaleString("en")} to stop by. ${output.epochs} of at most ${input.epochs} epoch${input.epochs === 1 ? "" : "s"}; epoch ${output.bestEpoch} was kept, which had the smallest validation loss.`,
      },
      figure({
        kind: "line",
        title: "Loss by epoch",
        description:
          "The validation part is later in time than the training part; the epoch with its smallest loss is kept. Validation that rises while training falls is overfitting.",
        x: { label: "Epoch", kind: "whole", include: [1] },
        y: loss,
        series: [
          { label: "training", x: epochs, y: column("trainLoss") },
          { label: "validation", x: epochs, y: column("validationLoss"), line: "dashed" },
        ],
        marks: [{ x: output.bestEpoch, label: "kept" }],
      }),
      figure({
        ...byStep,
        kind: "line",
        title: "Loss by step",
        description:
          "Mean over some steps, a tenth of an epoch each, while the parameters moved; it should fall, and may be noisy.",
        y: loss,
        series: [{ label: "training", x: steps, y: log.map(({ loss }) => loss) }],
      }),
      figure({
        ...byStep,
        kind: "line",
        title: "Learning rate by step",
        description: "It rises to its highest value, then falls along half a cosine.",
        y: { label: "Learning rate", unit: "per step", include: [0] },
        series: [{ label: "learning rate", x: steps, y: log.map(({ learningRate }) => learningRate) }],
      }),
      figure({
        ...byStep,
        kind: "line",
        title: "Length of the gradient by step",
        description: `Mean before it is cut at ${input.clipNorm}; a sudden rise is where a training begins to go wrong.`,
        y: { label: "Length of the gradient", unit: "Euclidean norm, log scale", kind: "log" },
        series: [{ label: "gradient", x: steps, y: log.map(({ gradientNorm }) => gradientNorm) }],
      }),
    ],
  };
}
