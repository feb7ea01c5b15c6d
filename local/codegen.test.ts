import { describe, expect, it } from "vitest";
import { COMPONENT_FUNCTIONS } from "../tests/backend/components";
import { DefinitionLoader } from "./backend/components/definitions";
import { systemPorts } from "./backend/ports";
import { createDefaultRuntime } from "./backend/runtime/globals";
import { withComponents } from "./codegen";

describe("generated files", () => {
  it("name each used component once, typed by its package or its folder", async () => {
    const context = createDefaultRuntime({}, systemPorts);
    const app = await new DefinitionLoader(COMPONENT_FUNCTIONS, context).app();
    const { js, dts } = withComponents(app, {
      js: 'import { anyApi } from "convex/server";\n\nexport const api = anyApi;\n',
      dts: "export declare const api: number;\n",
    });
    expect(js).toBe(
      'import { anyApi, componentsGeneric } from "convex/server";\n\nexport const api = anyApi;\nexport const components = componentsGeneric();\n',
    );
    const typed = (name: string, path: string) =>
      `  ${name}: import("${path}/_generated/component.js").ComponentApi<"${name}">;\n`;
    expect(dts).toBe(
      `export declare const api: number;\n\nexport declare const components: {\n${[
        typed("rateLimiter", "@convex-dev/rate-limiter"),
        typed("aggregate", "@convex-dev/aggregate"),
        typed("actionRetrier", "@convex-dev/action-retrier"),
        typed("workpool", "@convex-dev/workpool"),
        typed("ledger", "../ledger"),
        typed("archive", "../ledger"),
      ].join("")}};\n`,
    );
  });
});
