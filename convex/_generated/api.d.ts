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
import type * as access_console from "../access/console.js";
import type * as access_model from "../access/model.js";
import type * as access_roles from "../access/roles.js";
import type * as access_worker from "../access/worker.js";
import type * as agents_console from "../agents/console.js";
import type * as agents_ledger from "../agents/ledger.js";
import type * as agents_manifest from "../agents/manifest.js";
import type * as agents_model from "../agents/model.js";
import type * as agents_names from "../agents/names.js";
import type * as agents_recipe from "../agents/recipe.js";
import type * as agents_trainable from "../agents/trainable.js";
import type * as agents_worker from "../agents/worker.js";
import type * as audit_console from "../audit/console.js";
import type * as audit_model from "../audit/model.js";
import type * as builders from "../builders.js";
import type * as costs_console from "../costs/console.js";
import type * as costs_fit from "../costs/fit.js";
import type * as costs_model from "../costs/model.js";
import type * as costs_worker from "../costs/worker.js";
import type * as crons from "../crons.js";
import type * as datasets_console from "../datasets/console.js";
import type * as datasets_model from "../datasets/model.js";
import type * as datasets_worker from "../datasets/worker.js";
import type * as decisions_console from "../decisions/console.js";
import type * as decisions_model from "../decisions/model.js";
import type * as decisions_worker from "../decisions/worker.js";
import type * as drift_console from "../drift/console.js";
import type * as drift_ledger from "../drift/ledger.js";
import type * as drift_model from "../drift/model.js";
import type * as drift_worker from "../drift/worker.js";
import type * as evaluations_console from "../evaluations/console.js";
import type * as evaluations_model from "../evaluations/model.js";
import type * as evaluations_trials from "../evaluations/trials.js";
import type * as evaluations_worker from "../evaluations/worker.js";
import type * as execution_console from "../execution/console.js";
import type * as execution_ledger from "../execution/ledger.js";
import type * as execution_model from "../execution/model.js";
import type * as execution_worker from "../execution/worker.js";
import type * as features_model from "../features/model.js";
import type * as feeds_api from "../feeds/api.js";
import type * as feeds_console from "../feeds/console.js";
import type * as feeds_http from "../feeds/http.js";
import type * as feeds_internal from "../feeds/internal.js";
import type * as feeds_ledger from "../feeds/ledger.js";
import type * as feeds_model from "../feeds/model.js";
import type * as feeds_worker from "../feeds/worker.js";
import type * as governance_console from "../governance/console.js";
import type * as governance_killSwitch from "../governance/killSwitch.js";
import type * as governance_ledger from "../governance/ledger.js";
import type * as governance_model from "../governance/model.js";
import type * as governance_promotion from "../governance/promotion.js";
import type * as http from "../http.js";
import type * as learning_console from "../learning/console.js";
import type * as learning_internal from "../learning/internal.js";
import type * as learning_ledger from "../learning/ledger.js";
import type * as learning_model from "../learning/model.js";
import type * as learning_promotion from "../learning/promotion.js";
import type * as market_bingxActions from "../market/bingxActions.js";
import type * as market_bingxClient from "../market/bingxClient.js";
import type * as market_bingxFeedActions from "../market/bingxFeedActions.js";
import type * as market_bingxHold from "../market/bingxHold.js";
import type * as market_console from "../market/console.js";
import type * as market_internal from "../market/internal.js";
import type * as market_ledger from "../market/ledger.js";
import type * as market_model from "../market/model.js";
import type * as market_views from "../market/views.js";
import type * as market_worker from "../market/worker.js";
import type * as ops_console from "../ops/console.js";
import type * as ops_internal from "../ops/internal.js";
import type * as ops_model from "../ops/model.js";
import type * as ops_settle from "../ops/settle.js";
import type * as ops_worker from "../ops/worker.js";
import type * as rateLimits from "../rateLimits.js";
import type * as retention_console from "../retention/console.js";
import type * as retention_internal from "../retention/internal.js";
import type * as retention_model from "../retention/model.js";
import type * as risk_console from "../risk/console.js";
import type * as risk_model from "../risk/model.js";
import type * as risk_worker from "../risk/worker.js";
import type * as runs_console from "../runs/console.js";
import type * as runs_ledger from "../runs/ledger.js";
import type * as runs_model from "../runs/model.js";
import type * as runs_start from "../runs/start.js";
import type * as runs_worker from "../runs/worker.js";
import type * as searches_console from "../searches/console.js";
import type * as searches_model from "../searches/model.js";
import type * as shadows_console from "../shadows/console.js";
import type * as shadows_ledger from "../shadows/ledger.js";
import type * as shadows_model from "../shadows/model.js";
import type * as shadows_worker from "../shadows/worker.js";
import type * as validators from "../validators.js";
import type * as walkForwards_checks from "../walkForwards/checks.js";
import type * as walkForwards_console from "../walkForwards/console.js";
import type * as walkForwards_gates from "../walkForwards/gates.js";
import type * as walkForwards_model from "../walkForwards/model.js";
import type * as walkForwards_worker from "../walkForwards/worker.js";

/**
 * A utility for referencing Convex functions in your app's API.
 *
 * Usage:
 * ```js
 * const myFunctionReference = api.myModule.myFunction;
 * ```
 */
declare const fullApi: ApiFromModules<{
  "access/console": typeof access_console;
  "access/model": typeof access_model;
  "access/roles": typeof access_roles;
  "access/worker": typeof access_worker;
  "agents/console": typeof agents_console;
  "agents/ledger": typeof agents_ledger;
  "agents/manifest": typeof agents_manifest;
  "agents/model": typeof agents_model;
  "agents/names": typeof agents_names;
  "agents/recipe": typeof agents_recipe;
  "agents/trainable": typeof agents_trainable;
  "agents/worker": typeof agents_worker;
  "audit/console": typeof audit_console;
  "audit/model": typeof audit_model;
  builders: typeof builders;
  "costs/console": typeof costs_console;
  "costs/fit": typeof costs_fit;
  "costs/model": typeof costs_model;
  "costs/worker": typeof costs_worker;
  crons: typeof crons;
  "datasets/console": typeof datasets_console;
  "datasets/model": typeof datasets_model;
  "datasets/worker": typeof datasets_worker;
  "decisions/console": typeof decisions_console;
  "decisions/model": typeof decisions_model;
  "decisions/worker": typeof decisions_worker;
  "drift/console": typeof drift_console;
  "drift/ledger": typeof drift_ledger;
  "drift/model": typeof drift_model;
  "drift/worker": typeof drift_worker;
  "evaluations/console": typeof evaluations_console;
  "evaluations/model": typeof evaluations_model;
  "evaluations/trials": typeof evaluations_trials;
  "evaluations/worker": typeof evaluations_worker;
  "execution/console": typeof execution_console;
  "execution/ledger": typeof execution_ledger;
  "execution/model": typeof execution_model;
  "execution/worker": typeof execution_worker;
  "features/model": typeof features_model;
  "feeds/api": typeof feeds_api;
  "feeds/console": typeof feeds_console;
  "feeds/http": typeof feeds_http;
  "feeds/internal": typeof feeds_internal;
  "feeds/ledger": typeof feeds_ledger;
  "feeds/model": typeof feeds_model;
  "feeds/worker": typeof feeds_worker;
  "governance/console": typeof governance_console;
  "governance/killSwitch": typeof governance_killSwitch;
  "governance/ledger": typeof governance_ledger;
  "governance/model": typeof governance_model;
  "governance/promotion": typeof governance_promotion;
  http: typeof http;
  "learning/console": typeof learning_console;
  "learning/internal": typeof learning_internal;
  "learning/ledger": typeof learning_ledger;
  "learning/model": typeof learning_model;
  "learning/promotion": typeof learning_promotion;
  "market/bingxActions": typeof market_bingxActions;
  "market/bingxClient": typeof market_bingxClient;
  "market/bingxFeedActions": typeof market_bingxFeedActions;
  "market/bingxHold": typeof market_bingxHold;
  "market/console": typeof market_console;
  "market/internal": typeof market_internal;
  "market/ledger": typeof market_ledger;
  "market/model": typeof market_model;
  "market/views": typeof market_views;
  "market/worker": typeof market_worker;
  "ops/console": typeof ops_console;
  "ops/internal": typeof ops_internal;
  "ops/model": typeof ops_model;
  "ops/settle": typeof ops_settle;
  "ops/worker": typeof ops_worker;
  rateLimits: typeof rateLimits;
  "retention/console": typeof retention_console;
  "retention/internal": typeof retention_internal;
  "retention/model": typeof retention_model;
  "risk/console": typeof risk_console;
  "risk/model": typeof risk_model;
  "risk/worker": typeof risk_worker;
  "runs/console": typeof runs_console;
  "runs/ledger": typeof runs_ledger;
  "runs/model": typeof runs_model;
  "runs/start": typeof runs_start;
  "runs/worker": typeof runs_worker;
  "searches/console": typeof searches_console;
  "searches/model": typeof searches_model;
  "shadows/console": typeof shadows_console;
  "shadows/ledger": typeof shadows_ledger;
  "shadows/model": typeof shadows_model;
  "shadows/worker": typeof shadows_worker;
  validators: typeof validators;
  "walkForwards/checks": typeof walkForwards_checks;
  "walkForwards/console": typeof walkForwards_console;
  "walkForwards/gates": typeof walkForwards_gates;
  "walkForwards/model": typeof walkForwards_model;
  "walkForwards/worker": typeof walkForwards_worker;
}>;
export declare const api: FilterApi<
  typeof fullApi,
  FunctionReference<any, "public">
>;
export declare const internal: FilterApi<
  typeof fullApi,
  FunctionReference<any, "internal">
>;

export declare const components: {
  rateLimiter: import("@convex-dev/rate-limiter/_generated/component.js").ComponentApi<"rateLimiter">;
  actionRetrier: import("@convex-dev/action-retrier/_generated/component.js").ComponentApi<"actionRetrier">;
};
