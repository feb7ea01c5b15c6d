import { defineSchema } from "convex/server";
import { accessTables } from "./access/schema";
import { agentTables } from "./agents/schema";
import { auditTables } from "./audit/schema";
import { costTables } from "./costs/schema";
import { datasetTables } from "./datasets/schema";
import { decisionTables } from "./decisions/schema";
import { driftTables } from "./drift/schema";
import { evaluationTables } from "./evaluations/schema";
import { executionTables } from "./execution/schema";
import { featureTables } from "./features/schema";
import { feedTables } from "./feeds/schema";
import { governanceTables } from "./governance/schema";
import { learningTables } from "./learning/schema";
import { marketTables } from "./market/schema";
import { opsTables } from "./ops/schema";
import { retentionTables } from "./retention/schema";
import { riskTables } from "./risk/schema";
import { runTables } from "./runs/schema";
import { searchTables } from "./searches/schema";
import { shadowTables } from "./shadows/schema";
import { walkForwardTables } from "./walkForwards/schema";

/** Each domain owns its tables; this file only gathers them. */
export default defineSchema({
  ...accessTables,
  ...agentTables,
  ...auditTables,
  ...costTables,
  ...datasetTables,
  ...decisionTables,
  ...driftTables,
  ...evaluationTables,
  ...executionTables,
  ...featureTables,
  ...feedTables,
  ...governanceTables,
  ...learningTables,
  ...marketTables,
  ...opsTables,
  ...retentionTables,
  ...riskTables,
  ...runTables,
  ...searchTables,
  ...shadowTables,
  ...walkForwardTables,
});
