/** What other domains may know of governance: its ledger, and the acts that move a champion. */
export * from "./ledger";
export { gatesOf, promote, rollback } from "./promotion";
