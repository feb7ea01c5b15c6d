import type { Backend } from "../backend";
import type { Histogram } from "./histogram";

type Kind = "counter" | "gauge";

/** Collects the lines of the Prometheus text format. */
class Page {
  readonly lines: string[] = [];

  family(name: string, kind: Kind | "histogram", help: string): void {
    this.lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${kind}`);
  }

  number(name: string, kind: Kind, help: string, value: number): void {
    this.family(name, kind, help);
    this.lines.push(`${name} ${value}`);
  }

  histogram(name: string, { bounds, counts, sum, count }: Histogram, labels = ""): void {
    let below = 0;
    bounds.forEach((bound, i) => {
      below += counts[i]!;
      this.lines.push(`${name}_bucket{${labels}le="${bound}"} ${below}`);
    });
    this.lines.push(`${name}_bucket{${labels}le="+Inf"} ${count}`);
    const bare = labels === "" ? "" : `{${labels.replace(/,$/, "")}}`;
    this.lines.push(`${name}_sum${bare} ${sum}`, `${name}_count${bare} ${count}`);
  }
}

/** What `/metrics` answers, in Prometheus' text format. Counters start at 0 with the process. */
export async function metricsText(backend: Backend): Promise<string> {
  const { committer, queries, runner, sessions, disk } = backend;
  const page = new Page();
  page.number("backend_commits_total", "counter", "Durable writes.", committer.stats.batchSizes.count);
  page.number("backend_mutations_total", "counter", "Committed mutations.", committer.stats.batchSizes.sum);
  page.family("backend_commit_batch_mutations", "histogram", "Mutations that shared one durable write.");
  page.histogram("backend_commit_batch_mutations", committer.stats.batchSizes);
  page.family("backend_fsync_seconds", "histogram", "Duration of a durable write.");
  page.histogram("backend_fsync_seconds", committer.stats.writeSeconds);
  page.number("backend_commit_queue", "gauge", "Mutations that wait for their turn.", committer.queueLength);
  page.family("backend_function_seconds", "histogram", "Duration of functions by kind and outcome.");
  for (const [labels, histogram] of runner.durations)
    page.histogram("backend_function_seconds", histogram, labels);
  page.number("backend_query_runs_total", "counter", "Watched queries that were run.", queries.stats.runs);
  page.number(
    "backend_query_hits_total",
    "counter",
    "Watched queries answered with a shared result.",
    queries.stats.hits,
  );
  page.number(
    "backend_query_invalidations_total",
    "counter",
    "Results that a commit made stale.",
    queries.stats.invalidations,
  );
  page.number("backend_sessions", "gauge", "Connected sync clients.", sessions.size);
  let [subscriptions, unread] = [0, 0];
  for (const session of sessions) {
    subscriptions += session.subscriptions;
    unread += session.unreadBytes;
  }
  page.number("backend_subscriptions", "gauge", "Queries that clients watch.", subscriptions);
  page.number("backend_unread_bytes", "gauge", "Bytes sent to sync clients and not taken yet.", unread);
  page.number(
    "backend_clients_dropped_total",
    "counter",
    "Sync clients dropped because they did not read.",
    backend.droppedClients,
  );
  const used = await disk.usedBytes();
  page.number("backend_store_bytes", "gauge", "Bytes of the store on disk.", used.store);
  page.number("backend_files_bytes", "gauge", "Bytes of uploaded files.", used.files);
  page.number(
    "backend_disk_free_bytes",
    "gauge",
    "Bytes that the disk can still take.",
    await disk.freeBytes(),
  );
  const memory = process.memoryUsage();
  page.number("process_resident_memory_bytes", "gauge", "Resident memory.", memory.rss);
  page.number("nodejs_heap_used_bytes", "gauge", "Used JavaScript heap.", memory.heapUsed);
  page.number("nodejs_external_memory_bytes", "gauge", "Memory of buffers.", memory.external);
  return `${page.lines.join("\n")}\n`;
}
