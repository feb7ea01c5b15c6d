import { canonicalPath } from "../loader/modules";

const HANDLE = "function://";

/** Where a function lives: the instance path of its component (empty for the app) and `module:name`. */
export interface FunctionAddress {
  component: string;
  path: string;
}

/**
 * The text form of an address: `module:name` in the app, and the function handle `function://<instance path>;module:name`
 * everywhere else. Handles are what `createFunctionHandle` gives to user code, which may store them.
 */
export function formatAddress({ component, path }: FunctionAddress): string {
  return component === "" ? path : formatHandle({ component, path });
}

export function formatHandle({ component, path }: FunctionAddress): string {
  return `${HANDLE}${component};${canonicalPath(path)}`;
}

/** Inverse of {@link formatAddress} and {@link formatHandle}; the path comes back canonical. */
export function parseAddress(text: string): FunctionAddress {
  if (!text.startsWith(HANDLE)) return { component: "", path: canonicalPath(text) };
  const at = text.indexOf(";");
  if (at < 0) throw new Error(`Invalid function handle ${JSON.stringify(text)}.`);
  return { component: text.slice(HANDLE.length, at), path: canonicalPath(text.slice(at + 1)) };
}

const CHILD = "_reference/childComponent/";

/** Child name and function path of `components.<name>.<module>.<function>`. */
export function parseChildReference(reference: string): { child: string; path: string } {
  const [child, ...steps] = reference.startsWith(CHILD) ? reference.slice(CHILD.length).split("/") : [];
  const name = steps.pop();
  if (child === undefined || name === undefined || steps.length === 0) {
    throw new Error(`The reference ${JSON.stringify(reference)} names no function of a child component.`);
  }
  return { child, path: `${steps.join("/")}:${name}` };
}
