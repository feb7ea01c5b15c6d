import { describe, expect, it } from "vitest";
import { matchDestinations } from "./paletteMatch";

const PLACES = [
  { href: "/agents/1", label: "ppo-15m-s7", kind: "version" },
  { href: "/runs", label: "Runs", kind: "page" },
  { href: "/runs/1", label: "morning ppo", kind: "run" },
];
const find = (typed: string, limit = 9) => matchDestinations(PLACES, typed, limit).map(({ href }) => href);

describe("the command palette", () => {
  it("finds what contains every word, in name or kind, whatever the case", () => {
    expect(find("PPO run")).toEqual(["/runs/1"]);
    expect(find("nothing like it")).toEqual([]);
  });

  it("puts what starts with the word first and keeps to its limit", () => {
    expect(find("ppo")).toEqual(["/agents/1", "/runs/1"]);
    expect(find("", 2)).toEqual(["/agents/1", "/runs"]);
  });
});
