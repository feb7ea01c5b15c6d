import { cronJobs } from "convex/server";
import { internal } from "./_generated/api";

const crons = cronJobs();

crons.interval("server clock and expired leases", { seconds: 10 }, internal.ops.internal.tick, {});
crons.interval(
  "closed bars of XAUT-USDT from the exchange",
  { minutes: 1 },
  internal.market.bingxActions.ingestLatest,
  {
    instrument: "XAUT-USDT",
    timeframe: "1m",
  },
);
crons.interval(
  "instrument rules from the exchange",
  { hours: 6 },
  internal.market.bingxActions.syncContracts,
  {},
);

export default crons;
