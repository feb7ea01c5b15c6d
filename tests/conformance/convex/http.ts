import { httpRouter } from "convex/server";
import { httpAction } from "./_generated/server";

const http = httpRouter();

http.route({
  path: "/echo",
  method: "POST",
  handler: httpAction(async (_, request) => {
    const body = await request.bytes();
    return new Response(body, {
      status: 201,
      headers: {
        "content-type": request.headers.get("content-type") ?? "none",
        "x-search": new URL(request.url).search,
        "x-path": new URL(request.url).pathname,
      },
    });
  }),
});

http.route({
  pathPrefix: "/under/",
  method: "GET",
  handler: httpAction(async (_, request) => Response.json({ under: new URL(request.url).pathname })),
});

http.route({
  path: "/under/exact",
  method: "GET",
  handler: httpAction(async () => Response.json({ exact: true })),
});

http.route({
  path: "/crash",
  method: "GET",
  handler: httpAction(async () => {
    throw new Error("http boom");
  }),
});

http.route({
  path: "/whoami",
  method: "GET",
  handler: httpAction(async (ctx) => Response.json(await ctx.auth.getUserIdentity())),
});

http.route({
  path: "/large",
  method: "GET",
  handler: httpAction(async (_, request) => {
    const bytes = Number(new URL(request.url).searchParams.get("bytes"));
    return new Response(new Uint8Array(bytes));
  }),
});

export default http;
