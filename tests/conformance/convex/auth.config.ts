/**
 * Providers come as JSON in the deployment variable AUTH_PROVIDERS, so that a run can bring keys and issuers of its own. Without it
 * nobody can sign in.
 */
export default { providers: JSON.parse(process.env.AUTH_PROVIDERS ?? "[]") };
