import type { JobContext } from "./context";
import type { JobOutcome } from "./handlers";
import { buildSnapshot, type SnapshotRequest } from "./snapshot";

export async function buildDatasetJob(context: JobContext, request: SnapshotRequest): Promise<JobOutcome> {
  try {
    const { datasetId } = await buildSnapshot(context, request);
    return { status: "succeeded", resultId: datasetId };
  } catch (error) {
    // An abort is what the signal asked for; everything else is a failure with its own message.
    if (context.cancel.aborted) return { status: "cancelled" };
    throw error;
  }
}
