import { join, resolve as resolvePath } from "node:path";
import { Environment } from "./admin/environment";
import { Exports } from "./admin/exports";
import { FunctionLog } from "./admin/functionLog";
import { Imports } from "./admin/imports";
import { systemFunctions } from "./admin/systemFunctions";
import { Authenticator } from "./auth/auth";
import { TokenSigner } from "./auth/signing";
import { applySchema } from "./catalog/applySchema";
import { CATALOG_KEY, Catalog } from "./catalog/catalog";
import { checkFormat } from "./catalog/format";
import { Committer } from "./committer/committer";
import { DefinitionLoader } from "./components/definitions";
import { Components } from "./components/instances";
import { FileStorage } from "./files/fileStorage";
import { PinnedSnapshots } from "./http/pinnedSnapshots";
import { bundleFolder, evaluateFolder } from "./loader/modules";
import type { Log } from "./log";
import { DiskWatch } from "./operation/health";
import { type Ports, systemPorts } from "./ports";
import { runCall } from "./runtime/callContext";
import { createDefaultRuntime, installNodeRuntime } from "./runtime/globals";
import { Runner } from "./runtime/runner";
import { Crons } from "./scheduler/crons";
import { Maintenance } from "./scheduler/maintenance";
import { Scheduler } from "./scheduler/scheduler";
import type { Disk } from "./store/disk";
import { folderDisk } from "./store/folderDisk";
import { OperatorError, type Store } from "./store/store";
import { QueryCache } from "./subscriptions/queryCache";
import type { SyncSession } from "./sync/session";
import { Transaction } from "./transaction/transaction";

export interface BackendOptions {
  functionsDir: string;
  dataDir: string;
  adminKey: string | null;
  environment: Record<string, string>;
  log: Log;
  ports?: Ports;
  /** Where store and files live; the data folder by default. */
  disk?: Disk;
  /** Computing after which a query or mutation fails, ms; 1000 by default. */
  computeLimitMs?: number;
  /** Addresses under which clients reach the two servers. */
  urls: { cloud: string; site: string };
  /** Told when a durable write failed; the process must end. */
  onFatal(error: unknown): void;
}

/** Convex's limit on what a query or mutation computes. */
const COMPUTE_LIMIT_MS = 1000;
/** Everything one running backend consists of; the servers in http/ and sync/ stand in front of it. */
export class Backend {
  readonly ports: Ports;
  readonly log: Log;
  readonly urls: { cloud: string; site: string };
  readonly catalog: Catalog;
  readonly committer: Committer;
  readonly environment: Environment;
  readonly functionLog: FunctionLog;
  readonly runner: Runner;
  readonly queries: QueryCache;
  readonly files: FileStorage;
  readonly exports: Exports;
  readonly imports: Imports;
  readonly auth: Authenticator;
  readonly signer: TokenSigner;
  readonly pinned: PinnedSnapshots;
  readonly scheduler: Scheduler;
  private crons: Crons[] = [];
  private readonly maintenance: Maintenance;
  private readonly diskWatch = new DiskWatch(this);
  /** Connected sync clients. */
  readonly sessions = new Set<SyncSession>();
  /** Sync clients that were let go because they did not read. */
  droppedClients = 0;
  /** The app and its components; there once the functions are loaded. */
  components!: Components;

  private constructor(
    readonly store: Store,
    readonly disk: Disk,
    private readonly options: BackendOptions,
  ) {
    this.ports = options.ports ?? systemPorts;
    this.log = options.log;
    this.urls = options.urls;
    this.catalog = new Catalog(store.get(CATALOG_KEY));
    this.committer = new Committer(store, this.catalog, this.ports, options.onFatal);
    this.environment = new Environment(store, this.committer);
    this.functionLog = new FunctionLog(this.ports);
    this.runner = new Runner(this, options.computeLimitMs ?? COMPUTE_LIMIT_MS);
    this.queries = new QueryCache(this.committer);
    this.files = new FileStorage(this, disk.files);
    this.exports = new Exports(this, join(options.dataDir, "exports"));
    this.imports = new Imports(this, join(options.dataDir, "imports"));
    this.auth = new Authenticator(options.adminKey, this.ports);
    this.signer = new TokenSigner(store, this.committer, this.ports);
    this.pinned = new PinnedSnapshots(this.committer, this.ports);
    this.scheduler = new Scheduler(this);
    this.maintenance = new Maintenance(this);
  }

  /**
   * Opens the store, loads the functions folder, brings schema and indexes up to date and starts background work.
   * Throws OperatorError with one sentence for the operator.
   */
  static async open(given: BackendOptions): Promise<Backend> {
    const options = {
      ...given,
      dataDir: resolvePath(given.dataDir),
      functionsDir: resolvePath(given.functionsDir),
    };
    const disk = options.disk ?? folderDisk(options.dataDir);
    const store = await disk.openStore();
    try {
      const backend = new Backend(store, disk, options);
      await backend.start();
      return backend;
    } catch (error) {
      await store.close();
      throw error;
    }
  }

  private async start(): Promise<void> {
    const { options } = this;
    await this.disk.files.open();
    await checkFormat(this.store, this.catalog, this.disk, options.dataDir);
    if (Object.keys(options.environment).length > 0) {
      await this.environment.update(options.environment).catch((error: Error) => {
        throw new OperatorError(error.message);
      });
    }
    this.environment.provide({ CONVEX_CLOUD_URL: this.urls.cloud, CONVEX_SITE_URL: this.urls.site });
    installNodeRuntime();
    await this.files.open();
    await this.exports.open();
    await this.imports.open();
    await this.signer.open();
    const definitionContext = createDefaultRuntime({}, this.ports);
    const definition = await new DefinitionLoader(options.functionsDir, definitionContext).app();
    this.components = new Components(definition, this.catalog, this.environment.values);
    await this.loadFunctions(join(options.dataDir, "bundle"));
    this.committer.reopen();
    const snapshot = this.committer.snapshot();
    await this.files
      .sweep(new Transaction(snapshot, this.catalog, [], null, null))
      .finally(() => snapshot.release());
    await this.scheduler.start();
    for (const component of this.components.all()) this.crons.push(new Crons(this, component));
    for (const crons of this.crons) await crons.start();
    this.maintenance.start();
    this.imports.start();
    this.diskWatch.start();
    const instances = [...this.components.all()];
    this.log("info", "backend.loaded", {
      functions: instances.reduce((count, { functions }) => count + functions.size, 0),
      components: instances.length - 1,
      tables: this.catalog.tables().length,
    });
  }

  /** One bundle for each definition, one context and one schema step for each instance. */
  private async loadFunctions(bundleDir: string): Promise<void> {
    const instances = [...this.components.all()];
    const definitions = [...new Set(instances.map(({ definition }) => definition))];
    const { definition: app } = this.components.app;
    const bundled = await Promise.all(
      definitions.map((definition) =>
        bundleFolder(definition.directory, definition === app ? bundleDir : null),
      ),
    );
    for (const component of instances) {
      const { definition, environment, namespace } = component;
      const bundle = bundled[definitions.indexOf(definition)]!;
      const root = this.runner.createRoot({ caller: { admin: true, attributes: null } });
      const loading = this.runner.createState(root, component, "action", "(loading)", null);
      const context = createDefaultRuntime(environment, this.ports);
      const folder = await runCall(loading, () => evaluateFolder(bundle, context, component));
      await applySchema(this.store, this.catalog, namespace, folder.schema);
      component.functions = new Map([...folder.functions, ...systemFunctions(component)]);
      component.http = folder.http;
      component.crons = folder.crons;
      if (component.isApp) this.auth.configure(folder.authProviders);
    }
  }

  /** Stops background work, waits for queued commits and closes the store. */
  async close(): Promise<void> {
    this.maintenance.stop();
    this.diskWatch.stop();
    for (const crons of this.crons) crons.stop();
    await this.scheduler.stop();
    this.pinned.close();
    await this.committer.close();
    await this.store.close();
  }
}
