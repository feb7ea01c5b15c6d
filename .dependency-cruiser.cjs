/**
 * Who may import whom (docs/architecture.md). Run by `npm run arch`, which projects the TypeScript sources
 * to JavaScript first (tests/arch/layers.ts says why). Each rule has a fixture in tests/arch/fixtures that
 * must be refused. Rules that need more than an import (a directive, a call) are in tests/arch/rules.
 */
const TEST = "[.](test|spec|fixture)[.]js$";
const PACKAGE = "(^|node_modules/)";
const product = { path: "^(lib|convex|rl-worker|app|components|local)/", pathNot: [TEST, "[.]config[.]js$"] };

/** @type {import("dependency-cruiser").IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: "lib-imports-only-lib",
      comment: "lib is the pure core: it runs the same in a browser, in Convex and in the worker.",
      severity: "error",
      from: { path: "^lib/", pathNot: TEST },
      to: { pathNot: ["^lib/", `${PACKAGE}@noble/hashes(/|$)`] },
    },
    {
      name: "convex-knows-no-client",
      comment:
        "The control plane is deployed alone: lib, its own sources, the Convex packages, and node in actions.",
      severity: "error",
      from: { path: "^convex/", pathNot: [TEST, "^convex/_generated/"] },
      to: {
        pathNot: [
          "^lib/",
          "^convex/",
          `${PACKAGE}convex(-helpers)?(/|$)`,
          `${PACKAGE}@convex-dev/`,
          `${PACKAGE}ccxt(/|$)`,
        ],
        dependencyTypesNot: ["core"],
      },
    },
    {
      name: "convex-domains-meet-in-models",
      comment:
        "A domain reaches another through its model.ts (and the validators of its schema.ts), never through its functions.",
      severity: "error",
      from: { path: "^convex/([^/]+)/", pathNot: [TEST, "^convex/_generated/"] },
      to: {
        path: "^convex/[^/]+/",
        pathNot: ["^convex/$1/", "^convex/_generated/", "/(model|schema)[.]js$"],
      },
    },
    {
      name: "ccxt-in-one-file",
      comment: "One hardened client talks to the exchange.",
      severity: "error",
      from: {
        path: "^(lib|convex|rl-worker|app|components|local)/",
        pathNot: [TEST, "^convex/market/bingxClient[.]js$"],
      },
      to: { path: `${PACKAGE}ccxt(/|$)` },
    },
    {
      name: "worker-calls-only-the-api",
      comment:
        "The worker could run on another machine: it knows lib and the generated API, no control-plane source.",
      severity: "error",
      from: { path: "^rl-worker/", pathNot: TEST },
      to: { path: "^(convex|app|components|local)/", pathNot: "^convex/_generated/" },
    },
    {
      name: "console-calls-only-the-api",
      comment: "The console holds no truth: it knows lib and the generated API.",
      severity: "error",
      from: { path: "^(app|components)/", pathNot: TEST },
      to: { path: "^(convex|rl-worker|local)/", pathNot: "^convex/_generated/" },
    },
    {
      name: "backend-knows-no-application",
      comment:
        "The embedded backend runs any convex folder: modules are injected, nothing of the desk is imported.",
      severity: "error",
      from: { path: "^local/backend/", pathNot: TEST },
      to: { path: "^(lib|convex|rl-worker|app|components|local)/", pathNot: "^local/backend/" },
    },
    {
      name: "exchange-stands-alone",
      comment: "The simulated exchange knows lib and itself; the desk meets it over HTTP only.",
      severity: "error",
      from: { path: "^local/exchange/", pathNot: TEST },
      to: { path: "^(convex|rl-worker|app|components|local)/", pathNot: "^local/exchange/" },
    },
    {
      name: "launcher-only-launches",
      comment:
        "local/up.ts and local/desk start the parts; of the worker they know its settings, its identity and desk.json.",
      severity: "error",
      from: { path: "^local/(up[.]js$|desk/)", pathNot: TEST },
      to: {
        path: "^(convex|rl-worker|app|components)/",
        pathNot: ["^convex/_generated/", "^rl-worker/(config|deskFile|transport/identity)[.]js$"],
      },
    },
    {
      name: "product-imports-no-test",
      comment: "Test doubles and fixtures stay out of what runs.",
      severity: "error",
      from: product,
      to: { path: ["^(tests|bench)/", TEST] },
    },
    {
      name: "product-imports-no-dev-package",
      comment: "What runs is in dependencies, so `npm ci --omit=dev` runs it.",
      severity: "error",
      // buildKernel compiles the committed WASM kernel; nothing that runs imports it.
      from: { ...product, pathNot: [...product.pathNot, "^rl-worker/policy/buildKernel[.]js$"] },
      to: { dependencyTypes: ["npm-dev"], dependencyTypesNot: ["npm", "exotic-require"] },
    },
    {
      name: "imports-resolve",
      comment: "An import that resolves to nothing escapes every other rule.",
      severity: "error",
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: "no-import-cycles",
      comment:
        "Files that need each other at run time start in an order nobody chose (reported once, at one of them). Type-only edges may cycle.",
      severity: "error",
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ["exotic-require"] } },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    exoticRequireStrings: ["typeOnly"],
    moduleSystems: ["es6", "cjs"],
  },
};
