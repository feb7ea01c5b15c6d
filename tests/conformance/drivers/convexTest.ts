import { makeFunctionReference } from "convex/server";
import { convexTest } from "convex-test";
import schema from "../convex/schema";
import type { Driver } from "./driver";

const modules = import.meta.glob("../convex/**/*.*s");

const absent = (what: string) => (): never => {
  throw new Error(`convex-test has no ${what}; the case should declare that it needs one`);
};

/** The mock that Convex's community maintains: the same functions in this process, on an in-memory table. */
export const convexTestDriver: Driver = {
  name: "convex-test",
  lacks: {
    subscriptions: "it runs a query once; nothing is live",
    httpApi: "it is called in process",
    tokens: "identities are handed to it, tokens are not verified",
    wording: "it words its errors in its own way",
    validatorWording: "it words validator errors in its own way",
    limits: "it enforces none",
    environment: "functions see the globals of the test runner",
    adminKey: "it has none",
    storageUrls: "its URLs lead nowhere",
    cursors: "its cursors are document ids and not bound to a query",
    concurrency: "one transaction at a time in one process",
    crons: "it runs none",
  },
  async open() {
    const t = convexTest(schema, modules);
    return {
      url: "",
      adminKey: null,
      query: (path, args = {}) => t.query(makeFunctionReference<"query">(path), args),
      mutation: (path, args = {}) => t.mutation(makeFunctionReference<"mutation">(path), args),
      action: (path, args = {}) => t.action(makeFunctionReference<"action">(path), args),
      fetch: (path, init) => t.fetch(path, init),
      client: absent("clients"),
      watch: absent("subscriptions"),
      async close() {},
    };
  },
};
