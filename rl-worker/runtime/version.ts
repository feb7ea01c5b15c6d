/** Named in every decision's provenance; changes when the worker's behaviour does. */
export const WORKER_VERSION = "assay-worker/0.1.0";
