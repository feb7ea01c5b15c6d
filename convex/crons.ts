import { cronJobs } from "convex/server";
import { INSTRUMENTS } from "../lib/market/instruments";
import { internal } from "./_generated/api";

const crons = cronJobs();

crons.interval("server clock and expired leases", { seconds: 10 }, internal.ops.internal.tick, {});
crons.interval("retention", { hours: 1 }, internal.retention.internal.tick, {});
crons.interval("learning cycles", { minutes: 1 }, internal.learning.internal.tick, {});
for (const { symbol } of INSTRUMENTS) {
  crons.interval(
    `closed bars of ${symbol} from the exchange`,
    { minutes: 1 },
    internal.market.bingxActions.ingestLatest,
    { instrument: symbol, timeframe: "1m" },
  );
  crons.interval(
    `funding, basis and open interest of ${symbol} from the exchange`,
    { minutes: 1 },
    internal.market.bingxFeedActions.pollFeeds,
    { instrument: symbol },
  );
}
crons.interval("instrument rules from the exchange", { hours: 6 }, internal.market.internal.syncRules, {});

export default crons;
