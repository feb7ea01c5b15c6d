import { bytesToFloat32, float32ToBytes } from "../core/bytes";
import { canonicalJson } from "../core/canonicalJson";
import { err, ok, type Result } from "../core/result";
import { checkWeights, type LayerShape, networkLayers } from "./network";
import type { EncoderSpec, NetworkSpec } from "./types";

/**
 * The tfjs LayersModel format: `model.json` (functional topology and weight manifest) and `weights.bin`
 * (float32, little endian), which any tfjs program opens with `tf.loadLayersModel`.
 * Input `observation`; outputs `policy_logits` and `value`, in this order.
 */
export const MODEL_FILE = "model.json";
export const WEIGHTS_FILE = "weights.bin";

interface WeightEntry {
  name: string;
  shape: number[];
  dtype: "float32";
}

/** Both files for a network. @throws PolicyError when the network or the weights are not valid. */
export function toLayersModel(spec: NetworkSpec, weights: Float32Array): Map<string, Uint8Array> {
  checkWeights(spec, weights);
  return new Map([
    [MODEL_FILE, new TextEncoder().encode(canonicalJson(modelJson(spec)))],
    // `weights` is already in manifest order: per layer the kernel, then the bias.
    [WEIGHTS_FILE, float32ToBytes(weights)],
  ]);
}

/**
 * Reads back exactly what `toLayersModel` writes; the error says what differs. A foreign topology is
 * refused, because its forward pass would not be ours.
 */
export function fromLayersModel(
  files: ReadonlyMap<string, Uint8Array>,
): Result<{ spec: NetworkSpec; weights: Float32Array }> {
  const modelBytes = files.get(MODEL_FILE);
  const weightBytes = files.get(WEIGHTS_FILE);
  if (!modelBytes || !weightBytes) return err(`${MODEL_FILE} and ${WEIGHTS_FILE} are both needed`);
  try {
    const text = new TextDecoder().decode(modelBytes);
    const parsed = JSON.parse(text) as ReturnType<typeof modelJson>;
    const spec = specOf(parsed.weightsManifest[0]!.weights, parsed.userDefinedMetadata?.encoder);
    if (canonicalJson(modelJson(spec)) !== canonicalJson(parsed)) {
      return err(`${MODEL_FILE} is not a tanh network with a policy_logits and a value head`);
    }
    const weights = bytesToFloat32(weightBytes);
    checkWeights(spec, weights);
    return ok({ spec, weights });
  } catch (error) {
    return err(`the model files cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function specOf(entries: WeightEntry[], encoder: EncoderSpec | undefined): NetworkSpec {
  const kernels = entries.filter((entry) => entry.name.endsWith("/kernel"));
  const policyAt = kernels.findIndex((entry) => entry.name === "policy_logits/kernel");
  const isSeparate = kernels.length > policyAt + 2;
  return {
    observationSize: kernels[0]!.shape[0]!,
    // An encoder and its fusion come before the hidden layers.
    hiddenSizes: kernels.slice(encoder ? 2 : 0, policyAt).map((entry) => entry.shape[1]!),
    actionCount: kernels[policyAt]!.shape[1]!,
    activation: "tanh",
    ...(isSeparate ? { trunk: "separate" as const } : {}),
    ...(encoder ? { encoder } : {}),
  };
}

function modelJson(spec: NetworkSpec) {
  const shapes = networkLayers(spec);
  const input = {
    name: "observation",
    class_name: "InputLayer",
    config: {
      name: "observation",
      batch_input_shape: [null, spec.observationSize],
      dtype: "float32",
      sparse: false,
    },
    inbound_nodes: [] as unknown[],
  };
  const dense = shapes.map(denseLayer);
  const weights = shapes.flatMap(({ name, inputs, outputs }): WeightEntry[] => [
    { name: `${name}/kernel`, shape: [inputs, outputs], dtype: "float32" },
    { name: `${name}/bias`, shape: [outputs], dtype: "float32" },
  ]);
  return {
    format: "layers-model",
    generatedBy: "assay",
    convertedBy: null,
    modelTopology: {
      class_name: "Model",
      config: {
        name: "policy",
        layers: [input, ...dense],
        input_layers: [["observation", 0, 0]],
        output_layers: [
          ["policy_logits", 0, 0],
          ["value", 0, 0],
        ],
      },
      keras_version: "tfjs-layers 4.22.0",
      backend: "tensor_flow.js",
    },
    weightsManifest: [{ paths: [WEIGHTS_FILE], weights }],
    // To tfjs an encoder is a dense layer that happens to hold zeros; which, and why, stands here.
    ...(spec.encoder ? { userDefinedMetadata: { encoder: spec.encoder } } : {}),
  };
}

function denseLayer({ name, from, outputs, activation }: LayerShape) {
  return {
    name,
    class_name: "Dense",
    config: { name, trainable: true, dtype: "float32", units: outputs, activation, use_bias: true },
    inbound_nodes: [[[from, 0, 0, {}]]],
  };
}
