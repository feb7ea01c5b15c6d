import type { CoverageReport, SessionCalendar, Timeframe } from "../market/types";

/** A stored chunk that went into a dataset, addressed by the SHA-256 (hex) of its bytes. */
export interface SourceChunk {
  chunkStartMs: number;
  sha256: string;
}

/** A feed that a dataset holds: how many points, and the SHA-256 (hex) of their encoded bytes. */
export interface FeedManifest {
  feed: string;
  source: string;
  points: number;
  sha256: string;
  sourceChunks: SourceChunk[];
}

/**
 * What a dataset is: everything that decides its rows, and the hash of the rows themselves. It contains
 * nothing about when or where it was built, so building twice gives the same core.
 */
export interface DatasetManifestCore {
  formatVersion: 1;
  instrument: string;
  timeframe: Timeframe;
  /** Where the bars came from, as named at ingestion. */
  source: string;
  sourceTimeframe: Timeframe;
  calendar: SessionCalendar;
  /** Requested range of bar open times, [fromMs, toMs). */
  fromMs: number;
  toMs: number;
  /** First bar open time that indicators may have seen; their state starts there. */
  featuresFromMs: number;
  featureSetId: string;
  featureFingerprint: string;
  /** Bars fed before the first row could be used. */
  warmupBars: number;
  rows: number;
  /** Open times of the first and last row; the first is later than `fromMs` when history was short. */
  firstRowMs: number;
  lastRowMs: number;
  sourceChunks: SourceChunk[];
  /** The feeds that were at hand; not there when none was. */
  sideFeeds?: FeedManifest[];
  quality: CoverageReport;
  /** SHA-256 (hex) of the rows, see `datasetContentSha256`. */
  contentSha256: string;
}

/** The core with its address and the file that holds the rows. */
export interface DatasetManifest extends DatasetManifestCore {
  /** `datasetHash(core)`. */
  datasetHash: string;
  parquetSha256: string;
  parquetBytes: number;
}
