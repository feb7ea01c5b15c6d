/** Bounds that both sides of a call agree on. Units are in the names. */
export const LIMITS = {
  /** Candle chunks in one append mutation; 16 chunks of 1,440 bars stay well under 1 MiB each. */
  chunksPerAppend: 16,
  /** Candle chunks in one read page. */
  chunksPerPage: 128,
  /** Spans of feed points that one append writes. */
  feedChunksPerAppend: 32,
  feedPointsPerAppend: 2_000,
  /** Posted events: how many in one call, how long their texts, how far their times may lie ahead of the desk's clock. */
  eventsPerCall: 100,
  eventTitleChars: 300,
  eventTextChars: 8_000,
  eventUrlChars: 1_000,
  eventAheadMs: 300_000,
  eventBodyBytes: 1_000_000,
  candlesPerView: 5_000,
  gapsPerCall: 500,
  rejectsStored: 100,
  tradesPerPart: 500,
  returnsPerPart: 32_000,
  trainingPointsPerView: 1_000,
  equityPointsPerPart: 200,
  pageSize: 100,
  leaseTtlMs: 30_000,
  leaseRenewMs: 10_000,
  /** A worker whose heartbeat is older than this is shown as lost. */
  workerStaleMs: 45_000,
  signInLinkTtlMs: 15 * 60_000,
  reasonChars: 500,
  nameChars: 80,
  /** Where the numbers of a cost model come from, in words. */
  basisChars: 2_000,
  runsPerFit: 20,
  /** Newest fills of one run that a cost fit reads. */
  fillsPerFit: 400,
  trainingStepsMax: 50_000_000,
  hyperparametersMax: 40,
  walkForwardSeedsMax: 10,
  walkForwardFoldsMax: 12,
  costMultipliersMax: 3,
  /** Rows that one transaction of the retention sweep settles. */
  rowsPerSweep: 200,
  /** Walk-forwards that one overfitting matrix compares. */
  configurationsCompared: 100,
} as const;
