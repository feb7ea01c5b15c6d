/** One handler a job kind. A handler returns its outcome; what it throws is a failure with that message. */
import type { JobContext } from "./context";
import { buildDatasetJob } from "./datasetBuild";
import { evaluateJob } from "./evaluate";
import { replayJob } from "./replay";
import { runPaperJob } from "./run";
import { trainJob } from "./train";
import { walkForwardJob } from "./walkForward";

export type JobOutcome =
  | { status: "succeeded"; resultId?: string }
  | { status: "failed"; error: { code: string; message: string } }
  | { status: "cancelled" };

export function runJob(context: JobContext): Promise<JobOutcome> {
  const { payload } = context.job;
  switch (payload.kind) {
    case "datasetBuild":
      return buildDatasetJob(context, payload);
    case "train":
      return trainJob(context, payload);
    case "evaluate":
      return evaluateJob(context, payload);
    case "run":
      return runPaperJob(context, payload);
    case "replay":
      return replayJob(context, payload);
    case "walkForward":
      return walkForwardJob(context, payload);
  }
}
