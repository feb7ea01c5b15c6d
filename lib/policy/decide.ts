import { PolicyError } from "./errors";
import { exp } from "./exp";
import { DenseNetwork } from "./kernel/denseNetwork";
import type { NetworkSpec, PolicyOutput } from "./types";

export interface Policy {
  readonly spec: NetworkSpec;
  /**
   * One decision from one observation of length `spec.observationSize`. Same bits on every machine.
   * @throws PolicyError OBSERVATION_SIZE_MISMATCH, OBSERVATION_NOT_FINITE or OUTPUT_NOT_FINITE.
   */
  decide(observation: Float32Array): PolicyOutput;
}

/**
 * A policy ready to decide, with its own copy of the weights (order: see `networkLayers`).
 * @throws PolicyError when the network or the weights are not valid.
 */
export function createPolicy(spec: NetworkSpec, weights: Float32Array): Policy {
  const network = new DenseNetwork(spec, { maxRows: 1, training: false });
  network.setWeights(weights);
  const { observationSize, actionCount } = spec;

  function decide(observation: Float32Array): PolicyOutput {
    if (observation.length !== observationSize) {
      throw new PolicyError(
        "OBSERVATION_SIZE_MISMATCH",
        `observation: the policy reads ${observationSize} fields, got ${observation.length}`,
      );
    }
    for (let i = 0; i < observationSize; i++) {
      if (!Number.isFinite(observation[i])) {
        throw new PolicyError("OBSERVATION_NOT_FINITE", `observation[${i}] is ${observation[i]}; hold`);
      }
    }
    network.observations.set(observation);
    network.forward(1);
    const logits = network.outputs.slice(0, actionCount);
    const value = network.outputs[network.valueColumn]!;
    if (!Number.isFinite(value) || !logits.every(Number.isFinite)) {
      throw new PolicyError("OUTPUT_NOT_FINITE", "the policy's output is not finite; hold and quarantine it");
    }
    const probabilities = softmax(logits);
    return { logits, probabilities, value, action: argmax(probabilities) };
  }

  return { spec, decide };
}

/** Softmax in double precision, rounded to single once per probability. */
export function softmax(logits: Float32Array): Float32Array {
  let largest = Number.NEGATIVE_INFINITY;
  for (const logit of logits) largest = Math.max(largest, logit);
  const weights = Float64Array.from(logits, (logit) => exp(logit - largest));
  const sum = weights.reduce((total, w) => total + w, 0);
  return Float32Array.from(weights, (w) => w / sum);
}

/** Index of the largest value; ties go to the lower index. */
export function argmax(values: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i]! > values[best]!) best = i;
  return best;
}
