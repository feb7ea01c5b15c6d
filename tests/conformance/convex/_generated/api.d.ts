/* eslint-disable */
/**
 * Generated `api` utility.
 *
 * THIS CODE IS AUTOMATICALLY GENERATED.
 *
 * To regenerate, run `npx convex dev`.
 * @module
 */

import type {
  ApiFromModules,
  FilterApi,
  FunctionReference,
} from "convex/server";
import type * as accounts from "../accounts.js";
import type * as builders from "../builders.js";
import type * as calls from "../calls.js";
import type * as crons from "../crons.js";
import type * as environment from "../environment.js";
import type * as files from "../files.js";
import type * as http from "../http.js";
import type * as jobs from "../jobs.js";
import type * as limits from "../limits.js";
import type * as rows from "../rows.js";
import type * as search from "../search.js";
import type * as watch from "../watch.js";

/**
 * A utility for referencing Convex functions in your app's API.
 *
 * Usage:
 * ```js
 * const myFunctionReference = api.myModule.myFunction;
 * ```
 */
declare const fullApi: ApiFromModules<{
  accounts: typeof accounts;
  builders: typeof builders;
  calls: typeof calls;
  crons: typeof crons;
  environment: typeof environment;
  files: typeof files;
  http: typeof http;
  jobs: typeof jobs;
  limits: typeof limits;
  rows: typeof rows;
  search: typeof search;
  watch: typeof watch;
}>;
export declare const api: FilterApi<
  typeof fullApi,
  FunctionReference<any, "public">
>;
export declare const internal: FilterApi<
  typeof fullApi,
  FunctionReference<any, "internal">
>;
