/** `assay token`: who outside the desk may post events, and the tokens they do it with. */
import type { Command } from "commander";
import { api } from "../../convex/_generated/api";
import { parseWhole } from "./arguments";
import { sub, withDesk } from "./program";

export function addTokens(program: Command): void {
  const token = program.command("token").description("tokens of machines outside the desk (docs/feeds.md)");
  sub(token, "create <name>", "let a machine post events, and print its token once")
    .option("--days <n>", "days until it expires", "90")
    .action((name: string, options, command: Command) => {
      const days = parseWhole(options.days, "--days", 1, 366);
      return withDesk(command, false, async ({ person, desk, sign }) => {
        const { subject, expiresAtMs } = await person.mutation(api.access.console.allowToken, {
          ...{ name, days },
          scopes: ["events:write"],
        });
        return {
          ...{ name, token: await sign(subject, expiresAtMs), scopes: ["events:write"] },
          expiresAt: new Date(expiresAtMs).toISOString(),
          url: eventsUrl(desk.convexUrl),
        };
      });
    });
  sub(token, "list", "the machines and what they may do").action((_options, command: Command) =>
    withDesk(command, false, async ({ person }) => {
      const rows = await person.query(api.access.console.listTokens, {});
      return {
        tokens: rows.map(({ name, scopes, expiresAtMs, disabled }) => ({
          ...{ name, scopes: scopes.join(" "), revoked: disabled },
          expiresAt: new Date(expiresAtMs).toISOString(),
        })),
      };
    }),
  );
  sub(token, "revoke <name>", "shut a machine out from its next call").action(
    (name: string, _options, command: Command) =>
      withDesk(command, false, async ({ person }) => {
        await person.mutation(api.access.console.revokeToken, { name });
        return { name, revoked: true };
      }),
  );
}

/** The desk of a data folder serves HTTP actions on the port after its backend's. */
function eventsUrl(convexUrl: string): string {
  const url = new URL("/v1/events", convexUrl);
  url.port = String(Number(url.port) + 1);
  return url.href;
}
